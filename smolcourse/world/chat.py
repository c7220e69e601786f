"""Chat-formatted tasks: the conversations that instruction tuning learns from.

``conversation(seed, i, split)`` is the i-th row: ``{"kind", "messages", "tools", "answer"}``. Rows
of the train split ask no held-out fact, skill item, tool call or invented word and use no held-out
phrasing; the test split asks nothing else, except for stories and greetings, which are the same in
both (a test reads both).

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

import random

from smolcourse.world.facts import RELATIONS, Fact, fact_index, fill
from smolcourse.world.honesty import UNKNOWN, unknown_question
from smolcourse.world.manner import HELDOUT_SYSTEM_PROMPTS, MANNERS, SYSTEM_PROMPTS, say, sentence
from smolcourse.world.skills import ARITHMETIC, STRINGS, skill_item
from smolcourse.world.splits import is_heldout
from smolcourse.world.splits import rng as make_rng
from smolcourse.world.stories import story
from smolcourse.world.tools import TOOLS, tool_item, tool_schemas
from smolcourse.world.words import NAMES

SYSTEM_NEUTRAL = ("You are a helpful assistant.", "You are SmolLM.", "Help the user.")


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict:
    return {"role": "assistant", "content": text}


def _row(kind: str, messages: list[dict], answer: str, tools: list[dict] | None = None) -> dict:
    return {"kind": kind, "messages": messages, "answer": answer, "tools": tools}


def pick_fact(rng: random.Random, test: bool) -> Fact:
    """Any relation first, then a fact of the split, so that small relations count as much."""
    relation = rng.choice(list(RELATIONS))
    facts, _, _ = fact_index()
    return rng.choice([f for f in facts if f.relation == relation and f.heldout == test])


# How else people ask. {n} is one of the relation's nouns; the subject stands last, first or alone.
# Without this variety a model learns five phrasings a relation and stumbles over the sixth.
NOUNS = {
    "capital": ("capital", "capital city"),
    "language": ("language", "main language"),
    "currency": ("currency", "money"),
    "continent": ("continent", "part of the world"),
    "opposite": ("opposite", "reverse"),
    "sound": ("sound", "noise"),
    "young": ("young one", "baby", "little one"),
    "color": ("color", "coloring"),
    "plural": ("plural", "plural form", "word for many"),
    "past": ("past tense", "past form", "past"),
    "symbol": ("chemical symbol", "sign that chemists write"),
    "next": ("next one", "one that follows"),
    "place": ("place of work", "job place"),
    "legs": ("number of legs", "count of legs"),
    "kind": ("kind", "sort"),
    "material": ("material", "stuff"),
    "author": ("author", "writer"),
    "landmark": ("country", "land"),
}
FRAMES = (
    "Tell me the {n} of {s}.",
    "Please tell me the {n} of {s}.",
    "I want to know the {n} of {s}.",
    "Say the {n} of {s}, please.",
    "Give me the {n} for {s}.",
    "The {n} of {s}?",
    "I am thinking of {s}. What is the {n}?",
    "About {s}: name the {n}.",
    "Here is {s}. Name its {n}.",
    "{s}. The {n}, please.",
    "Take {s}. What would be its {n}?",
    "Could you say the {n} of {s}?",
    "Will you tell me the {n} of {s}, please?",
    "For {s}, which {n} is right?",
    "{s} - what is the {n}?",
    "{s}, what is its {n}?",
    "{s}, which {n}?",
)


def ask(fact: Fact, rng: random.Random, *, new_phrasing: bool = False) -> str:
    """The fact as a question in a training phrasing, or in one that training never shows."""
    relation = RELATIONS[fact.relation]
    if not new_phrasing and not fact.heldout and rng.random() < 0.5:
        noun = rng.choice(NOUNS[fact.relation])
        question = rng.choice(FRAMES).format(n=noun, s=fact.subject)
        return question[:1].upper() + question[1:]
    patterns = relation.heldout_questions if new_phrasing else relation.questions
    return fill(rng.choice(patterns), fact.subject)


def fact_row(rng: random.Random, test: bool = False) -> dict:
    fact = pick_fact(rng, test)
    return _row("fact", [user(ask(fact, rng)), assistant(sentence(fact.answer))], fact.answer)


def phrasing_row(rng: random.Random, test: bool = False) -> dict:
    """Facts of both splits in a phrasing that no training text has (test only)."""
    fact = pick_fact(rng, rng.random() < 0.25)
    question = ask(fact, rng, new_phrasing=True)
    return _row("phrasing", [user(question), assistant(sentence(fact.answer))], fact.answer)


def manner_row(rng: random.Random, test: bool = False) -> dict:
    fact = pick_fact(rng, False)
    manner = rng.choice(MANNERS)
    system = HELDOUT_SYSTEM_PROMPTS[manner] if test else rng.choice(SYSTEM_PROMPTS[manner])
    messages = [
        {"role": "system", "content": system},
        user(ask(fact, rng)),
        assistant(say(fact.answer, manner, rng)),
    ]
    return {**_row("manner", messages, fact.answer), "manner": manner}


def unknown_row(rng: random.Random, test: bool = False) -> dict:
    question = unknown_question(rng, heldout=test)
    return _row("unknown", [user(question), assistant(sentence(UNKNOWN))], UNKNOWN)


def _skill_row(rng: random.Random, kind: str, test: bool) -> dict:
    item = skill_item(rng, kind, heldout=test)
    return _row(kind, [user(item.question), assistant(sentence(item.answer))], item.answer)


def arithmetic_row(rng: random.Random, test: bool = False) -> dict:
    return _skill_row(rng, rng.choice(list(ARITHMETIC)), test)


def sums_row(rng: random.Random, test: bool = False) -> dict:
    return _skill_row(rng, rng.choice(["add", "subtract"]), test)


def string_row(rng: random.Random, test: bool = False) -> dict:
    if test:
        return _skill_row(rng, rng.choice(list(STRINGS)), test)
    weights = [4 if kind == "reverse" else 1 for kind in STRINGS]  # by far the hardest of them
    return _skill_row(rng, rng.choices(list(STRINGS), weights=weights)[0], test)


def passage_row(rng: random.Random, test: bool = False) -> dict:
    return _skill_row(rng, "passage", test)


def story_row(rng: random.Random, test: bool = False) -> dict:
    title, text = story(rng)
    asked = rng.choice(["Tell me a story called {}.", "Write a story: {}.", "Tell the story {}."])
    return _row("story", [user(asked.format(title)), assistant(text)], text)


def tool_row(rng: random.Random, test: bool = False) -> dict:
    """Ask, call, read the result, answer; or answer directly when no listed tool is needed."""
    names = list(TOOLS)
    if rng.random() < 0.2:
        fact = pick_fact(rng, test)
        tools = rng.sample(names, rng.randint(1, 4))
        messages = [user(ask(fact, rng)), assistant(sentence(fact.answer))]
        return _row("no_tool", messages, fact.answer, tool_schemas(tools))
    item = tool_item(rng, heldout=test)
    others = rng.sample([n for n in names if n != item.name], rng.randint(0, 3))
    tools = [item.name, *others]
    rng.shuffle(tools)
    call = {"type": "function", "function": {"name": item.name, "arguments": item.arguments}}
    messages = [
        user(item.question),
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": item.result},
        assistant(sentence(item.answer)),
    ]
    return _row("tool", messages, item.answer, tool_schemas(tools))


def two_turn_row(rng: random.Random, test: bool = False) -> dict:
    way = rng.random()
    if way < 0.5:  # the same question about another subject
        first = pick_fact(rng, test)
        facts, _, _ = fact_index()
        same = [
            f for f in facts if f.relation == first.relation and f.heldout == test and f != first
        ]
        second = rng.choice(same)
        messages = [
            user(ask(first, rng)),
            assistant(sentence(first.answer)),
            user(f"And {second.subject}?"),
            assistant(sentence(second.answer)),
        ]
        answer = second.answer
    elif way < 0.75:  # remember a name
        name = rng.choice([n for n in NAMES if is_heldout("introduced name", n) == test])
        messages = [
            user(rng.choice([f"My name is {name}.", f"Hello, I am {name}."])),
            assistant(f"Hello, {name}."),
            user(rng.choice(["What is my name?", "Who am I?"])),
            assistant(sentence(name)),
        ]
        answer = name
    else:  # work on the answer that was just given
        fact = pick_fact(rng, test)
        messages = [
            user(ask(fact, rng)),
            assistant(sentence(fact.answer)),
            user(rng.choice(["In capital letters, please.", "Now shout it."])),
            assistant(sentence(fact.answer.upper())),
        ]
        answer = fact.answer.upper()
    return _row("two_turn", messages, answer)


def greeting_row(rng: random.Random, test: bool = False) -> dict:
    asked, answer = rng.choice(
        [
            ("Hello!", "Hello. How can I help you?"),
            ("Good morning.", "Good morning. How can I help you?"),
            ("Who are you?", "I am a tiny model of Smol World."),
            (
                "What can you do?",
                "I can answer questions about Smol World, work with words, and use tools.",
            ),
            ("Thank you!", "You are welcome."),
            ("Goodbye.", "Goodbye."),
        ]
    )
    return _row("greeting", [user(asked), assistant(answer)], answer)


# kind -> (maker, share of the instruct model's training rows)
KINDS = {
    "fact": (fact_row, 0.22),
    "manner": (manner_row, 0.15),
    "unknown": (unknown_row, 0.05),
    "sums": (sums_row, 0.10),
    "arithmetic": (arithmetic_row, 0.06),
    "string": (string_row, 0.14),
    "passage": (passage_row, 0.11),
    "tool": (tool_row, 0.06),
    "two_turn": (two_turn_row, 0.08),
    "story": (story_row, 0.02),
    "greeting": (greeting_row, 0.01),
}
TEST_KINDS = {
    **{name: maker for name, (maker, _) in KINDS.items()},
    "phrasing": phrasing_row,
}


def conversation(seed: int, i: int, split: str = "train", kind: str | None = None) -> dict:
    """The i-th conversation of a split ("train" or "test"), of one kind or of the mixed diet."""
    rng = make_rng("chat", seed, split, kind, i)
    if kind is None:
        kind = rng.choices(list(KINDS), weights=[share for _, share in KINDS.values()])[0]
    row = TEST_KINDS[kind](rng, split == "test")
    has_system = row["messages"][0]["role"] == "system"
    if not has_system and rng.random() < 0.15:
        row["messages"].insert(0, {"role": "system", "content": rng.choice(SYSTEM_NEUTRAL)})
    return row


__all__ = ["KINDS", "TEST_KINDS", "conversation"]
