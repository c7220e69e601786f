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

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smolcourse import profiles
from smolcourse.data.hub import from_hub
from smolcourse.data.text import TINY
from smolcourse.errors import one_of

if TYPE_CHECKING:
    from datasets import Dataset


def load(
    name: str, split: str = "train", profile: str = "tiny", rows: int | None = None
) -> Dataset:
    """A dataset of the course by name (see the module's table).

    Args:
        name: "facts", "conversations", "math", "preferences" or "stories".
        split: "train" or "test"; for facts also "new_phrasing": asked in words that no training
            text uses (tiny: of known facts; smol: other questions with a new opening).
        profile: "tiny" or "smol".
        rows: at most this many rows, the first ones; None for all.

    Raises:
        CourseError: unknown name, split or profile, or a Hub set that lacks a promised column.
    """
    chosen = profiles.get(profile)
    if name not in TINY:
        raise one_of("dataset", name, TINY)
    splits = ("train", "test", "new_phrasing") if name == "facts" else ("train", "test")
    if split not in splits:
        raise one_of("split", split, splits)
    dataset = TINY[name](split) if chosen.name == "tiny" else from_hub(name, split, chosen)
    return dataset if rows is None else dataset.select(range(min(rows, len(dataset))))
