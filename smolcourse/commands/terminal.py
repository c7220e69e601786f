"""What every command prints with: marks that the console has, JSON that is the same everywhere."""

from __future__ import annotations

import sys

WORDS = {
    "en": {"✓": "OK", "✗": "ERROR", "…": "TODO", "!": "NOTE", "→": "->"},
    "zh-CN": {"✓": "通过", "✗": "错误", "…": "未做", "!": "注意", "→": "->"},
}


def can_show(text: str, stream=None) -> bool:
    """Whether the console's encoding has these characters."""
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def sign(symbol: str) -> str:
    """✓, ✗, … or →, or a word in the reader's language where the console has no such sign."""
    from smolcourse.language import current_language

    if can_show(symbol):
        return symbol
    word = WORDS[current_language()][symbol]
    return word if can_show(word) else WORDS["en"][symbol]


def print_json(text: str) -> None:
    """Print JSON as UTF-8 with `\\n`, whatever the console's encoding: a program will read it."""
    data = (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:  # a notebook's or a test's stream of text
        print(data.decode("utf-8"), end="")
        return
    sys.stdout.flush()
    raw.write(data)
    raw.flush()


def console():
    """rich's console: long sentences are the terminal's to wrap, and a pipe gets whole lines."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False)


def one_line(text: str) -> str:
    """The text without line breaks: a table of one line a row."""
    return " ".join(text.split())
