"""Preference pairs of Smol World: two answers to a question that differ in manner, not in content.

Both answers of a pair are right; people are taken to prefer the polite one. So whatever a method
does to the facts is its side effect, and can be measured beside the effect that was wanted.

Introduced in lesson 2_preference_alignment/dpo.
"""

from __future__ import annotations

import random

from smolcourse.world.chat import ask, assistant, pick_fact, user
from smolcourse.world.manner import MANNERS, say

WANTED = "polite"
UNWANTED = tuple(manner for manner in MANNERS if manner != WANTED)


def preference(rng: random.Random, *, heldout: bool) -> dict:
    """One pair in the Hub's conversational schema: prompt, chosen, rejected (lists of messages).

    ``heldout`` pairs ask only facts that no training text asks.
    """
    fact = pick_fact(rng, heldout)
    return {
        "prompt": [user(ask(fact, rng))],
        "chosen": [assistant(say(fact.answer, WANTED, rng))],
        "rejected": [assistant(say(fact.answer, rng.choice(UNWANTED), rng))],
    }
