"""dpo.alarm: the first point where the margin rises while the chosen answers have fallen."""

from smolcourse.checks.core import Wrong, expect_type

pure = True


def cases(rng):
    up = rng.randrange(1, 30)
    curves = [
        ([0, 1, 2, 3, 4], [-20, -15, -14, -18, -25], 3.0),  # from the highest, not from the start
        ([0, 1, 2, 3, 4], [-20, -15, -14, -15, -16], 3.0),
        ([0, 1, 2, 3, 4], [-10, -14, -20, -30, -40], 5.0),  # the first time, not the worst
        ([0, 3, 2, 1, 4], [-10, -10, -16, -17, -18], 5.0),  # the margin falls at 2 and 3
        ([0, 1, 2, 3], [-10, -12, -14, -16], 3.0),  # a slow fall: 2 a step
        ([0, 1, 2], [-10, -13, -13], 3.0),  # exactly 3 is not more than 3
        ([0, 1, 1, 2], [-10, -10, -20, -20], 5.0),  # a margin that stays is not rising
        ([5], [-10], 1.0),
        ([3, 1, 2], [-10, -30, -30], 5.0),  # it rises from 1 to 2, though 3 was higher
        ([0, 1, 2, 3], [-24, -15, -8, -2], 3.0),  # the highest value comes later
        ([0, 1, 2], [-10, -20, -20], 5.0),  # at the first step already
    ]
    return [
        ([float(m + up) for m in ms], [float(c - up) for c in cs], drop) for ms, cs, drop in curves
    ]


def observe(answer, case):
    found = answer(*case)
    return None if found is None else expect_type(found, int, "not_index")


def judge(seen, wanted, case):
    if seen != wanted:
        margins, chosen, drop = case
        facts = {"margins": margins, "chosen": chosen, "drop": drop}
        raise Wrong("verdict", **facts, got=seen, want=wanted)


def _ring(rise=None, best=None, more=lambda x, y: x < y, walk=iter):
    """A mistake: the alarm with another rule in one place."""

    def wrong(right, margins, chosen, drop):
        for i in walk(range(1, len(margins))):
            rising = rise(margins, i) if rise else margins[i] > margins[i - 1]
            if rising and more(chosen[i], (best(chosen, i) if best else max(chosen[:i])) - drop):
                return i
        return None

    return wrong


mistakes = {
    "from_start": _ring(best=lambda values, i: values[0]),
    "step_before": _ring(best=lambda values, i: values[i - 1]),
    "whole_run": _ring(best=lambda values, i: max(values)),
    "returns_early": _ring(walk=lambda steps: steps[:1]),
    "late_start": _ring(walk=lambda steps: steps[1:]),
    "margin_ignored": _ring(rise=lambda margins, i: True),
    "margin_falls": _ring(rise=lambda margins, i: margins[i] < margins[i - 1]),
    "new_high": _ring(rise=lambda margins, i: margins[i] > max(margins[:i])),
    "staying_rises": _ring(rise=lambda margins, i: margins[i] >= margins[i - 1]),
    "exactly": _ring(more=lambda x, y: x <= y),
    "last": _ring(walk=reversed),
    "chosen_rises": _ring(more=lambda x, y: x > y),
    "counts_from_one": lambda right, *case: None if right(*case) is None else right(*case) + 1,
    "minus_one": lambda right, *case: -1 if right(*case) is None else right(*case),
    "constant": [lambda right, *case: None, lambda right, *case: 3],
}
