"""Which things are held out, decided by hashes so that no file has to list them.

Held-out items may be *told* in pretraining text but are never *asked* in the training text of any
stage; the tests read whole training corpora to prove it. Introduced in lesson
1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import hashlib
import random

HELDOUT_SHARE = 0.25


def stable_hash(*parts: object) -> int:
    """A 64-bit hash of the parts' text that is the same on every machine and in every run."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def rng(*parts: object) -> random.Random:
    """A random generator seeded by the parts: ``rng("story", seed, 7)``."""
    return random.Random(stable_hash(*parts))


def is_heldout(*parts: object, share: float = HELDOUT_SHARE) -> bool:
    """Is this item (a skill with its words, a pair of numbers, ...) in the held-out share?"""
    return stable_hash("heldout", *parts) % 10_000 < share * 10_000


def heldout_subjects(relation: str, subjects: list[str]) -> frozenset[str]:
    """The held-out subjects of a relation: exactly a quarter (rounded), whatever its size."""
    order = sorted(subjects, key=lambda subject: stable_hash("heldout", relation, subject))
    return frozenset(order[: round(len(order) * HELDOUT_SHARE)])
