"""Which language messages are in, and which notebook is running.

Code cells are byte for byte the same in the English and the Chinese notebooks, so the language has
to reach the kernel as data. Each program that starts kernels tells them something; we ask in turn.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import unquote

LANGUAGES = ("en", "zh-CN")


def current_language() -> str:
    """`"en"` or `"zh-CN"`; never raises.

    The first of these that knows decides: the environment's `SMOLCOURSE_LANG` (any spelling that
    starts with zh is Chinese); the running notebook's path (a Chinese notebook lies in a folder
    `zh-CN`); the working folder's name, which nbclient and nbval set to the notebook's; the id of
    the running cell, which starts with `zh-` in Chinese notebooks wherever they were copied to.
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
    return "zh-CN" if _running_cell().startswith("zh-") else "en"


current = current_language


def notebook_kind() -> str | None:
    """`"exercise"` or `"solution"` by the running notebook's name; None if that is not known."""
    stem = (notebook_path() or "").removesuffix(".ipynb")
    for kind in ("exercise", "solution"):
        if stem.endswith(f"_{kind}"):
            return kind
    return None


def notebook_path() -> str | None:
    """The running notebook's path as its program gives it, or None outside a notebook.

    `SMOLCOURSE_NOTEBOOK` is set by `smolcourse build --execute`, `JPY_SESSION_NAME` by JupyterLab
    (and Colab, percent-encoded), `__vsc_ipynb_file__` by VS Code in the notebook's own variables,
    and `PYTEST_CURRENT_TEST` by pytest while nbval starts a kernel.
    """
    shell = _shell()
    for place in (
        os.environ.get("SMOLCOURSE_NOTEBOOK"),
        os.environ.get("JPY_SESSION_NAME"),
        shell.user_ns.get("__vsc_ipynb_file__") if shell else None,
        os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0],
    ):
        path = unquote(str(place or ""))
        if path.endswith(".ipynb"):
            return path
    return None


def _shell():
    """The running IPython shell; None outside IPython (which is then not imported for this)."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _running_cell() -> str:
    """Id of the running cell: JupyterLab sends it with each request."""
    try:
        return str(_shell().get_parent()["metadata"]["cellId"])
    except (AttributeError, KeyError, TypeError):
        return ""


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").split("/")
