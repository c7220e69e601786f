"""Datasets from the Hub in the course's columns: what `load` gives in the smol profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from smolcourse.data.text import question_answer
from smolcourse.errors import CourseError
from smolcourse.models import first_line, is_broken_connection
from smolcourse.proxies import prepare_hub

if TYPE_CHECKING:
    from datasets import Dataset


def require_columns(dataset: Dataset, columns, what: str) -> Dataset:
    """The dataset itself, or one sentence naming the columns that it lacks."""
    missing = [column for column in columns if column not in dataset.column_names]
    if missing:
        raise CourseError(
            "{what} has no column '{missing}' (it has: {column_names}); rename a column with dataset.rename_column, or convert the rows first.",
            what=what,
            missing=missing[0],
            column_names=", ".join(dataset.column_names),
        )
    return dataset


def adapt_sciq(row: dict) -> dict:
    """allenai/sciq -> facts: the question and its correct answer (distractors and support unused)."""
    return question_answer(row["question"], f"{row['correct_answer'].rstrip('.')}.", "science")


def reword(row: dict) -> dict:
    """The same question with an opening that training never uses."""
    question = f"Can you tell me this? {row['question']}"
    return question_answer(question, row["answer"], row["group"])


def adapt_preferences(row: dict) -> dict:
    """trl-lib/ultrafeedback_binarized -> prompt, chosen, rejected, each a list of messages.

    The Hub rows repeat the prompt at the head of both answers; it is taken off once.
    """
    chosen, rejected = row["chosen"], row["rejected"]
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    if shared == 0:
        raise CourseError(
            "A preference row's two answers share no prompt: give rows whose 'chosen' and 'rejected' "
            "begin with the same messages."
        )
    return {"prompt": chosen[:shared], "chosen": chosen[shared:], "rejected": rejected[shared:]}


def shows_preference(row: dict) -> bool:
    """Whether the two answers differ and neither is empty; some pairs on the Hub are not so."""
    chosen, rejected = (row[side][-1]["content"].strip() for side in ("chosen", "rejected"))
    return bool(chosen and rejected) and chosen != rejected


ADAPTORS: dict[str, Callable[[dict], dict]] = {
    "facts": adapt_sciq,
    "preferences": adapt_preferences,
}


def adapt(dataset: Dataset, name: str, columns) -> Dataset:
    """Raw Hub rows -> the course's columns (tested on small local rows in the Hub's schema)."""
    require_columns(dataset, columns, f"The Hub dataset for '{name}'")
    if name in ADAPTORS:
        rows = dataset.map(ADAPTORS[name], remove_columns=dataset.column_names)
        return rows.filter(shows_preference) if name == "preferences" else rows
    return dataset.select_columns(list(columns))


def from_hub(name: str, split: str, profile) -> Dataset:
    """A Hub dataset at its pinned revision. Raises `CourseError` if it can't be loaded."""
    from datasets import load_dataset

    prepare_hub()
    source = profile.dataset(name)
    hub_split = source.splits["validation" if split == "new_phrasing" else split]
    try:
        raw = load_dataset(source.hub, source.config, split=hub_split, revision=source.revision)
    except Exception as error:
        if not (isinstance(error, (OSError, ValueError)) or is_broken_connection(error)):
            raise
        raise CourseError(
            "The dataset {hub} can't be loaded ({error}): check the network, or work offline with profile='tiny'.",
            hub=source.hub,
            error=first_line(error),
        ) from error
    rows = adapt(raw, name, source.columns)
    return rows.map(reword) if split == "new_phrasing" else rows
