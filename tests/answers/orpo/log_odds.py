"""Wrong and right answers to orpo.log_odds."""

import math

import torch
from answers import answers

wrong, right, good = answers("orpo.log_odds")


def odds(logp):
    return logp - (-logp.expm1()).log()


def trl(logp):
    """As TRL 1.16 writes it: right values, but no gradient where exp(logp) rounds to 1."""
    rest = torch.where(logp < -math.log(2), (-logp.exp()).log1p(), (-logp.expm1()).log())
    return logp - rest


wrong("log_odds_value")(lambda x: odds(x) / math.log(2))
wrong("no_gradient")(lambda x: odds(x.detach()) + 0 * x)
wrong("no_gradient")(lambda x: odds(x).detach())
wrong("return_type")(lambda x: odds(x).tolist())
wrong("shape")(lambda x: odds(x).sum())


@wrong("gradient_not_finite")
def _(logp):  # the branch that is not taken overflows
    small = logp < -50
    return torch.where(small, logp, -((-logp).expm1()).log())


wrong("gradient_not_finite")(trl)
wrong("gradient_not_finite")(
    lambda x: x - torch.where(x > -0.7, torch.log(-torch.expm1(x)), torch.log1p(-x.exp()))
)
right(odds)
right(lambda x: x.double() - (-x.double().exp()).log1p())
