"""Markdown that programs write: the tables of generated pages and of model cards."""

from __future__ import annotations

from collections.abc import Iterable


def table(columns: Iterable, rows: Iterable[Iterable]) -> str:
    """A table as GitHub renders it; line breaks and bars in a cell can't break it."""
    columns = list(columns)
    lines = [_line(columns), "|" + "---|" * len(columns), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Iterable) -> str:
    texts = [str(cell).replace("\n", " ").replace("|", "\\|") for cell in cells]
    return "| " + " | ".join(texts) + " |"
