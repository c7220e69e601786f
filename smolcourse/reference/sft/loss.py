# generated from 1_instruction_tuning/notebooks/source/supervised_fine_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise sft.loss."""
# ruff: noqa

def masked_loss(logits, labels):
    """Mean negative log-likelihood of the labels that count.

    Example: with uniform logits over a vocabulary of 8 the loss is log(8), whatever the mask.
    """
    import torch.nn.functional as F

    predicted = logits[:, :-1].flatten(0, 1)
    wanted = labels[:, 1:].flatten()
    return F.cross_entropy(predicted, wanted, ignore_index=-100)

answer = masked_loss
