"""Read text files that people wrote: editors put a byte order mark before them, or use UTF-16."""

from __future__ import annotations

import codecs
from pathlib import Path

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: str | Path) -> str:
    """A file's text without its byte order mark: UTF-8, or UTF-16 where the mark says so.

    Raises OSError, and UnicodeDecodeError for other encodings.
    """
    data = Path(path).read_bytes()
    return data.decode("utf-16" if data.startswith(UTF16) else "utf-8-sig")


def whole(text: str) -> str:
    """The text with lone surrogates replaced: what a terminal in another encoding lets through."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
