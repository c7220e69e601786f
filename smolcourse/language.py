"""Which language messages are in.

Code cells are byte for byte the same in the English and the Chinese notebooks, so the language has
to reach the kernel as data. Each program that starts kernels tells them something; we ask in turn.
"""

from __future__ import annotations

import os
from pathlib import Path

from smolcourse.notebook import notebook_path, running_cell

LANGUAGES = ("en", "zh-CN")


# What a program without a notebook speaks if nobody says: the command line sets it to the locale's.
fallback = "en"


def of_locale() -> str:
    """`"zh-CN"` where the system's messages are in Chinese, else `"en"`."""
    import locale

    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")]
    if not any(names):  # Windows and macOS programs: the system knows
        names = [str(locale.getlocale()[0] or "")]
    first = next((name for name in names if name), "")
    return "zh-CN" if first.lower().startswith(("zh", "chinese")) else "en"


def current_language() -> str:
    """`"en"` or `"zh-CN"`; never raises.

    The first of these that knows decides: the environment's `SMOLCOURSE_LANG` (any spelling that
    starts with zh is Chinese); the running notebook's path (a Chinese notebook lies in a folder
    `zh-CN`); the working folder's name, which nbclient and nbval set to the notebook's; the id of
    the running cell, which starts with `zh-` in Chinese notebooks wherever they were copied to;
    `fallback`.
    """
    wanted = os.environ.get("SMOLCOURSE_LANG", "").strip().lower()
    if wanted:
        return "zh-CN" if wanted.startswith("zh") else "en"
    if "zh-CN" in _parts(notebook_path() or ""):
        return "zh-CN"
    try:
        if "zh-CN" in Path.cwd().parts:
            return "zh-CN"
    except OSError:  # the folder was deleted under the kernel
        pass
    return "zh-CN" if running_cell().startswith("zh-") else fallback


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").split("/")
