"""Datasets of the Hub, turned into the course's columns row by row.

An adaptor is needed only where the Hub's columns are not the course's; `profiles.py` says where
each dataset comes from. Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smolcourse.data.schema import ADAPTORS, adaptor, question_answer, require_columns
from smolcourse.errors import CourseError
from smolcourse.models import first_line, is_broken_connection
from smolcourse.profiles import HubDataset
from smolcourse.proxies import prepare_hub

if TYPE_CHECKING:
    from datasets import Dataset


@adaptor("facts")
def from_sciq(row: dict, split: str) -> dict:
    """allenai/sciq: the question and its correct answer (distractors and support unused).

    `new_phrasing` gives questions an opening that training never uses.
    """
    question = row["question"]
    if split == "new_phrasing":
        question = f"Can you tell me this? {question}"
    return question_answer(question, f"{row['correct_answer'].rstrip('.')}.", "science")


def shows_preference(row: dict) -> bool:
    """Whether the two answers differ and neither is empty; some pairs on the Hub are not so."""
    chosen, rejected = (row[side][-1]["content"].strip() for side in ("chosen", "rejected"))
    return bool(chosen and rejected) and chosen != rejected


@adaptor("preferences", keep=shows_preference)
def from_ultrafeedback(row: dict, split: str) -> dict:
    """trl-lib/ultrafeedback_binarized: prompt, chosen, rejected, each a list of messages.

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


def adapt(dataset: Dataset, name: str, split: str, source: HubDataset) -> Dataset:
    """Raw rows of a Hub dataset -> the columns of the course's dataset `name`."""
    require_columns(dataset, source.columns, source.hub)
    if name not in ADAPTORS:
        return dataset.select_columns(list(source.columns))
    chosen = ADAPTORS[name]
    options = {"fn_kwargs": {"split": split}, "remove_columns": dataset.column_names}
    rows = dataset.map(chosen.row, **options)
    return rows if chosen.keep is None else rows.filter(chosen.keep)


def load_from_hub(name: str, split: str, source: HubDataset) -> Dataset:
    """A split of a Hub dataset in the course's columns; `CourseError` if it can't be had."""
    from datasets import load_dataset

    prepare_hub()
    hub_split = source.splits[split]
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
    return adapt(raw, name, split, source)
