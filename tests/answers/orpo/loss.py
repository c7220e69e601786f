"""Wrong and right answers to orpo.loss."""

import math

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("orpo.loss")


def odds(logp):
    return logp - (-logp.expm1()).log()


def trl(logp):
    """As TRL 1.16 writes it: right values, but no gradient where exp(logp) rounds to 1."""
    rest = torch.where(logp < -math.log(2), (-logp.exp()).log1p(), (-logp.expm1()).log())
    return logp - rest


def parts(chosen, rejected):
    return -F.logsigmoid(odds(chosen) - odds(rejected))


wrong("loss_value")(lambda nll, c, r, lam: nll + 2 * lam * parts(c, r).mean())
wrong("not_scalar")(lambda nll, c, r, lam: nll + lam * parts(c, r))
wrong("no_gradient")(lambda nll, c, r, lam: (nll + lam * parts(c, r).mean()).item())
wrong("no_gradient")(lambda nll, c, r, lam: nll + lam * parts(c, r.detach()).mean())
wrong("no_gradient")(lambda nll, c, r, lam: nll.detach() + lam * parts(c, r).mean())
right(lambda nll, c, r, lam: (nll + lam * parts(c, r)).mean())
right(lambda nll, c, r, lam: nll + lam * F.softplus(odds(r) - odds(c)).mean())
right(lambda nll, c, r, lam: nll - lam * F.logsigmoid(trl(c) - trl(r)).mean())
