"""dpo.bradley_terry: the logistic function of a difference, also of a large one."""

import math

from smolcourse.checks.core import Wrong, expect_type

pure = True
tolerance = 1e-6


def cases(rng):
    drawn = [(round(rng.uniform(-4, 4), 2), round(rng.uniform(-4, 4), 2)) for _ in range(4)]
    fixed = [(2.5, 1.0), (1.0, 2.0), (-3.0, 1.0), (0.5, 0.25), (0.5, 0.5)]
    return [*fixed, *drawn, (1000.0, 0.0), (0.0, 1000.0)]


def observe(answer, case):
    try:
        return expect_type(answer(*case), (float, int))
    except OverflowError as error:
        a, b = case
        raise Wrong("overflow", a=a, b=b, got="OverflowError") from error


def judge(seen, wanted, case):
    if abs(seen - wanted) <= tolerance:
        return
    if max(case) > 100 and not 0 <= seen <= 1:
        raise Wrong("overflow", a=case[0], b=case[1], got=f"{seen:.4g}")
    raise Wrong("value", got=f"{seen:.6g}", expected=f"{wanted:.6g}")


mistakes = {
    "swapped": lambda right, a, b: right(b, a),
    "difference": lambda right, a, b: a - b,
    "certain": lambda right, a, b: float(a > b),
    "elo": lambda right, a, b: right(math.log(10) * (a - b), 0.0),
    "not_logistic": lambda right, a, b: math.exp(min(a - b, 700)),
    "share": lambda right, a, b: a / (a + b) if a + b else 0.0,
    "overflow": lambda right, a, b: 1 / (1 + math.exp(b - a)),
}
