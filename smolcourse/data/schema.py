"""What a dataset of the course is made of: columns, a maker of tiny rows, an adaptor of Hub rows.

Makers and adaptors say by themselves which dataset they are for, so a new dataset edits no table:
its maker in `text.py` (images and documents get files of their own), its adaptor in `hub.py`, if
the Hub's columns are not the course's, and its source in `profiles.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smolcourse.errors import CourseError
from smolcourse.translate import tr

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Maker:
    """`rows(split)` makes the rows of a tiny dataset; `splits` are those that it has."""

    rows: Callable[[str], list[dict]]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Adaptor:
    """`row(raw, split)` makes one row of the course; rows that `keep` refuses are left out."""

    row: Callable[[dict, str], dict]
    keep: Callable[[dict], bool] | None = None


MAKERS: dict[str, Maker] = {}
ADAPTORS: dict[str, Adaptor] = {}


def maker(*extra: str) -> Callable:
    """Decorator: this function makes the dataset of its name; `extra` splits beside train, test."""

    def add(rows: Callable[[str], list[dict]]) -> Callable[[str], list[dict]]:
        MAKERS[rows.__name__] = Maker(rows, ("train", "test", *extra))
        return rows

    return add


def adaptor(name: str, keep: Callable[[dict], bool] | None = None) -> Callable:
    """Decorator: this function turns a Hub row into a row of dataset `name`."""

    def add(row: Callable[[dict, str], dict]) -> Callable[[dict, str], dict]:
        ADAPTORS[name] = Adaptor(row, keep)
        return row

    return add


def question_answer(question: str, answer: str, group: str) -> dict:
    """One row of `facts`: a chat of two messages, and its parts for scoring."""
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
        "question": question,
        "answer": answer,
        "group": group,
    }


def require_columns(dataset: Dataset, columns, what: str) -> Dataset:
    """The dataset itself, or one sentence naming the columns that it lacks."""
    missing = [column for column in columns if column not in dataset.column_names]
    if missing:
        raise CourseError(
            "{what} has no column '{missing}' (it has: {column_names}); rename a column with dataset.rename_column, or convert the rows first.",
            what=tr(what),
            missing=missing[0],
            column_names=", ".join(dataset.column_names),
        )
    return dataset
