"""sft.diagnose: four rules in their order, by shares and not by differences."""

import math

from smolcourse.checks.core import Wrong

NAMES = ("diverging", "memorising", "too_slow", "healthy")
NAN, INF = float("nan"), float("inf")
pure = True


def cases(rng):
    scale = rng.uniform(0.9, 1.1)
    curves = [
        ([3.0, 1.0, 0.5], [3.0, 1.2, 1.9]),
        ([3.0, 1.0, 0.5], [3.0, 1.2, 0.9]),
        ([3.0, 2.95, 2.9], [3.0, 2.96, 2.93]),
        ([3.0, 4.0, 9.0], [3.0, 4.0, 9.0]),
        ([3.0, NAN, 1.0], [3.0, 2.0, 1.0]),
        ([3.0, INF, 1.0], [3.0, 2.0, 1.0]),
        ([3.0, 1.0, NAN], [3.0, 1.0, 1.0]),
        ([2.0, 5.0, 1.0], [2.0, 1.5, 1.0]),
        ([2.0, 1.5, 2.0], [2.0, 1.9, 2.0]),
        ([2.0, 1.9], [2.0, 2.6]),
        ([2.0, 1.0], [1.0, 1.05]),
        ([2.0, 1.59], [2.0, 1.6]),
        (
            [2.0, 1.0, 0.9, 0.8],
            [4.0, 2.0, 2.6, 2.5],
        ),  # above the lowest, not above the last but one
        # the same rules for small and for large losses
        ([0.5, 0.35], [0.5, 0.45]),
        ([6.2, 5.5], [6.2, 5.5]),
        ([6.0, 3.0], [5.0, 5.3]),
        ([0.5, 0.1], [0.30, 0.36]),
    ]
    return [tuple([round(scale * x, 4) for x in curve] for curve in pair) for pair in curves]


def judge(seen, wanted, case):
    train, evaluation = case
    facts = {"train": train, "eval": evaluation, "want": wanted, "got": seen}
    if type(seen) is not str:
        raise Wrong("none" if seen is None else "return_type", expected="str", got=_kind(seen))
    if seen not in NAMES:
        raise Wrong("unknown_name", **facts)
    if seen == wanted:
        return
    if wanted == "diverging" and not all(map(math.isfinite, train)):
        raise Wrong("not_finite")
    if wanted == "memorising" and len(train) == 4:
        raise Wrong("not_the_lowest", **facts)
    if len(train) == 2 and not 1.0 < train[0] < 4.0:  # small or large losses
        raise Wrong("shares", **facts)
    if wanted == "memorising":
        raise Wrong("order" if seen == "too_slow" else "ignores_evaluation")
    if wanted != "diverging" and seen == "memorising":
        raise Wrong("small_rise")
    if wanted == "healthy" and seen == "diverging":
        raise Wrong("spike")
    raise Wrong("verdict", **facts)


def _kind(value) -> str:
    return type(value).__name__


mistakes = {
    "not_finite": lambda right, train, evaluation: right(
        [x if math.isfinite(x) else 1.0 for x in train], evaluation
    ),
    "ignores_evaluation": lambda right, train, evaluation: right(train, [1.0]),
    "not_the_lowest": lambda right, train, evaluation: right(train, evaluation[-2:]),
    "spike": lambda right, train, evaluation: (
        "diverging" if max(train) > train[0] else right(train, evaluation)
    ),
    "unknown_name": lambda right, train, evaluation: right(train, evaluation).title(),
}
