"""The datasets of text from Smol World: what `load` gives in the tiny profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

SEED = 3


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
