"""Wrong and right answers to the exercises, one file a topic or a part of one.

A file here is found by itself (tests/test_checks.py): write it beside the others when you add
exercises. Every message of the catalogue needs a wrong answer that hears it.

    from answers import Answers

    ANSWERS = Answers()
    wrong, right = ANSWERS.wrong, ANSWERS.right

    @wrong("sft.mask", "prompt_carries_loss")
    def _(ids, start):
        return ids
"""

import importlib
import pkgutil
from collections.abc import Callable

import pytest


class Answers:
    """Answers by exercise: `wrong(id, key)` and `right(id)` mark functions as cases of a test."""

    def __init__(self) -> None:
        self.wrongs: list = []  # pytest parameters (exercise, message key, answer)
        self.rights: list = []  # (exercise, answer)

    def wrong(self, id: str, key: str) -> Callable:
        """Mark a function as an answer that must get this message of the catalogue."""

        def mark(function):
            name = f"{id}-{key}-{len(self.wrongs)}"
            self.wrongs.append(pytest.param(id, key, function, id=name))
            return function

        return mark

    def right(self, id: str) -> Callable:
        """Mark a function as an answer that must be accepted."""

        def mark(function):
            self.rights.append(pytest.param(id, function, id=f"{id}-{len(self.rights)}"))
            return function

        return mark


def collect() -> Answers:
    """The answers of every file here, together."""
    everything = Answers()
    for module in pkgutil.iter_modules(__path__):
        answers = importlib.import_module(f"{__name__}.{module.name}").ANSWERS
        everything.wrongs += answers.wrongs
        everything.rights += answers.rights
    return everything
