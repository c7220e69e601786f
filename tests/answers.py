"""Collecting wrong and right answers to exercises, for the tests of checks."""

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
