"""orpo.loss: the likelihood's loss plus lambda times the odds ratio's."""

import torch
from torch.nn.functional import logsigmoid

from smolcourse.checks.core import Seen, normal, seen_loss

pure = True


def cases(rng):
    def below_zero(n):
        return -(normal(rng, n).abs() + 0.2)

    drawn = [
        (normal(rng, 1)[0].abs() + 0.5, below_zero(n), below_zero(n), lam)
        for n, lam in ((4, 0.1), (3, 1.5), (5, 0.7), (2, 2.5))
    ]
    # Apart by so much that a sigmoid is 0 in float32: log(sigmoid(x)) has no value there.
    far = -140.0 - 10 * rng.random()
    return [*drawn, (torch.tensor(1.0), torch.tensor([far]), torch.tensor([-0.5]), 1.0)]


def observe(answer, case):
    *tensors, lam = case
    leaves = {
        name: tensor.clone().requires_grad_()
        for name, tensor in zip(("nll", "chosen", "rejected"), tensors, strict=True)
    }
    seen = seen_loss(answer(*leaves.values(), lam), leaves)
    return Seen(log_of_sigmoid=seen["loss_value"]) if float(tensors[1].min()) < -100 else seen


def _odds(logp):
    return logp - (-logp.expm1()).log()


def _penalty(penalty):
    """A mistake: another term beside the likelihood's, `penalty(chosen, rejected, lambda)`."""
    return lambda right, nll, chosen, rejected, lam: nll + penalty(chosen, rejected, lam)


def _of_ratio(penalty):
    return _penalty(lambda c, r, lam: lam * penalty(_odds(c) - _odds(r)))


mistakes = {
    "swapped": lambda right, nll, c, r, lam: right(nll, r, c, lam),
    "sign": lambda right, nll, c, r, lam: right(nll, c, r, -lam),
    "log_ratio": _penalty(lambda c, r, lam: -lam * logsigmoid(c - r).mean()),
    "odds_not_logs": [
        _of_ratio(lambda ratio: -logsigmoid(ratio.exp()).mean()),
        _penalty(lambda c, r, lam: -lam * logsigmoid(_odds(c).exp() - _odds(r).exp()).mean()),
    ],
    "lambda_inside": _penalty(lambda c, r, lam: -logsigmoid(lam * (_odds(c) - _odds(r))).mean()),
    "no_lambda": lambda right, nll, c, r, lam: right(nll, c, r, 1.0),
    "no_nll": [
        lambda right, nll, c, r, lam: right(0 * nll, c, r, lam),
        lambda right, nll, c, r, lam: right(0 * nll, c, r, 1.0),
    ],
    "lambda_on_nll": [
        lambda right, nll, c, r, lam: right(lam * nll, c, r, 1.0),
        lambda right, nll, c, r, lam: right(lam * nll, c, r, lam),
    ],
    "summed": _of_ratio(lambda ratio: -logsigmoid(ratio).sum()),
    "mean_too_early": [
        _of_ratio(lambda ratio: -logsigmoid(ratio.mean())),
        lambda right, nll, c, r, lam: right(nll, c.mean()[None], r.mean()[None], lam),
    ],
    "no_sigmoid": _of_ratio(lambda ratio: -ratio.mean()),
    "no_log": [
        _of_ratio(lambda ratio: -ratio.sigmoid().mean()),
        _of_ratio(lambda ratio: 1 - ratio.sigmoid().mean()),
    ],
    "nll_negative": lambda right, nll, c, r, lam: right(-nll, c, r, lam),
    "log_of_sigmoid": _of_ratio(lambda ratio: -ratio.sigmoid().log().mean()),
}
