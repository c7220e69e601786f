"""Stories: short, grammatical, varied; they carry language, and now and then a fact.

Introduced in lesson 4_evaluation/custom_evaluation (perplexity); read by every base model.
"""

from __future__ import annotations

import random

from smolcourse.world.facts import article
from smolcourse.world.words import ANIMALS, COLORS, FOODS, NAMES, PLACES, SIZES, THINGS

_OPENINGS = (
    "One morning, {p} went to the {w}.",
    "{p} lived near the {w}.",
    "It was a {mood} day, and {p} was in the {w}.",
    "{p} and {q} met in the {w}.",
    "In the evening, {p} walked to the {w} with {q}.",
    "{p} woke up early and looked for {q} in the {w}.",
)
_EVENTS = (
    "There {p} found {a_ct}.",
    "{p} saw {a_sz} under a tree.",
    "{A_sz} came and looked at {p}.",
    "{q} had some {f}, and they ate it together.",
    "{q} lost the {t}, and {p} helped to look for it.",
    "They played with the {t} until it was dark.",
    "{p} gave the {t} to {q}.",
    "The {z} was hungry, so {p} gave it some {f}.",
    "Suddenly it began to rain, and they ran to the {w2}.",
    "{q} asked for the {c} {t}.",
    "They hid the {t} behind the {w2}.",
    "The {z} took the {t} and ran to the {w2}.",
)
_QUOTES = (
    '"Look, {a_ct}!" said {p}.',
    '"Where is the {z}?" asked {q}. "It is in the {w2}," said {p}.',
    '"I like your {t}," said {q}. "Thank you," said {p}.',
    '"May I have some {f}?" asked {q}. "Of course," said {p}.',
    '"What is your name?" asked {p}. "My name is {q}," said {q}.',
)
_ENDINGS = (
    "Then they went home.",
    "{p} was very happy.",
    "In the end, {q} had the {t} again.",
    "At night, {p} dreamed of the {z}.",
    "It was a good day.",
    "{p} never forgot the {sz} {z}.",
)


def story(rng: random.Random) -> tuple[str, str]:
    """A title and a story of 4 to 8 sentences: ``("Mia and the red kite", "One morning, ...")``."""
    p, q = rng.sample(NAMES, 2)
    w, w2 = rng.sample(PLACES, 2)
    t, c, z, sz = rng.choice(THINGS), rng.choice(COLORS), rng.choice(ANIMALS), rng.choice(SIZES)
    words = {
        "p": p, "q": q, "w": w, "w2": w2, "t": t, "c": c, "z": z, "sz": sz,
        "f": rng.choice(FOODS), "mood": rng.choice(["warm", "cold", "quiet", "windy", "sunny"]),
        "a_ct": article(f"{c} {t}"), "a_sz": article(f"{sz} {z}"),
        "A_sz": article(f"{sz} {z}").capitalize(),
    }  # fmt: skip
    lines = [rng.choice(_OPENINGS), *rng.sample(_EVENTS, rng.randint(1, 3)), rng.choice(_QUOTES)]
    lines += [*rng.sample(_EVENTS, rng.randint(0, 2)), rng.choice(_ENDINGS)]
    title = rng.choice(["{p} and the {c} {t}", "The {sz} {z}", "{p} and {q}", "A day in the {w}"])
    return title.format(**words), " ".join(line.format(**words) for line in lines)
