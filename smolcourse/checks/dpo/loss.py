"""dpo.loss: the negative log-sigmoid of beta times the difference of two gains."""

import torch
from torch.nn.functional import logsigmoid

from smolcourse.checks.core import Seen, normal, seen_loss

pure = True


def cases(rng):
    drawn = [
        (*(-20 + 8 * normal(rng, pairs) for _ in range(4)), beta)
        for pairs, beta in ((4, 0.1), (3, 0.5), (2, 0.3))
    ]
    far = -400 - 100 * rng.random()
    extreme = torch.tensor([far, -1.0]), torch.tensor([-1.0, far])
    return [*drawn, (*extreme, torch.full((2,), -1.0), torch.full((2,), -1.0), 1.0)]


def observe(answer, case):
    chosen, rejected, *rest = case
    leaves = {
        "chosen": chosen.clone().requires_grad_(),
        "rejected": rejected.clone().requires_grad_(),
    }
    seen = seen_loss(answer(*leaves.values(), *rest), leaves)
    if float(chosen.min()) < -300:
        return Seen(unstable=seen["loss_value"])
    return seen


def _with(combine):
    """A mistake: another number in the logsigmoid, `combine(gain of chosen, of rejected, beta)`."""

    def wrong(right, c, r, rc, rr, beta):
        return -logsigmoid(combine(c - rc, r - rr, beta)).mean()

    return wrong


def _after(change):
    """A mistake: something else than -logsigmoid of the right margin."""
    return lambda right, c, r, rc, rr, beta: change(beta * ((c - rc) - (r - rr)))


mistakes = {
    "swapped": lambda right, c, r, rc, rr, beta: right(r, c, rr, rc, beta),
    "no_reference": lambda right, c, r, rc, rr, beta: right(c, r, 0 * rc, 0 * rr, beta),
    "reference_added": [
        lambda right, c, r, rc, rr, beta: right(c, r, -rc, -rr, beta),
        lambda right, c, r, rc, rr, beta: right(c, r, rc, -rr, beta),
    ],
    "sides_added": _with(lambda chosen, rejected, beta: beta * (chosen + rejected)),
    "no_beta": lambda right, *tensors: right(*tensors[:4], 1.0),
    "bracket": [
        _with(lambda chosen, rejected, beta: beta * chosen - rejected),
        _with(lambda chosen, rejected, beta: chosen - beta * rejected),
    ],
    "beta_divides": lambda right, *tensors: right(*tensors[:4], 1 / tensors[4]),
    "beta_outside": lambda right, *tensors: tensors[4] * right(*tensors[:4], 1.0),
    "sign": lambda right, *case: -right(*case),
    "no_log": [
        _after(lambda margin: -margin.sigmoid().mean()),
        _after(lambda margin: 1 - margin.sigmoid().mean()),
    ],
    "no_sigmoid": _after(lambda margin: -margin.mean()),
    "mean_first": _after(lambda margin: -logsigmoid(margin.mean())),
    "chosen_only": _with(lambda chosen, rejected, beta: beta * chosen),
    "summed": _after(lambda margin: -logsigmoid(margin).sum()),
    "unstable": _after(lambda margin: -margin.sigmoid().log().mean()),
}
