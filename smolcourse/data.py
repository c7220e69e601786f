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

from collections.abc import Callable
from typing import TYPE_CHECKING

from smolcourse import profiles
from smolcourse.errors import CourseError, one_of
from smolcourse.proxies import prepare_hub

if TYPE_CHECKING:
    from datasets import Dataset

SEED = 3


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


# ---------------------------------------------------------------- Smol World


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


def _tiny_facts(split: str) -> Dataset:
    from datasets import Dataset

    from smolcourse.world.facts import RELATIONS, all_facts, fill
    from smolcourse.world.manner import sentence
    from smolcourse.world.splits import rng

    shuffle = rng("data", "facts", split, SEED)
    rows = []
    for fact in all_facts():
        relation = RELATIONS[fact.relation]
        if split == "train":
            patterns = [] if fact.heldout else relation.questions
        elif split == "test":
            patterns = [shuffle.choice(relation.questions)] if fact.heldout else []
        else:
            patterns = [] if fact.heldout else [shuffle.choice(relation.heldout_questions)]
        for pattern in patterns:
            rows.append(
                question_answer(fill(pattern, fact.subject), sentence(fact.answer), fact.relation)
            )
    shuffle.shuffle(rows)
    return Dataset.from_list(rows)


def _tiny_conversations(split: str) -> Dataset:
    from datasets import Dataset

    from smolcourse.world.chat import conversation

    rows = []
    for i in range(2000 if split == "train" else 200):
        row = conversation(SEED, i, split, "two_turn")
        rows.append({"full_topic": f"Smol World/two turns/{i}", "messages": row["messages"]})
    return Dataset.from_list(rows)


def _tiny_math(split: str) -> Dataset:
    """Small sums in gsm8k's schema: a story question; the working, then `#### answer`."""
    from datasets import Dataset

    from smolcourse.world.splits import is_heldout, rng
    from smolcourse.world.words import NAMES

    things = ["apples", "pears", "coins", "books", "balls", "cups", "keys", "pens"]
    rows, i = [], 0
    while len(rows) < (2000 if split == "train" else 200):
        r = rng("data", "math", split, SEED, i)
        i += 1
        a, b = r.randint(2, 12), r.randint(2, 8)
        name, thing = r.choice(NAMES), r.choice(things)
        if is_heldout("math", a, b) != (split == "test"):
            continue
        if r.random() < 0.5 or b > a:
            question = (
                f"{name} has {a} {thing} and gets {b} more. How many {thing} does {name} have now?"
            )
            working = f"{name} has {a} + {b} = <<{a}+{b}={a + b}>>{a + b} {thing}.\n#### {a + b}"
        else:
            question = f"{name} has {a} {thing} and gives {b} away. How many {thing} are left?"
            working = (
                f"There are {a} - {b} = <<{a}-{b}={a - b}>>{a - b} {thing} left.\n#### {a - b}"
            )
        rows.append({"question": question, "answer": working})
    return Dataset.from_list(rows)


def _tiny_preferences(split: str) -> Dataset:
    from datasets import Dataset

    from smolcourse.world.preferences import preference
    from smolcourse.world.splits import rng

    heldout, count = split == "test", 300 if split == "test" else 3000
    return Dataset.from_list(
        [
            preference(rng("data", "preferences", split, SEED, i), heldout=heldout)
            for i in range(count)
        ]
    )


def _tiny_stories(split: str) -> Dataset:
    from datasets import Dataset

    from smolcourse.world.splits import rng
    from smolcourse.world.stories import story

    count = 5000 if split == "train" else 500
    return Dataset.from_list(
        [{"text": story(rng("data", "stories", split, SEED, i))[1]} for i in range(count)]
    )


TINY: dict[str, Callable[[str], Dataset]] = {
    "facts": _tiny_facts,
    "conversations": _tiny_conversations,
    "math": _tiny_math,
    "preferences": _tiny_preferences,
    "stories": _tiny_stories,
}


# ---------------------------------------------------------------- the Hub


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
    from datasets import load_dataset

    prepare_hub()
    from smolcourse.models import first_line, is_broken_connection

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
