# generated from 2_preference_alignment/notebooks/source/orpo.py by smolcourse build; do not edit
"""Reference answer of exercise orpo.loss."""
# ruff: noqa

from smolcourse.reference.orpo.log_odds import log_odds

def orpo_loss(nll, chosen, rejected, lam):
    """The ORPO loss of a batch of pairs.

    Example: two equally likely answers give nll + lam * log(2).
    """
    import torch.nn.functional as F

    log_odds_ratio = log_odds(chosen) - log_odds(rejected)
    return nll - lam * F.logsigmoid(log_odds_ratio).mean()

answer = orpo_loss
