"""Datasets of the course: `datasets.Dataset` objects in the Hub's own column schemas.

`load(name, split, profile)` gives the same columns from Smol World (tiny) and from the Hub (smol),
so no notebook needs to know which it got. The raw sets (`conversations`, `math`) keep the schema
of their Hub originals on purpose: turning them into `messages` is an exercise of module 1.

| name | columns | tiny | smol |
|---|---|---|---|
| facts | messages, question, answer, group | Smol World's facts | allenai/sciq |
| conversations | full_topic, messages | two-turn chats | HuggingFaceTB/smoltalk |
| math | question, answer ("... #### 7") | small sums, told in words | openai/gsm8k |
| preferences | prompt, chosen, rejected | the polite answer over others | trl-lib/ultrafeedback_binarized |
| stories | text | Smol World's stories | roneneldan/TinyStories |

Tiny rows are made in `text.py`, Hub rows adapted in `hub.py`.
Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smolcourse import profiles

# A file registers its makers or adaptors when it is imported.
from smolcourse.data import hub, text  # noqa: F401
from smolcourse.data.schema import MAKERS
from smolcourse.errors import one_of

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["load", "names"]


def names() -> list[str]:
    """The names of all datasets."""
    return list(MAKERS)


def load(
    name: str,
    split: str = "train",
    profile: str | profiles.Profile = "tiny",
    rows: int | None = None,
) -> Dataset:
    """A dataset of the course by name (see the module's table).

    Args:
        name: one of `names()`.
        split: "train" or "test"; for facts also "new_phrasing": asked in words that no training
            text uses (tiny: of known facts; smol: other questions with a new opening).
        profile: "tiny" or "smol", or a profile itself.
        rows: at most this many rows, the first ones; None for all.

    Raises:
        CourseError: unknown name, split or profile, or a Hub set that lacks a promised column.
    """
    chosen = profile if isinstance(profile, profiles.Profile) else profiles.get(profile)
    if name not in MAKERS:
        raise one_of("dataset", name, MAKERS)
    made = MAKERS[name]
    if split not in made.splits:
        raise one_of("split", split, made.splits)
    if chosen.offline:
        from datasets import Dataset

        dataset = Dataset.from_list(made.rows(split))
    else:
        dataset = hub.load_from_hub(name, split, chosen.dataset(name))
    return dataset if rows is None else dataset.select(range(min(rows, len(dataset))))
