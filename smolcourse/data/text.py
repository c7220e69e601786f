"""The tiny datasets of text: rows from Smol World, equal on every machine.

A function makes the dataset of its name. Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

from itertools import count, islice

from smolcourse.data.schema import maker, question_answer
from smolcourse.world.chat import conversation
from smolcourse.world.facts import RELATIONS, all_facts, fill
from smolcourse.world.manner import sentence
from smolcourse.world.preferences import preference
from smolcourse.world.splits import rng
from smolcourse.world.stories import story
from smolcourse.world.sums import sum_story

SEED = 3


@maker("new_phrasing")
def facts(split: str) -> list[dict]:
    """Questions about Smol World; `new_phrasing` asks known facts in words that no text uses."""
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
    return rows


@maker()
def conversations(split: str) -> list[dict]:
    """Chats of two turns in smoltalk's schema."""
    rows = []
    for i in range(2000 if split == "train" else 200):
        row = conversation(SEED, i, split, "two_turn")
        rows.append({"full_topic": f"Smol World/two turns/{i}", "messages": row["messages"]})
    return rows


@maker()
def math(split: str) -> list[dict]:
    """Small sums told in words, in gsm8k's schema: the working, then `#### answer`."""
    told = (sum_story(rng("data", "math", split, SEED, i)) for i in count())
    rows = (
        {"question": question, "answer": working}
        for question, working, heldout in told
        if heldout == (split == "test")
    )
    return list(islice(rows, 2000 if split == "train" else 200))


@maker()
def preferences(split: str) -> list[dict]:
    """Two answers to a question: the polite one was chosen."""
    heldout = split == "test"
    return [
        preference(rng("data", "preferences", split, SEED, i), heldout=heldout)
        for i in range(300 if heldout else 3000)
    ]


@maker()
def stories(split: str) -> list[dict]:
    """Short stories."""
    rows = range(5000 if split == "train" else 500)
    return [{"text": story(rng("data", "stories", split, SEED, i))[1]} for i in rows]
