# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.loss."""
# ruff: noqa

def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    """The DPO loss, mean over the pairs.

    Example: if policy and reference agree on every answer the loss is log(2), whatever beta is.
    """
    import torch.nn.functional as F

    margin = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    return -F.logsigmoid(margin).mean()

answer = dpo_loss
