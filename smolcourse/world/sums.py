"""Small sums told as stories, with the working that a pupil would write.

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

import random

from smolcourse.world.splits import is_heldout
from smolcourse.world.words import NAMES

_THINGS = ("apples", "pears", "coins", "books", "balls", "cups", "keys", "pens")


def sum_story(rng: random.Random) -> tuple[str, str, bool]:
    """(question, working, whether the two numbers are held out): one step of plus or minus.

    The working has gsm8k's form: a sentence with its calculation in <<2+3=5>>, then `#### 5`.
    """
    a, b = rng.randint(2, 12), rng.randint(2, 8)
    name, thing = rng.choice(NAMES), rng.choice(_THINGS)
    if rng.random() < 0.5 or b > a:
        question = (
            f"{name} has {a} {thing} and gets {b} more. How many {thing} does {name} have now?"
        )
        working = f"{name} has {a} + {b} = <<{a}+{b}={a + b}>>{a + b} {thing}.\n#### {a + b}"
    else:
        question = f"{name} has {a} {thing} and gives {b} away. How many {thing} are left?"
        working = f"There are {a} - {b} = <<{a}-{b}={a - b}>>{a - b} {thing} left.\n#### {a - b}"
    return question, working, is_heldout("math", a, b)
