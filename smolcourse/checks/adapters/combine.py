"""adapters.combine: the weighted sum of several adapters as one pair (a, b)."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_type, normal
from smolcourse.checks.core.compare import difference

pure = True
tolerance = 1e-4


def cases(rng):
    out, into = 7, 9
    plans = [  # (ranks, alphas, weights); equal ranks first, where A's can be added to A's
        ((2, 2), (4.0, 2.0), (0.5, 0.25)),
        ((2, 2), (6.0, 6.0), (1.0, 0.25)),
        ((1, 3), (2.0, 6.0), (0.7, 0.3)),
        ((2, 1, 2), (4.0, 3.0, 4.0), (1.0, -0.5, 0.25)),
        ((3,), (6.0,), (0.5,)),
    ]
    drawn = []
    for ranks, alphas, weights in plans:
        pairs = [(normal(rng, r, into), normal(rng, out, r)) for r in ranks]
        adapters = [(*pair, alpha) for pair, alpha in zip(pairs, alphas, strict=True)]
        drawn.append((adapters, list(weights)))
    return drawn


def observe(answer, case):
    first_a, first_b, _ = case[0][0]
    into, out = first_a.shape[1], first_b.shape[0]
    pair = expect_type(answer(*case), (tuple, list))
    if len(pair) != 2:
        raise Wrong("not_a_pair", count=len(pair))
    a, b = (expect_type(t, torch.Tensor, "not_tensor", name=n) for n, t in zip("AB", pair))  # noqa: B905
    shapes = a.shape, b.shape
    if [len(shape) for shape in shapes] != [2, 2] or a.shape[1] != into or b.shape[0] != out:
        if [len(shape) for shape in shapes] == [2, 2] and (b.shape[1], a.shape[0]) == (into, out):
            raise Wrong("swapped", into=into, out=out)
        raise Wrong("pair_shapes", a=tuple(a.shape), b=tuple(b.shape), into=into, out=out)
    if a.shape[0] != b.shape[1]:
        raise Wrong("inner_rank", a=a.shape[0], b=b.shape[1])
    return Seen(product=b.double() @ a.double(), rank=a.shape[0])


def judge(seen, wanted, case):
    got, right = seen["product"], wanted["product"]
    if difference(got, right, tolerance):
        raise Wrong("product", error=f"{(got - right).abs().max().item():.2g}")
    if seen["rank"] > wanted["rank"]:
        raise Wrong("rank_too_big", got=seen["rank"], expected=wanted["rank"])


def _weights(change):
    """A mistake: other weights, `change(weight, scale, alpha)`."""

    def wrong(right, adapters, weights):
        rows = zip(adapters, weights, strict=True)
        return right(adapters, [change(w, alpha / len(a), alpha) for (a, _, alpha), w in rows])

    return wrong


def _sums(in_a, in_b):
    """A mistake: A's added to A's and B's to B's, times functions of (weight, scale)."""

    def wrong(right, adapters, weights):
        rows = [(a, b, w, al / len(a)) for (a, b, al), w in zip(adapters, weights, strict=True)]
        return sum(in_a(w, s) * a for a, _, w, s in rows), sum(
            in_b(w, s) * b for _, b, w, s in rows
        )

    return wrong


mistakes = {
    "scale_forgotten": [
        _weights(lambda w, s, alpha: w / s),
        _weights(lambda w, s, alpha: w * alpha / s),
    ],
    "weights_forgotten": _weights(lambda w, s, alpha: 1),
    "weight_twice": [
        _weights(lambda w, s, alpha: w * w),
        _weights(lambda w, s, alpha: w * s),
        _weights(lambda w, s, alpha: w * w * s),
    ],
    "normalised": [
        lambda right, ad, weights: right(ad, [w / sum(weights) for w in weights]),
        lambda right, ad, weights: right(ad, [w / len(weights) for w in weights]),
    ],
    "separately": [
        _sums(lambda w, s: w, lambda w, s: w),
        _sums(lambda w, s: w * s, lambda w, s: w),
        _sums(lambda w, s: w, lambda w, s: w * s),
        _sums(lambda w, s: w * s, lambda w, s: w * s),
        _sums(lambda w, s: w * s, lambda w, s: 1),
        _sums(lambda w, s: 1, lambda w, s: w * s),
        _sums(lambda w, s: w, lambda w, s: s),
        _sums(lambda w, s: (w * s) ** 0.5, lambda w, s: (w * s) ** 0.5),  # PEFT's "linear"
    ],
    "swapped": lambda right, *case: right(*case)[::-1],
    "not_a_pair": lambda right, *case: (*right(*case), 1.0),
}
