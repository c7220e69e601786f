"""Try a checker on answers that are certainly wrong: constants, liars, do-nothings.

For tests: `assert impostors_that_pass("sft.mask") == []`.
"""

from collections.abc import Callable

from smolcourse.check import evaluate
from smolcourse.checks.guard import guarded
from smolcourse.checks.registry import find


class AlwaysEqual:
    """Equals everything, is as long as anything, has every attribute: a checker must not care."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __bool__(self):
        return True


class LyingFloat(float):
    """A float that claims to equal, and to be close to, any number."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__

    def __abs__(self):
        return 0.0


class LyingList(list):
    """A list that claims to equal any other."""

    def __eq__(self, other):
        return True

    __hash__ = None


def impostors(exercise: str) -> dict[str, Callable]:
    """Wrong answers for an exercise, by name; among them a constant for each reference result."""
    spec = find(exercise)
    constants = [None, True, False, 0, 1, -100, 0.5, "", [], {}, (), [0]]
    constants += [AlwaysEqual(), LyingFloat(123.456), LyingList([object()])]
    answers = {f"always {c!r}"[:60]: _constant(c) for c in constants}
    answers["its first argument"] = lambda *args, **kwargs: (args or [None])[0]
    answers["an exception"] = _raise
    reference = spec.load_reference()
    if isinstance(reference, type):
        return {f"a class, {name}": type("Answer", (), {}) for name in ["empty"]} | {
            "a class that equals everything": AlwaysEqual
        }
    for number, value in enumerate(_reference_results(spec, reference)):
        answers[f"reference result {number}, always"] = _constant(value)
    return answers


def impostors_that_pass(exercise: str, seconds: float = 20.0) -> list[str]:
    """Names of the wrong answers that the checker calls correct; [] is what you want."""
    return [
        name
        for name, answer in impostors(exercise).items()
        if evaluate(exercise, answer, seconds).status == "correct"
    ]


def _reference_results(spec, reference: Callable) -> list:
    """What the reference returns during a check of itself (at most 10 values)."""
    results: list = []

    def recorded(*args, **kwargs):
        value = reference(*args, **kwargs)
        results.append(value)
        return value

    with guarded():
        spec.judge(recorded, reference)
    return results[:10]


def _constant(value) -> Callable:
    return lambda *args, **kwargs: value


def _raise(*args, **kwargs):
    raise ValueError("an impostor")
