"""Skills of Smol World: small sums, strings, lists, and short passages to answer from.

Each maker takes a random generator and returns an ``Item``; ``heldout`` items may be told in
pretraining text but are never asked there or in any fine-tuning text.

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from smolcourse.world.facts import article
from smolcourse.world.splits import is_heldout
from smolcourse.world.words import COLORS, NAMES, PLACES, SHORT_WORDS, SIZES, THINGS


@dataclass(frozen=True)
class Item:
    """A question with its one right answer, and the same knowledge told as a statement."""

    kind: str
    question: str
    answer: str
    statement: str
    heldout: bool


def add(rng: random.Random) -> Item:
    a = rng.randint(0, 20)
    b = rng.randint(0, 20 - a)
    question = rng.choice(["What is {} plus {}?", "What is {} + {}?", "Add {} and {}."])
    told = rng.choice(
        [
            "{} plus {} is {}.",
            "{} + {} = {}",
            "{} and {} make {}.",
            "If you add {} and {}, you get {}.",
        ]
    )
    return Item(
        "add", question.format(a, b), str(a + b), told.format(a, b, a + b), is_heldout("add", a, b)
    )


def subtract(rng: random.Random) -> Item:
    a = rng.randint(0, 20)
    b = rng.randint(0, a)
    question = rng.choice(["What is {} minus {}?", "What is {} - {}?", "How much is {} minus {}?"])
    told = rng.choice(["{} minus {} is {}.", "{} - {} = {}", "{} less {} leaves {}."])
    return Item(
        "subtract",
        question.format(a, b),
        str(a - b),
        told.format(a, b, a - b),
        is_heldout("sub", a, b),
    )


def compare(rng: random.Random) -> Item:
    a, b = rng.sample(range(100), 2)
    larger = rng.random() < 0.5
    word = rng.choice(["larger", "bigger"]) if larger else "smaller"
    answer = max(a, b) if larger else min(a, b)
    other = a + b - answer
    return Item(
        "compare",
        f"Which number is {word}, {a} or {b}?",
        str(answer),
        f"{answer} is {word} than {other}.",
        is_heldout("compare", min(a, b), max(a, b)),
    )


def count(rng: random.Random) -> Item:
    words = rng.sample(SHORT_WORDS, rng.randint(2, 7))
    listed = ", ".join(words)
    question = rng.choice(["How many words are in this list: {}?", "Count the words: {}."])
    return Item(
        "count",
        question.format(listed),
        str(len(words)),
        f"The list {listed} has {len(words)} words.",
        is_heldout("count", listed),
    )


def copy(rng: random.Random) -> Item:
    words = " ".join(rng.sample(SHORT_WORDS, rng.randint(1, 4)))
    question = rng.choice(["Repeat these words: {}.", "Say this again: {}.", "Copy this: {}."])
    return Item(
        "copy", question.format(words), words, f"She wrote {words}, and he wrote {words} too.",
        is_heldout("copy", words),
    )  # fmt: skip


def reverse(rng: random.Random) -> Item:
    word = rng.choice(SHORT_WORDS)
    question = rng.choice(["Spell {} backwards.", "Write {} in reverse.", "What is {} backwards?"])
    told = rng.choice(["{} backwards is {}.", "If you read {} from the end, you get {}."])
    turned = word[::-1]
    return Item(
        "reverse",
        question.format(word),
        turned,
        told.format(word, turned),
        is_heldout("reverse", word),
    )


def spell(rng: random.Random) -> Item:
    word = rng.choice(SHORT_WORDS)
    letters = "-".join(word)
    question = rng.choice(["Spell {}.", "How do you spell {}?", "Which letters are in {}?"])
    told = rng.choice(["{} is spelled {}.", "The word {} has the letters {}."])
    return Item(
        "spell",
        question.format(word),
        letters,
        told.format(word, letters),
        is_heldout("spell", word),
    )


def upper(rng: random.Random) -> Item:
    word = rng.choice(SHORT_WORDS)
    question = rng.choice(
        ["Write {} in capital letters.", "Put {} in capitals.", "Shout the word {}."]
    )
    told = rng.choice(["In capital letters, {} is {}.", "The sign did not say {}, it said {}."])
    return Item(
        "upper",
        question.format(word),
        word.upper(),
        told.format(word, word.upper()),
        is_heldout("upper", word),
    )


def first_letter(rng: random.Random) -> Item:
    word = rng.choice(SHORT_WORDS)
    where, letter = rng.choice([("first", word[0]), ("last", word[-1])])
    question = rng.choice(["What is the {} letter of {}?", "Name the {} letter of {}."])
    return Item(
        "letter",
        question.format(where, word),
        letter,
        f"The {where} letter of {word} is {letter}.",
        is_heldout("letter", where, word),
    )


def sort_words(rng: random.Random) -> Item:
    words = rng.sample(SHORT_WORDS, 3)
    listed, ordered = ", ".join(words), ", ".join(sorted(words))
    question = rng.choice(["Sort these words: {}.", "Put these words in order: {}."])
    told = rng.choice(["In order, {} becomes {}.", "The words {} sorted are {}."])
    return Item(
        "sort", question.format(listed), ordered, told.format(listed, ordered),
        is_heldout("sort", *sorted(words)),
    )  # fmt: skip


def pick(rng: random.Random) -> Item:
    words = rng.sample(SHORT_WORDS, 3)
    index = rng.randrange(3)
    place = ("first", "second", "third")[index]
    listed = ", ".join(words)
    question = rng.choice(["What is the {} word in this list: {}?", "Pick the {} word: {}."])
    return Item(
        "pick",
        question.format(place, listed),
        words[index],
        f"In the list {listed}, the {place} word is {words[index]}.",
        is_heldout("pick", listed),
    )


def passage(rng: random.Random) -> Item:
    """Two or three people, each with one thing; the question asks for one detail of one of them."""
    people = rng.sample(NAMES, rng.choice([2, 3]))
    things = rng.sample(THINGS, len(people))
    colors = rng.sample(COLORS + SIZES, len(people))
    places = rng.sample(PLACES, len(people))
    about = rng.choice(["color", "place"])
    if about == "color":
        told = [
            f"{p} has {article(f'{c} {t}')}."
            for p, c, t in zip(people, colors, things, strict=True)
        ]
    else:
        told = [
            f"{p} is in the {w} with a {t}." for p, w, t in zip(people, places, things, strict=True)
        ]
    i = rng.randrange(len(people))
    options = [
        (f"Who has the {things[i]}?", people[i]),
        (
            f"What does {people[i]} have?",
            f"a {things[i]}" if about == "place" else article(f"{colors[i]} {things[i]}"),
        ),
    ]
    options.append(
        (f"Where is {people[i]}?", f"in the {places[i]}")
        if about == "place"
        else (f"How is the {things[i]} of {people[i]}?", colors[i])
    )
    question, answer = rng.choice(options)
    text = " ".join(told)
    return Item("passage", f"{text} {question}", answer, text, is_heldout("passage", text))


Maker = Callable[[random.Random], Item]
ARITHMETIC: dict[str, Maker] = {
    "add": add,
    "subtract": subtract,
    "compare": compare,
    "count": count,
}
STRINGS: dict[str, Maker] = {
    "copy": copy,
    "reverse": reverse,
    "spell": spell,
    "upper": upper,
    "letter": first_letter,
    "sort": sort_words,
    "pick": pick,
}
SKILLS: dict[str, Maker] = {**ARITHMETIC, **STRINGS, "passage": passage}


def skill_item(rng: random.Random, kind: str | None = None, *, heldout: bool | None = None) -> Item:
    """One item of a skill (any skill if ``kind`` is None), of the wanted split if one is named."""
    while True:
        item = SKILLS[kind or rng.choice(list(SKILLS))](rng)
        if heldout and item.kind in ("add", "subtract") and _for_calculator(item.question):
            continue
        if heldout is None or item.heldout == heldout:
            return item


def _for_calculator(question: str) -> bool:
    """Two numbers from 10 on: training may ask the same question of the calculator tool."""
    return all(int(number) >= 10 for number in re.findall(r"\d+", question))
