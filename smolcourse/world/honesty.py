"""Questions that Smol World has no answer to; the right answer is "I do not know."

Some ask a usual question about a thing that does not exist, others ask what nobody told the model.
Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import random

from smolcourse.world.facts import RELATIONS, fill
from smolcourse.world.splits import is_heldout
from smolcourse.world.words import NAMES, PLACES, THINGS, invented_country, invented_word

UNKNOWN = "I do not know"

_COUNTRY_RELATIONS = ("capital", "language", "currency", "continent")
_WORD_RELATIONS = ("sound", "young", "symbol", "author", "material", "kind", "opposite")
_OPEN = (
    "How old is {name}?",
    "What is the phone number of {name}?",
    "What did {name} eat yesterday?",
    "Where is the {thing} of {name}?",
    "Who lost the {thing} in the {place}?",
    "When will {name} come to the {place}?",
    "How much is the {thing} of {name}?",
    "What is {name} thinking about?",
    "Who is in the {place} now?",
    "Why did {name} go to the {place}?",
)
# Training asks these of the lookup tool, so they can't be held out here.
_LOOKED_UP = ("How old is", "What is the phone number of")


def unknown_question(rng: random.Random, *, heldout: bool) -> str:
    """A question without an answer in the world; held-out ones never occur in training text."""
    while True:
        if rng.random() < 0.7:
            if rng.random() < 0.6:
                relation = RELATIONS[rng.choice(_COUNTRY_RELATIONS)]
                subject = invented_country(rng, heldout=heldout)
            else:
                relation = RELATIONS[rng.choice(_WORD_RELATIONS)]
                subject = invented_word(rng, heldout=heldout)
                if relation.name == "author":
                    subject = subject.capitalize()
            if subject in relation.table:  # by chance a real one, such as "Finland" or "silver"
                continue
            return fill(rng.choice(relation.questions), subject)
        question = rng.choice(_OPEN).format(
            name=rng.choice(NAMES), thing=rng.choice(THINGS), place=rng.choice(PLACES)
        )
        if heldout and question.startswith(_LOOKED_UP):
            continue
        if is_heldout("open question", question) == heldout:
            return question
