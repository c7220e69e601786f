"""Wrong and right answers to adapters.combine."""

import torch
from answers import answers

wrong, right, good = answers("adapters.combine")


def stacked(adapters, weights, in_a=lambda w, s, alpha: w * s, in_b=lambda w, s, alpha: 1.0):
    """A parametrised combination by concatenation; right as it stands."""
    parts = [(a, b, w, alpha / len(a), alpha) for (a, b, alpha), w in zip(adapters, weights)]  # noqa: B905
    a = torch.cat([a * in_a(w, s, alpha) for a, _, w, s, alpha in parts])
    b = torch.cat([b * in_b(w, s, alpha) for _, b, w, s, alpha in parts], dim=1)
    return a, b


def variant(**options):
    return lambda adapters, weights: stacked(adapters, weights, **options)


def full(adapters, weights):
    return sum(w * alpha / len(a) * b @ a for (a, b, alpha), w in zip(adapters, weights))  # noqa: B905


wrong("return_type")(full)
wrong("not_tensor")(lambda ad, ws: ([a for a, _, _ in ad], stacked(ad, ws)[1]))
wrong("pair_shapes")(lambda ad, ws: (torch.cat([a for a, _, _ in ad], dim=1), stacked(ad, ws)[1]))
wrong("inner_rank")(lambda ad, ws: (ad[0][0], stacked(ad, ws)[1]))
wrong("product")(variant(in_a=lambda w, s, alpha: abs(w) * s))
wrong("rank_too_big")(lambda ad, ws: (torch.eye(9), full(ad, ws)))
wrong("mutated")(lambda ad, ws: stacked([(a.mul_(1.5), b, alpha / 1.5) for a, b, alpha in ad], ws))
right(stacked)
right(variant(in_a=lambda *_: 1.0, in_b=lambda w, s, alpha: w * s))
right(lambda ad, ws: list(stacked(ad, ws)))


@right
def _(adapters, weights):  # the exact update, taken apart again
    u, s, v = torch.linalg.svd(full(adapters, weights), full_matrices=False)
    rank = min(sum(len(a) for a, _, _ in adapters), len(s))
    return s[:rank, None] * v[:rank], u[:, :rank]
