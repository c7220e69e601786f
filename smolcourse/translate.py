"""`tr("{n} rows", n=3)`: a sentence in the reader's language. The English text is the key.

What the package itself says stands in `words/package/*.toml`, what a topic's notebooks show in
`N_module/notebooks/source/TOPIC.toml` ([words]); both are tables "English" = "中文". English where a
translation is missing; tests/pages/test_languages.py finds what is missing. The checks have
catalogues of their own (checks/core/catalogue.py), since their messages go by key.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from smolcourse import language, words

PACKAGE = Path(__file__).parent / "words" / "package"
topic_now = ""  # the topic whose notebook is running


def tr(text: str, **facts) -> str:
    """`text` in the current language, with its {names} filled in."""
    return tell(language.current_language(), text, **facts)


def tell(lang: str, text: str, **facts) -> str:
    """As `tr`, in a language that the caller knows (`"en"` or `"zh-CN"`)."""
    known = chinese_words(topic_now) if lang == "zh-CN" else {}
    text = known.get(text, text)
    # A claim's truth is said in words: `say("over half are right: {holds}", holds=share > 0.5)`.
    facts = {name: _word(value, known) for name, value in facts.items()}
    return text.format(**facts) if facts else text


def _word(value, known: dict[str, str]):
    """`yes` or `no` for a truth value, numpy's as well; everything else as it is."""
    if type(value).__name__ not in ("bool", "bool_"):
        return value
    word = "yes" if value else "no"
    return known.get(word, word)


def shown(value) -> str:
    """A value in a table: four digits of a number, `yes` or `no`, a text in the reader's language."""
    value = _word(value, {})
    return f"{value:.4g}" if isinstance(value, float) else tr(str(value))


def speak_of(topic: str) -> None:
    """From here on the topic's own words are known too; `setup` calls it."""
    global topic_now
    topic_now = topic


@cache
def chinese_words(topic: str) -> dict[str, str]:
    """{English: Chinese} of the package and of a topic; callers share it and don't change it."""
    known = {}
    for path in sorted(PACKAGE.glob("*.toml")):
        known |= tomllib.loads(path.read_text(encoding="utf-8"))
    return known | (words.of(topic)["words"] if topic else {})
