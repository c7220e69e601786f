"""sft.loss: the masked loss, its shift and its mean, and that a gradient flows back."""

import torch
import torch.nn.functional as F

from smolcourse.checks.core import integers, normal, seen_loss

IGNORE = -100
pure = True


def cases(rng):
    drawn = []
    for rows, length, vocabulary in ((2, 6, 8), (3, 5, 11), (1, 9, 7), (2, 4, 5)):
        labels = integers(rng, 0, vocabulary, rows, length)
        labels[:, :2] = IGNORE
        labels[0, -1] = IGNORE
        if rows > 1:
            labels[1, :-1] = (
                IGNORE  # a row with one label: the mean of the rows' means gives itself away
            )
        drawn.append((2 * normal(rng, rows, length, vocabulary), labels))
    logits, labels = drawn[2]
    judged_by_nobody = labels.clone()
    judged_by_nobody[:, 0] = 3  # no position comes before the first token
    # Row 0 ends with a label that counts, and row 1 begins with one: a shift of the flattened
    # rows would ask the last position of row 0 for the first label of row 1.
    over_the_edge = integers(rng, 0, 7, 2, 5), 2 * normal(rng, 2, 5, 7)
    return [*drawn, (logits, judged_by_nobody), over_the_edge[::-1]]


def observe(answer, case):
    logits, labels = case
    logits = logits.clone().requires_grad_()
    return seen_loss(answer(logits, labels), {"logits": logits})


def _mean(logits, labels, **options):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, **options)


def _counted(labels):
    return (labels[:, 1:] != IGNORE).sum()


def _mean_of_rows(right, logits, labels):
    rows = [i for i in range(len(labels)) if _counted(labels[i : i + 1])]
    return torch.stack([right(logits[i : i + 1], labels[i : i + 1]) for i in rows]).mean()


def _no_softmax(right, logits, labels):
    return F.nll_loss(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE)


mistakes = {
    "not_shifted": lambda right, z, y: _mean(z, y),
    "shifted_backwards": lambda right, z, y: _mean(z[:, 1:], y[:, :-1]),
    "shifted_twice": lambda right, z, y: _mean(z[:, :-2], y[:, 2:]),
    "wraps_around": lambda right, z, y: _mean(z, y.roll(-1, 1)),
    "crosses_rows": lambda right, z, y: F.cross_entropy(
        z.flatten(0, 1)[:-1], y.flatten()[1:], ignore_index=IGNORE
    ),
    "ignored_counted": lambda right, z, y: right(z, y.clamp(min=0)),
    "summed": lambda right, z, y: right(z, y) * _counted(y),
    "mean_over_all": [
        lambda right, z, y: right(z, y) * _counted(y) / y[:, 1:].numel(),
        lambda right, z, y: right(z, y) * _counted(y) / y.numel(),
    ],
    "sign": lambda right, z, y: -right(z, y),
    "softmax_twice": lambda right, z, y: right(z.softmax(-1), y),
    "no_softmax": _no_softmax,
    "mean_of_rows": _mean_of_rows,
}
