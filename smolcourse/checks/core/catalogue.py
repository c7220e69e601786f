"""What checks say, in both languages: `core/generic.toml`, and a file beside each exercise.

A file has one table a message; in each language what is said, then (optional) the hint. {names} are
filled in with what was seen:

    [prompt_carries_loss]
    en = ["The prompt carries loss{given}: {got}.", "Labels before assistant_start must be -100."]
    zh = ["{given}提示部分也参与了损失计算：{got}。", "assistant_start 之前的标签应为 -100。"]

Always there: {given} (" when called with ...", or nothing); where values were compared, {got} and
{expected}. An exercise may say a generic message in its own words.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

import smolcourse.checks

GENERIC = Path(__file__).with_name("generic.toml")
LANGUAGES = {"en": "en", "zh-CN": "zh"}


def path_of(id: str) -> Path | None:
    """The messages of an exercise: `sft.mask` -> checks/sft/mask.toml; None for an unknown id."""
    parts = str(id).replace("-", "_").split(".")
    if len(parts) != 2 or not all(part.isidentifier() for part in parts):
        return None
    places = (Path(top, *parts).with_suffix(".toml") for top in smolcourse.checks.__path__)
    return next((place for place in places if place.is_file()), None)


@cache
def tables(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read(id: str) -> dict:
    """The messages of one exercise by key."""
    path = path_of(id)
    return tables(path) if path else {}


def generic() -> dict:
    """The messages that any check may say, by key."""
    return tables(GENERIC)


def message(id: str, key: str, lang: str, names: dict) -> tuple[str, str]:
    """(text, hint) of a message in `lang`; hint is "" if there is none. Never raises.

    A missing translation falls back to English, an unknown key to the key itself.
    """
    entry = read(id).get(key) or generic().get(key)
    if entry is None:
        return key, ""
    text, *hint = entry.get(LANGUAGES.get(lang, "en")) or entry.get("en", [key])
    return _fill(text, names), _fill(hint[0], names) if hint else ""


def problems(tables: dict) -> list[str]:
    """One sentence for each entry that lacks a language or fills different names in the two."""
    found = []
    for key, entry in tables.items():
        said = [entry.get(lang) for lang in LANGUAGES.values()]
        if set(entry) != set(LANGUAGES.values()) or not all(isinstance(s, list) for s in said):
            found.append(f"{key}: needs en and zh, each a list of the message and its hint.")
        elif len(said[0]) != len(said[1]) or len(said[0]) not in (1, 2):
            found.append(f"{key}: write the hint in both languages.")
        else:
            english, chinese = (set(re.findall(r"{(\w+)", " ".join(parts))) for parts in said)
            if english != chinese:
                found.append(f"{key}: both languages must fill in the same names.")
    return found


class _Gaps(dict):
    def __missing__(self, name):
        return "{" + name + "}"


def _fill(text: str, names: dict) -> str:
    try:
        return text.format_map(_Gaps(names))
    except (ValueError, IndexError, AttributeError, TypeError):  # not worth a crash
        return text
