"""feedback.loss: Bradley-Terry with an optional margin and centering."""

import torch
import torch.nn.functional as F

from smolcourse.checks.core import Seen, normal, seen_loss

pure = True


def cases(rng):
    def scores(n):
        return 2 * normal(rng, n)

    far = 300.0 + 10 * rng.random()
    return [
        (scores(6), scores(6), None, 0.0),
        (scores(4), scores(4), None, 0.0),
        (scores(5), scores(5), normal(rng, 5).abs() + 0.5, 0.0),
        (scores(7), scores(7), None, 0.3),
        (scores(3), scores(3), normal(rng, 3).abs() + 0.1, 0.1),
        (torch.tensor([-far, 5.0]), torch.tensor([far, -5.0]), None, 0.0),
    ]


def observe(answer, case):
    chosen, rejected, *rest = case
    leaves = {
        "chosen": chosen.clone().requires_grad_(),
        "rejected": rejected.clone().requires_grad_(),
    }
    seen = seen_loss(answer(*leaves.values(), *rest), leaves)
    return Seen(overflow=seen["loss_value"]) if float(chosen.min()) < -300 else seen


def _inside(gap):
    """A mistake: another number in the logsigmoid, `gap(chosen, rejected, margin or 0)`."""

    def wrong(right, c, r, margin, centering):
        inside = gap(c, r, torch.zeros_like(c) if margin is None else margin)
        return right(inside, torch.zeros_like(inside), None, 0.0) + _centre(c, r, centering)

    return wrong


def _outside(value):
    """A mistake: something else than the mean of -logsigmoid(gap), from the gap less the margin."""

    def wrong(right, c, r, margin, centering):
        gap = c - r - (0 if margin is None else margin)
        return value(gap) + _centre(c, r, centering)

    return wrong


def _centre(c, r, centering):
    return centering * ((c + r) ** 2).mean()


def _centred(centre):
    """A mistake: another centering term."""
    return lambda right, c, r, margin, centering: (
        right(c, r, margin, 0.0) + centering * centre(c, r)
    )


def _margin_outside(sign):
    def wrong(right, c, r, margin, centering):
        apart = 0.0 if margin is None else margin.mean()
        return right(c, r, None, centering) + sign * apart

    return wrong


mistakes = {
    "swapped": [_inside(lambda c, r, m: r - c - m), _inside(lambda c, r, m: r - c + m)],
    "sign": _outside(lambda gap: F.logsigmoid(gap).mean()),
    "no_log": [
        _outside(lambda gap: -gap.sigmoid().mean()),
        _outside(lambda g: 1 - g.sigmoid().mean()),
    ],
    "summed": _outside(lambda gap: -F.logsigmoid(gap).sum()),
    "margin_added": _inside(lambda c, r, m: c - r + m),
    "margin_ignored": _inside(lambda c, r, m: c - r),
    "margin_outside": [_margin_outside(-1), _margin_outside(1)],
    "centering_ignored": _centred(lambda c, r: 0.0),
    "centering_difference": _centred(lambda c, r: ((c - r) ** 2).mean()),
    "centering_each": _centred(lambda c, r: (c**2 + r**2).mean()),
    "centering_mean": _centred(lambda c, r: (c + r).mean() ** 2),
    "centering_not_squared": _centred(lambda c, r: (c + r).mean()),
    "pairs_averaged": _outside(lambda gap: -F.logsigmoid(gap.mean())),
    "linear": _outside(lambda gap: -gap.mean()),
    "overflow": _outside(lambda gap: -gap.sigmoid().log().mean()),
}
