"""What checks say, in both languages: `messages/_generic.toml` and `messages/<module>.toml`.

A file has one table a message; its hint is optional, `{names}` are filled in by the checker:

    ["sft.mask".prompt_carries_loss]
    en = "{count} prompt tokens carry loss."
    zh = "有 {count} 个提示 token 参与了损失计算。"
    hint_en = "Every label before assistant_start must be -100."
    hint_zh = "assistant_start 之前的标签都应为 -100。"

The generic file has no exercise level: `[timeout]`. An exercise may override a generic message.
"""

import tomllib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "messages"
FIELDS = ("en", "zh", "hint_en", "hint_zh")
EXTRA: dict[str, dict] = {}  # messages of tests: {exercise id: {key: entry}}


@cache
def read(module: str) -> dict:
    """The catalogue of one module, {} if it has none."""
    path = FOLDER / f"{module}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def message(module: str, id: str, key: str, lang: str, fmt: dict) -> tuple[str, str]:
    """(text, hint) of a message in `lang`; hint is "" if there is none. Never raises.

    A missing translation falls back to English, an unknown key to the key itself.
    """
    for table in (EXTRA.get(id, {}), read(module).get(id, {}), read("_generic")):
        if key in table:
            entry = table[key]
            break
    else:
        return key, ""
    suffix = "zh" if lang == "zh-CN" else "en"
    text = entry.get(suffix) or entry.get(lang) or entry.get("en", key)
    hint = entry.get(f"hint_{suffix}") or entry.get("hint_en", "")
    return _fill(text, fmt), _fill(hint, fmt)


def problems(module: str) -> list[str]:
    """One sentence for each entry that lacks a language or fills different names in the two."""
    import re

    found = []
    tables = {"": read(module)} if module == "_generic" else read(module)
    for id, table in tables.items():
        for key, entry in table.items():
            name = f"{module}.toml, {id or 'generic'}.{key}"
            unknown = set(entry) - set(FIELDS)
            if unknown or not {"en", "zh"} <= set(entry):
                found.append(f"{name}: needs en and zh, and nothing else but hint_en and hint_zh.")
            elif ("hint_en" in entry) != ("hint_zh" in entry):
                found.append(f"{name}: write the hint in both languages.")
            else:
                english, chinese = (
                    set(re.findall(r"{(\w+)", entry[lang] + entry.get(f"hint_{lang}", "")))
                    for lang in ("en", "zh")
                )
                if english != chinese:
                    found.append(f"{name}: both languages must fill in the same names.")
    return found


class _Gaps(dict):
    def __missing__(self, name):
        return "{" + name + "}"


def _fill(text: str, fmt: dict) -> str:
    try:
        return text.format_map(_Gaps(fmt))
    except (
        ValueError,
        IndexError,
        AttributeError,
        TypeError,
    ):  # a message is not worth a crash
        return text
