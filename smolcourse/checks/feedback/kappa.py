"""feedback.kappa: agreement beyond chance, with each annotator's own shares."""

import math

from smolcourse.checks.core import Wrong, expect_type

pure = True
C, R = "chosen", "rejected"


def cases(rng):
    drawn = [[rng.choice([C, C, R, "tie"]) for _ in range(10)] for _ in range(2)]
    return [
        ([C, C, R, R], [C, R, R, R]),
        ([C, C, C, C, R], [C, C, C, R, R]),  # short, and chance is not a half
        ([C] * 25 + [C] * 5 + [R] * 10 + [R] * 10, [C] * 25 + [R] * 5 + [C] * 10 + [R] * 10),
        ([C, R, None, C, None, R], [C, R, None, None, C, R]),
        ([C, R] * 4, [R, C] * 4),  # they never agree
        ([C] * 9 + [R], [R] + [C] * 9),  # 80% equal, and no better than chance
        ([C, C, R], ["tie", "skip", "tie"]),  # no label in common
        ([C, C, C, R], [C, C, C, C]),  # one of them never changes: kappa 0
        ([C, R, "tie"], [C, R, "tie"]),
        (drawn[0] + [C, R], drawn[1] + [R, C]),
        ([C] * 3, [C] * 3),  # chance alone agrees: no number
        ([None], [None]),
    ]


def observe(answer, case):
    try:
        return expect_type(answer(*case), (float, int))
    except ZeroDivisionError as error:
        raise Wrong("divides_by_zero") from error


def judge(seen, wanted, case):
    if math.isnan(wanted):
        if not math.isnan(seen):
            raise Wrong("not_nan", got=seen)
    elif not abs(seen - wanted) < 1e-6:
        a, b = map(_few, case)
        raise Wrong("kappa_value", a=a, b=b, got=f"{seen:.3f}", want=f"{wanted:.3f}")


def _few(labels: list) -> str:
    text = str(labels)
    return text if len(text) < 70 else f"{text[:60]}...]"


def _chance(share, labels=None, divided=True):
    """A mistake: chance is the sum of `share(label, a, b, number of labels)` over the labels."""

    def wrong(right, a, b):
        both = labels or set(a) | set(b)
        observed = sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
        expected = sum(share(label, a, b, len(set(a) | set(b))) for label in both)
        if not divided:
            return observed - expected
        return (observed - expected) / (1 - expected) if expected < 1 else math.nan

    return wrong


def _product(label, a, b, many):
    return a.count(label) * b.count(label) / len(a) ** 2


mistakes = {
    "only_agreement": _chance(lambda label, a, b, many: 0.0),
    "not_divided": _chance(_product, divided=False),
    "uniform_chance": [
        _chance(lambda label, a, b, many: 1 / many**2),
        _chance(lambda label, a, b, many: 0.5 / many),
    ],
    "pooled_shares": _chance(lambda label, a, b, many: ((a + b).count(label) / (2 * len(a))) ** 2),
    "one_annotator": [
        _chance(lambda label, a, b, many: (a.count(label) / len(a)) ** 2),
        _chance(lambda label, a, b, many: (b.count(label) / len(b)) ** 2),
    ],
    "two_labels": _chance(_product, labels=(C, R)),
    "clipped": lambda right, a, b: max(0.0, right(a, b)),
    "not_nan": [
        lambda right, a, b: 1.0 if math.isnan(right(a, b)) else right(a, b),
        lambda right, a, b: 0.0 if math.isnan(right(a, b)) else right(a, b),
    ],
}
