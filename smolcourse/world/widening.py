"""A last, short diet after the long one: indirect questions, and capitals for any word.

The long instruction tuning leaves two weak spots: questions inside another sentence ("I wonder which
...") and "now shout it" about words whose capitals the model has never written. Both are widened
here on train facts and train words only, beside facts told again and the usual diet.

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import random

from smolcourse.world.chat import assistant, conversation, pick_fact, user
from smolcourse.world.corpus import document
from smolcourse.world.facts import Fact, fill
from smolcourse.world.manner import sentence
from smolcourse.world.skills import skill_item
from smolcourse.world.splits import is_heldout
from smolcourse.world.splits import rng as make_rng
from smolcourse.world.words import SHORT_WORDS

OPENINGS = (
    "I wonder {}.",
    "Please say {}.",
    "I would like to hear {}.",
    "Tell me {}.",
    "Could you say {}?",
    "We want to find out {}.",
    "My question is {}.",
)
CLAUSES = {
    "capital": ("which city is the capital of {s}", "what the capital of {s} is called"),
    "language": ("which language one hears in {s}", "what people in {s} speak"),
    "currency": ("which money one needs in {s}", "how people in {s} pay"),
    "continent": ("on which continent {s} lies", "which continent {s} belongs to"),
    "opposite": ("what the opposite of {s} is", "which word is the opposite of {s}"),
    "sound": ("how {an_s} sounds", "which noise {an_s} makes"),
    "young": ("what the young of {an_s} is", "which word there is for a baby {s}"),
    "color": ("which color {s} has", "what color {s} is"),
    "plural": ("how one writes {s} when there are two", "what the plural of {s} is"),
    "past": ("what {s} becomes in the past", "which word is the past of {s}"),
    "symbol": ("which symbol {s} has", "how one writes {s} in chemistry"),
    "next": ("what comes after {s}", "which one follows {s}"),
    "place": ("in which place {an_s} works", "where {an_s} goes to work"),
    "legs": ("how many legs {an_s} has", "which number of legs {an_s} has"),
    "kind": ("which kind of thing {an_s} is", "which group {an_s} belongs to"),
    "material": ("what {an_s} is made of", "which material {an_s} needs"),
    "author": ("who wrote {s}", "which writer made {s}"),
    "landmark": ("in which country {s} stands", "which country has {s}"),
}
SHOUT = ("In capital letters, please.", "Now shout it.")


def indirect(fact: Fact, rng: random.Random) -> str:
    """The fact as an indirect question, or, one time in four, with the subject first."""
    clause = rng.choice(CLAUSES[fact.relation])
    if rng.random() < 0.25:
        asked = clause.replace("{s}", "it").replace("{an_s}", "it")
        return fill(f"{{S}}. Say {asked}.", fact.subject)
    asked = fill(clause, fact.subject)
    return rng.choice(OPENINGS).format(asked[:1].lower() + asked[1:])


def shout_row(rng: random.Random) -> list[dict]:
    """A word is said or asked for; the second turn puts it in capitals."""
    if rng.random() < 0.5:
        word = rng.choice([w for w in SHORT_WORDS if not is_heldout("upper", w)])
        first = rng.choice([f"Say {word}.", f"Repeat the word {word}.", f"The word is {word}."])
    else:
        item = skill_item(rng, "pick", heldout=False)
        word, first = item.answer, item.question
    return [
        user(first),
        assistant(sentence(word)),
        user(rng.choice(SHOUT)),
        assistant(sentence(word.upper())),
    ]


def widening(seed: int, i: int) -> dict | str:
    """The i-th row: a conversation ``{"messages", "tools"}``, or prose as plain text."""
    rng = make_rng("widening", seed, i)
    way = rng.random()
    if way < 0.25:
        return document(seed + 2000, i, {"facts": 1.0})
    if way < 0.65:
        fact = pick_fact(rng, False)
        messages = [user(indirect(fact, rng)), assistant(sentence(fact.answer))]
        return {"messages": messages, "tools": None}
    if way < 0.80:
        return {"messages": shout_row(rng), "tools": None}
    return conversation(seed + 1, i)
