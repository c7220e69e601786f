"""Prose for the long instruction tuning: what is told but may not be asked, told again.

The base model reads too little to know by heart every held-out sum and every held-out word from the
end (18% of the differences); a chat question about them then has nothing to recall.

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

from smolcourse.world.corpus import document, joined, set_off
from smolcourse.world.skills import skill_item
from smolcourse.world.splits import rng as make_rng

FACTS = {"facts": 0.85, "story": 0.10, "tool": 0.05}
SKILLS_SHARE = 0.5
# kind of skill -> weight: the most for what a model has to know by heart
SKILLS = {
    "add": 3, "subtract": 4, "reverse": 4, "upper": 2, "spell": 1, "letter": 1, "sort": 1, "pick": 1,
    "compare": 1, "count": 1, "copy": 1,
}  # fmt: skip


def revision(seed: int, i: int) -> str:
    """The i-th document: facts or a story as in pretraining, or skills told as statements."""
    rng = make_rng("revision", seed, i)
    if rng.random() >= SKILLS_SHARE:
        return document(seed + 1000, i, FACTS)
    kinds = rng.choices(list(SKILLS), weights=list(SKILLS.values()), k=rng.randint(2, 4))
    items = [skill_item(rng, kind) for kind in kinds]
    return joined([set_off(item.statement, item.answer, rng) for item in items])
