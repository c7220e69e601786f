"""What the notebooks of a topic say in both languages: names of reported numbers, plot labels.

Authors write them in `N_module/notebooks/source/TOPIC.toml`, beside the source. `smolcourse build`
copies that file into `topics/` here, because a kernel in Colab or outside the repository has nothing
but the installed package; so a clone and a wheel read the same place.
The tables in `package/` are written by hand: the Chinese of what the package itself says (see
`smolcourse.translate`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "topics"


@cache
def of(topic: str) -> dict[str, dict]:
    """The texts of a topic: `{"report": {...}, "words": {...}}`, both empty if it has none.

    `report` holds `metric` and `extra`: what reported numbers are called, by the metric's English
    text or by the keyword of `course.report`, as `{"en": ..., "zh-CN": ...}`. `words` maps an
    English text that a notebook shows to its Chinese. Callers share the result: don't change it.
    """
    file = FOLDER / f"{topic}.toml"
    texts = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {"report": {}, "words": {}} | texts
