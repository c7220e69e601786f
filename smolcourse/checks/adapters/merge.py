"""adapters.merge: the weight of a linear layer with its LoRA adapter in it."""

from smolcourse.checks.core import normal

pure = True
tolerance = 1e-4


def cases(rng):
    # The square layer first: there a product the wrong way round has the right shape.
    sizes = ((4, 4, 2, 6.0), (5, 3, 2, 1.0), (3, 6, 4, 3.0), (6, 2, 1, 2.0))
    return [
        (normal(rng, out, into), normal(rng, rank, into), normal(rng, out, rank), alpha)
        for out, into, rank, alpha in sizes
    ]


mistakes = {
    "scale_forgotten": lambda right, w, a, b, alpha: right(w, a, b, len(a)),
    "alpha_not_divided": lambda right, w, a, b, alpha: right(w, a, b, alpha * len(a)),
    "scale_inverted": lambda right, w, a, b, alpha: right(w, a, b, len(a) ** 2 / alpha),
    "wrong_rank": [
        lambda right, w, a, b, alpha: right(w, a, b, alpha * len(a) / a.shape[1]),
        lambda right, w, a, b, alpha: right(w, a, b, alpha * len(a) / len(b)),
    ],
    "subtracted": lambda right, w, a, b, alpha: right(w, a, b, -alpha),
    "delta_only": [
        lambda right, w, a, b, alpha: right(0 * w, a, b, alpha),
        lambda right, w, a, b, alpha: b @ a,
    ],
    "averaged": [
        lambda right, w, a, b, alpha: (w + right(w, a, b, alpha)) / 2,
        lambda right, *case: right(*case) / 2,
    ],
    "transposed": [
        lambda right, w, a, b, alpha: w + (right(w, a, b, alpha) - w).T,
        lambda right, w, a, b, alpha: w + (b @ a).T,
    ],
}
