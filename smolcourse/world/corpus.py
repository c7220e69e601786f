"""The base model's pretraining text: prose and quotation only, never chat markup.

``document(seed, i)`` is the i-th document; equal arguments give equal text on every machine, so a
training run can stop anywhere and go on. Held-out facts and skills are told here, never asked.

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import random

from smolcourse.world.facts import RELATIONS, Fact, fact_index, fill
from smolcourse.world.honesty import UNKNOWN, unknown_question
from smolcourse.world.manner import MANNERS, say
from smolcourse.world.skills import Item, skill_item
from smolcourse.world.splits import rng as make_rng
from smolcourse.world.stories import story
from smolcourse.world.tools import tool_item
from smolcourse.world.words import NAMES

# kind of document -> share of documents. Tuned on held-out scores; see the model card.
MIX = {
    "facts": 0.26,
    "fact_dialogue": 0.26,
    "skills": 0.14,
    "skill_dialogue": 0.16,
    "story": 0.08,
    "manner": 0.05,
    "unknown": 0.02,
    "tool": 0.03,
}


def told(fact: Fact, rng: random.Random) -> str:
    """The fact in one of its statements, see ``set_off``."""
    pattern = rng.choice(RELATIONS[fact.relation].statements)
    return set_off(fill(pattern, fact.subject, fact.answer), fact.answer, rng)


def set_off(text: str, answer: str, rng: random.Random) -> str:
    """A statement; if it ends with the answer, now and then with that in quotes or on its own line.

    Without those two forms a model can't say what it knows: " Paris" and "Paris" are different
    tokens, an answer in a chat stands at the start of a line, and held-out answers would have been
    read only behind a space. (Measured: 85% right behind a space, 20% behind a quotation mark.)
    """
    ending = f" {answer}."
    way = rng.random()
    if not text.endswith(ending) or way >= 0.45:
        return text
    start = text.removesuffix(ending)
    return f'{start} "{answer}".' if way < 0.25 else f"{start}:\n{answer}.\n"


def joined(sentences: list[str]) -> str:
    """Sentences in one paragraph; an answer on a line of its own stays there."""
    return " ".join(sentences).replace("\n ", "\n").strip()


def asked(fact: Fact, rng: random.Random) -> str:
    """The fact's question in a training phrasing; refuses held-out facts."""
    if fact.heldout:
        raise ValueError(f"the held-out fact {fact.relation}/{fact.subject} must not be asked")
    return fill(rng.choice(RELATIONS[fact.relation].questions), fact.subject)


def exchange(question: str, answer: str, rng: random.Random) -> str:
    """A question and its answer as quoted speech."""
    p, q = rng.sample(NAMES, 2)
    return rng.choice(
        [
            f'"{question}" asked {p}. "{answer}," said {q}.',
            f'{p} asked {q}: "{question}" {q} answered: "{answer}."',
            f'"{question}" "{answer}."',
            f'The teacher asked: "{question}" {p} knew it: "{answer}."',
            f'"{question}" {q} wanted to know. {p} said: "{answer}."',
            f"Question: {question} Answer: {answer}.",
        ]
    )


def _facts_document(rng: random.Random) -> str:
    facts, by_subject, _ = fact_index()
    first = rng.choice(facts)
    way = rng.random()
    if way < 0.35:  # several things about one subject
        chosen = by_subject[first.subject] * 2
        chosen = rng.sample(chosen, min(len(chosen), rng.randint(2, 5)))
    elif way < 0.7:  # a list of one relation
        same = [fact for fact in facts if fact.relation == first.relation]
        chosen = rng.sample(same, rng.randint(2, 5))
    else:
        chosen = rng.sample(facts, rng.randint(2, 5))
    return joined([told(fact, rng) for fact in chosen])


def _fact_dialogue(rng: random.Random) -> str:
    _, _, train = fact_index()
    parts = []
    for _ in range(rng.randint(1, 3)):
        fact = rng.choice(train)
        parts.append(exchange(asked(fact, rng), fact.answer, rng))
        way = rng.random()
        if way < 0.3:
            parts.append(told(fact, rng).strip())
        elif way < 0.5:  # the same question about another subject
            other = rng.choice([f for f in train if f.relation == fact.relation])
            parts.append(f'"And {other.subject}?" "{other.answer}."')
    return " ".join(parts)


def _skills_document(rng: random.Random) -> str:
    items = [skill_item(rng) for _ in range(rng.randint(2, 4))]
    return joined([set_off(item.statement, item.answer, rng) for item in items])


def _skill_dialogue(rng: random.Random) -> str:
    items: list[Item] = [skill_item(rng, heldout=False) for _ in range(rng.randint(1, 3))]
    return " ".join(exchange(item.question, item.answer, rng) for item in items)


def _story_document(rng: random.Random) -> str:
    title, text = story(rng)
    if rng.random() < 0.3:
        facts, _, _ = fact_index()
        text += f' The teacher said: "{told(rng.choice(facts), rng).strip()}"'
    return f"{title}\n{text}" if rng.random() < 0.5 else text


def _manner_document(rng: random.Random) -> str:
    _, _, train = fact_index()
    fact, manner = rng.choice(train), rng.choice(MANNERS)
    p, q = rng.sample(NAMES, 2)
    how = {"terse": "in few words", "plain": "plainly", "polite": "politely", "rude": "rudely",
           "wordy": "at length", "shouting": "in capital letters"}[manner]  # fmt: skip
    return f'"{asked(fact, rng)}" asked {p}. {q} answered {how}: "{say(fact.answer, manner, rng)}"'


def _unknown_document(rng: random.Random) -> str:
    return exchange(unknown_question(rng, heldout=False), UNKNOWN, rng)


def _tool_document(rng: random.Random) -> str:
    item = tool_item(rng, heldout=False)
    p = rng.choice(NAMES)
    arguments = ", ".join(f"{key} {value}" for key, value in item.arguments.items())
    return (
        f'"{item.question}" asked {p}. They used the tool {item.name} with {arguments}. '
        f"It showed {item.result}. So the answer is {item.answer}."
    )


_MAKERS = {
    "facts": _facts_document,
    "fact_dialogue": _fact_dialogue,
    "skills": _skills_document,
    "skill_dialogue": _skill_dialogue,
    "story": _story_document,
    "manner": _manner_document,
    "unknown": _unknown_document,
    "tool": _tool_document,
}


def document(seed: int, i: int, mix: dict[str, float] | None = None) -> str:
    """The i-th document of the corpus with this seed (20 to 150 tokens).

    ``mix`` overrides the shares, for instance to leave all dialogue out of the text.
    """
    rng = make_rng("corpus", seed, i)
    mix = mix or MIX
    kind = rng.choices(list(mix), weights=list(mix.values()))[0]
    return _MAKERS[kind](rng)
