"""The verdict on an answer: observe it, observe the right one on the same cases, compare.

The answer is observed before the reference is loaded, in a frame that knows neither what is right
nor how it is judged, so that an answer which walks the frames finds nothing. Where the two differ,
the known mistakes are observed as well, and the one that explains what was seen is named.
"""

from collections.abc import Callable
from typing import Any

from smolcourse import reference
from smolcourse.checks.core import catalogue
from smolcourse.checks.core.compare import (
    Wrong,
    difference,
    expect_close,
    kind_of,
    shown_apart,
)
from smolcourse.checks.core.exercise import SEED, Exercise, find
from smolcourse.checks.core.guard import SECONDS, TimeLimit, guarded
from smolcourse.checks.core.observe import Observed, Seen, observe_all
from smolcourse.checks.core.result import Result, result

# Said of the form of what came back: no wrong formula explains it.
FORM = ("none", "return_type", "inside_type", "mutated", "exception", "not_attempted", "timeout")


def evaluate(id: str, answer, seconds: float = SECONDS, seed: int = SEED) -> Result:
    """The verdict on an answer, without printing or recording it. Raises only for an unknown id.

    `seconds` is the time limit for all cases together, imports not counted.
    """
    exercise = find(id)
    if reference.is_class(id) and not isinstance(answer, type):
        return result(id, "not_class", got=kind_of(answer))
    if not callable(answer):
        return result(id, "not_callable", got=kind_of(answer))
    try:
        with guarded(seconds):
            seen = observe_all(exercise.observe, answer, exercise.drawn(seed), exercise.pure)
    except TimeLimit:
        return result(id, "timeout", seconds=f"{seconds:g}")
    return judge(exercise, seen, seed)


def judge(
    exercise: Exercise, seen: list[Observed], seed: int = SEED, known: dict | None = None
) -> Result:
    """The verdict on what was seen of an answer, here or in another process.

    `known` keeps what is observed of the right answer and of the mistakes, for a caller that judges
    many answers on the same cases. Raises ValueError for observations that no honest process sends:
    too few of them, or a failure that no message is about.
    """
    known = {} if known is None else known

    def observed(number: int, make: Callable) -> list[Observed]:
        if number not in known:
            with guarded(10 * SECONDS):
                cases = exercise.drawn(seed)
                known[number] = observe_all(exercise.observe, make(), cases, exercise.pure)
        return known[number]

    right = reference.load(exercise.id)
    wanted = observed(-1, lambda: right)
    _trust_nothing(exercise.id, seen, len(wanted))
    at, problem = _first_problem(exercise, seen, wanted, seed)
    if problem is None:
        return result(exercise.id, "correct")
    key, facts = problem.key, problem.fmt
    if "call" in facts:
        facts = {**facts, "call": str(facts["call"])}
    if at is not None and key not in FORM:
        for number, (name, wrong) in enumerate(exercise.implementations(right)):
            predicted = observed(number, lambda wrong=wrong: wrong)
            if _explains(predicted, seen, wanted, at, exercise.tolerance):
                key = name
                break
    return result(exercise.id, key, **facts)


def _trust_nothing(id: str, seen: list[Observed], cases: int) -> None:
    if not seen or len(seen) != cases and not seen[-1].failure:
        raise ValueError(f"{len(seen)} observations of {cases} cases")
    said = {one.failure for one in seen if one.failure}
    known = (set(catalogue.read(id)) | set(catalogue.generic())) - {"correct", "is_reference"}
    if said - known:
        raise ValueError(f"a failure that no message is about: {said - known}")


