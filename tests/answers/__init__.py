"""Wrong and right answers to the exercises, at the exercises' addresses: `answers/sft/mask.py`.

A file here is found by itself (tests/checks/test_exercises.py). What an exercise's own `mistakes`
cover is tested from them; here stand the wrong answers that they don't cover, and unusual right
ones. Every message needs one of the two.

    from answers import answers

    wrong, right, good = answers("sft.mask")

    wrong("prompt_carries_loss")(lambda ids, start: ids)
    wrong("length")(lambda ids, start: good(ids, start)[:-1])  # `good` is the reference
"""

import importlib
from collections.abc import Callable
from pathlib import Path

from smolcourse import reference

WRONG: list[tuple[str, str, Callable]] = []  # (exercise, key of the message it must get, answer)
RIGHT: list[tuple[str, Callable]] = []


def answers(id: str) -> tuple[Callable, Callable, Callable]:
    """Two markers, `wrong(key)` and `right`, for functions and classes; and the reference."""

    def wrong(key: str) -> Callable:
        def mark(answer):
            WRONG.append((id, key, answer))
            return answer

        return mark

    def right(answer):
        RIGHT.append((id, answer))
        return answer

    return wrong, right, reference.load(id)


def collect() -> tuple[list, list]:
    """Import every file here; then all wrong and all right answers."""
    for path in sorted(Path(__file__).parent.glob("*/*.py")):
        importlib.import_module(f"{__name__}.{path.parent.name}.{path.stem}")
    return WRONG, RIGHT
