"""lora.rank: how many directions keep a share of the squared entries."""

import torch
from torch import linalg

from smolcourse.checks.core import Wrong, expect_type, normal

pure = True


def cases(rng):
    def matrix(values, rows, columns):
        """A matrix of shape (rows, columns) with these singular values."""
        left = linalg.qr(normal(rng, rows, len(values)))[0]
        right = linalg.qr(normal(rng, columns, len(values)))[0]
        return left * torch.tensor(values) @ right.T

    steep, flat = [9.0, 4.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    return [
        (torch.diag(torch.tensor([3.0, 2.0, 1.0])), 0.9),
        (matrix(steep, 7, 5), 0.5),
        (matrix(steep, 5, 8), 0.97),
        (matrix(flat, 6, 9), 0.6),
        (matrix(flat, 9, 6), 0.97),
        (matrix([5.0], 4, 6), 0.9),
        (-matrix([3.0, 2.9, 0.1], 6, 6), 0.75),
        (0.01 * matrix([4.0, 3.0, 3.0, 1.0], 4, 9), 0.8),
        # Rank 1 keeps the share exactly, with every norm and square exact in floating point.
        (torch.eye(4), 0.25),
    ]


def observe(answer, case):
    return expect_type(answer(*case), int)


def judge(seen, wanted, case):
    if seen != wanted:
        raise Wrong("value", got=seen, expected=wanted, want=wanted, share=case[1])


def _first(
    change=lambda values: values**2,
    more=1,
    below=torch.lt,
    whole=lambda values: values.sum(),
    shown=lambda shares: shares,
):
    """A mistake: the number of summed shares of `change(singular values)` below the share, and one."""

    def wrong(right, matrix, share):
        values = change(linalg.svdvals(matrix))
        return int(below(shown(values.cumsum(0) / whole(values)), share).sum()) + more

    return wrong


def _alone(right, matrix, share):
    values = linalg.svdvals(matrix)
    return int((values >= share * values[0]).sum())


mistakes = {
    "not_squared": _first(lambda values: values),
    "off_by_one": [_first(more=0), _first(more=0, below=torch.le)],
    "share_reached": _first(below=torch.le),
    "smallest_first": _first(lambda values: values.flip(0) ** 2),
    "full_rank": lambda right, matrix, share: int(linalg.matrix_rank(matrix)),
    "threshold": _alone,
    "not_a_share": _first(whole=lambda values: 1.0),
    "root_of_share": _first(shown=torch.sqrt),
    "one_too_many": _first(more=2),
}
