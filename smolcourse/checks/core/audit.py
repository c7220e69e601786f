"""For tests: verdicts on many answers, and answers that are certainly wrong (constants, liars).

assert impostors_that_pass("sft.mask") == []
"""

from collections.abc import Callable
from functools import cache

from smolcourse import reference
from smolcourse.checks.core.engine import evaluate, judge
from smolcourse.checks.core.exercise import SEED, find
from smolcourse.checks.core.guard import guarded
from smolcourse.checks.core.observe import observe_all
from smolcourse.checks.core.result import Result


@cache
def _known(id: str, seed: int) -> dict:
    """What is observed of the right answer and of the mistakes, once for all answers."""
    return {}


def verdict(id: str, answer, seed: int = SEED) -> Result:
    """As `evaluate`, without observing the right answer and the mistakes again each time."""
    exercise = find(id)
    if not callable(answer) or (reference.is_class(id) and not isinstance(answer, type)):
        return evaluate(id, answer)
    with guarded():
        seen = observe_all(exercise.observe, answer, exercise.drawn(seed), exercise.pure)
    return judge(exercise, seen, seed, _known(id, seed))


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


def impostors(id: str) -> dict[str, Callable]:
    """Wrong answers for an exercise, by name; among them a constant for each right result."""
    if reference.is_class(id):
        empty = type("Answer", (), {})
        return {"an empty class": empty, "a class that equals everything": AlwaysEqual}
    constants = [None, True, False, 0, 1, -100, 0.5, "", [], {}, (), [0]]
    constants += [AlwaysEqual(), LyingFloat(123.456), LyingList([object()])]
    answers: dict[str, Callable] = {f"always {c!r}"[:60]: _constant(c) for c in constants}
    answers["its first argument"] = lambda *args, **kwargs: (args or [None])[0]
    answers["an exception"] = _raise
    for number, value in enumerate(_right_results(id)):
        answers[f"right result {number}, always"] = _constant(value)
    return answers


def impostors_that_pass(id: str) -> list[str]:
    """Names of the wrong answers that the check calls correct; [] is what you want."""
    made = impostors(id).items()
    return [name for name, answer in made if verdict(id, answer).status == "correct"]


def _right_results(id: str) -> list:
    """What the reference returns during a check of itself (at most 10 values)."""
    results: list = []
    right = reference.load(id)

    def recorded(*args, **kwargs):
        value = right(*args, **kwargs)
        results.append(value)
        return value

    evaluate(id, recorded)
    return results[:10]


def _constant(value) -> Callable:
    return lambda *args, **kwargs: value


def _raise(*args, **kwargs):
    raise ValueError("an impostor")
