"""grpo.control: words over a limit cost, and a wrong answer gets the floor."""

from smolcourse.checks.core import Wrong, expect_type, short

pure = True
NAMES = ("scores", "lengths", "right", "limit", "price", "floor")


def cases(rng):
    n = 6
    drawn = (
        [round(rng.uniform(-5, 9), 2) for _ in range(n)],
        [rng.randrange(30) for _ in range(n)],
        [True, False, *(rng.random() < 0.6 for _ in range(n - 2))],
        12,
        0.75,
        -6.0,
    )
    return [
        ([3.0, 2.0, 9.0], [20, 10, 10], [True, True, False], 15, 1.0, -10.0),
        ([1.0, 2.0, 3.0, 4.0], [5, 10, 11, 30], [True] * 4, 10, 0.5, -3.0),
        ([0.5, 7.0], [40, 2], [False, False], 12, 1.0, -5.0),
        ([-8.0, -1.0, 2.0], [3, 16, 40], [True, True, False], 15, 2.0, -4.0),  # below the floor
        ([1.0, 1.0], [0, 1], [True, True], 0, 0.25, -1.0),
        ([-8.0], [3], [False], 15, 2.0, -4.0),  # the floor lifts a wrong answer, too
        drawn,
    ]


def observe(answer, case):
    return expect_type(answer(*case), (list, tuple))


def judge(seen, wanted, case):
    close = len(seen) == len(wanted) and all(
        abs(expect_type(got, (float, int), where=f"[{at}]") - want) < 1e-6
        for at, (got, want) in enumerate(zip(seen, wanted, strict=True))
    )
    if not close:
        facts = dict(zip(NAMES, case, strict=True))
        raise Wrong("control_value", **facts, got=short(seen), want=wanted)


def _paid(paid=lambda n, limit: max(0, n - limit), wrong=lambda score, value, floor: floor):
    """A mistake: other words to pay for, or something else than the floor for wrong answers."""

    def mistaken(right, scores, lengths, truth, limit, price, floor):
        values = [s - price * paid(n, limit) for s, n in zip(scores, lengths, strict=True)]
        rows = zip(scores, values, truth, strict=True)
        return [value if true else wrong(score, value, floor) for score, value, true in rows]

    return mistaken


mistakes = {
    "short_rewarded": _paid(lambda n, limit: n - limit),
    "every_word_costs": [_paid(lambda n, limit: n), _paid(lambda n, limit: n if n > limit else 0)],
    "flat_price": _paid(lambda n, limit: n > limit),
    "price_ignored": lambda right, s, n, r, limit, price, floor: right(s, n, r, limit, 1, floor),
    "wrong_not_floored": [
        _paid(wrong=lambda score, value, floor: value),
        _paid(wrong=lambda score, value, floor: score),
    ],
    "floor_added": [
        _paid(wrong=lambda score, value, floor: value + floor),
        _paid(wrong=lambda score, value, floor: value - score + floor),
        _paid(wrong=lambda score, value, floor: score + floor),
        _paid(wrong=lambda score, value, floor: min(floor, score)),
        _paid(wrong=lambda score, value, floor: min(floor, value)),
        _paid(wrong=lambda score, value, floor: max(floor, score)),
        _paid(wrong=lambda score, value, floor: max(floor, value)),
    ],
    "right_floored": lambda right, s, n, r, *rest: right(s, n, [not true for true in r], *rest),
    "floor_is_minimum": lambda right, *case: [max(case[-1], value) for value in right(*case)],
    "length_free": _paid(lambda n, limit: 0),
    "off_by_one": [
        _paid(lambda n, limit: max(0, n - limit + 1)),
        _paid(lambda n, limit: max(0, n - limit - 1)),
    ],
    "long_rewarded": _paid(lambda n, limit: min(0, limit - n)),
}
