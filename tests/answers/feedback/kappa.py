"""Wrong and right answers to feedback.kappa."""

import math

import numpy
from answers import answers

wrong, right, good = answers("feedback.kappa")


def cohen(a, b, *, chance="product", labels=None, cut=False, nan=True):
    """A parametrised kappa; right as it stands."""
    n = len(a)
    labels = labels or set(a) | set(b)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    shares = {
        "product": lambda k: a.count(k) * b.count(k) / n**2,
        "pooled": lambda k: ((a.count(k) + b.count(k)) / (2 * n)) ** 2,
        "first": lambda k: (a.count(k) / n) ** 2,
        "uniform": lambda k: 1 / len(labels) ** 2,
        "none": lambda k: 0.0,
    }
    expected = sum(map(shares[chance], labels))
    if nan and expected == 1:
        return math.nan
    value = (observed - expected) / (1 - expected)
    return max(0.0, value) if cut else value


def kappa(**options):
    return lambda a, b: cohen(a, b, **options)


wrong("divides_by_zero")(kappa(nan=False))
wrong("kappa_value")(lambda a, b: 2 * cohen(a, b))
wrong("none")(lambda a, b: None)
wrong("return_type")(lambda a, b: str(cohen(a, b)))
right(cohen)


@right
def _(a, b):  # from the table of counts
    labels = sorted({str(x) for x in (*a, *b)})
    table = numpy.zeros((len(labels), len(labels)))
    for x, y in zip(a, b, strict=True):
        table[labels.index(str(x)), labels.index(str(y))] += 1
    table /= table.sum()
    expected = float(table.sum(0) @ table.sum(1))
    return (numpy.trace(table) - expected) / (1 - expected) if expected < 1 else numpy.nan