def _first_problem(
    exercise: Exercise, seen: list[Observed], wanted: list[Observed], seed: int
) -> tuple[str | None, Wrong | None]:
    """(name of what differs first, Wrong); the name is "" where one value is all that is seen, and
    None where the answer failed: that needs no explanation."""
    constant = _constant(seen, wanted, exercise.tolerance)
    for got, want, case in zip(seen, wanted, exercise.drawn(seed), strict=False):
        facts: dict[str, Any] = {"call": got.call}
        if got.failure:
            return None, Wrong(got.failure, **{**facts, **(got.facts or {})})
        if want.failure:
            raise RuntimeError(f"the reference of {exercise.id} fails: {want}")
        try:
            if exercise.judge:
                exercise.judge(got.value, want.value, case)
            elif isinstance(want.value, Seen):
                _compare_seen(exercise, got.value, want.value)
            else:
                expect_close(got.value, want.value, exercise.tolerance)
        except _Differs as differs:
            return differs.name, Wrong(differs.key, **{**facts, **differs.fmt})
        except Wrong as wrong:
            if constant and wrong.key == "value":
                return "", constant
            at = wrong.key if isinstance(got.value, Seen) and wrong.key in got.value else ""
            return at, Wrong(wrong.key, **{**facts, **wrong.fmt})
    return "", None


class _Differs(Wrong):
    """Wrong, about one of several things that were seen."""

    name = ""


def _compare_seen(exercise: Exercise, got: Seen, want: Seen) -> None:
    """The first of several things that differs is its own message: "loss", or "slope:A" of A."""
    for name, wanted in want.items():
        try:
            expect_close(got.get(name), wanted, exercise.tolerance)
        except Wrong as wrong:
            key, _, part = name.partition(":")
            if key not in catalogue.read(exercise.id):
                key, part = "seen", name.replace(":", " ")
            shown = shown_apart(got.get(name), wanted)
            differs = _Differs(key, **{**wrong.fmt, **shown, "name": part})
            differs.name = name
            raise differs from None


def _constant(seen: list[Observed], wanted: list[Observed], tol: float) -> Wrong | None:
    """Wrong "constant" if the answer never changes though the right one does.

    A learner who returns the worked example's value should hear that rather than a number. Of two
    cases both may be wrong by chance.
    """
    if len(seen) < 3 or len(seen) < len(wanted) or seen[0].value is None:
        return None
    if any(isinstance(w.value, Seen) for w in wanted):
        return None
    frozen = not any(difference(s.value, seen[0].value, tol) for s in seen)
    moves = any(difference(w.value, wanted[0].value, tol) for w in wanted)
    got = shown_apart(seen[0].value, wanted[0].value)["got"]
    return Wrong("constant", got=got) if frozen and moves else None


def _explains(
    predicted: list[Observed],
    seen: list[Observed],
    wanted: list[Observed],
    at: str,
    tol: float,
) -> bool:
    """Does a mistake predict what was seen in all cases, and is it seen to be one?

    One result can fit several mistakes by chance (a perfect annotator's votes look the same in many
    wrong formulas). Where several things are seen, it must predict those up to `at`, the first that
    differs: what comes after may be another mistake's, and so may cases of another kind that were
    answered wrongly as well.
    """
    seen = [one for one in seen if not one.failure]  # a crash after it is another matter
    if len(predicted) < len(seen):
        return False
    different = False
    for mistaken, got, right in zip(predicted, seen, wanted, strict=False):
        name = at if _has(got, at) else ""
        if at and not name and not _same(got, right, "", tol):
            continue
        if not _same(mistaken, got, name, tol):
            return False
        different = different or not _same(mistaken, right, name, tol)
    return different


def _has(one: Observed, name: str) -> bool:
    return isinstance(one.value, Seen) and name in one.value


def _same(one: Observed, other: Observed, at: str, tol: float) -> bool:
    """Equal; of several things seen, up to the name `at`, if there is one."""
    if one.failure != other.failure:
        return False
    return not difference(_up_to(one.value, at), _up_to(other.value, at), tol)


def _up_to(value, at: str):
    if not at or not isinstance(value, Seen) or at not in value:
        return value
    names = list(value)
    return {name: value[name] for name in names[: names.index(at) + 1]}
