# generated from 2_preference_alignment/notebooks/source/human_feedback.py by smolcourse build; do not edit
"""Reference answer of exercise feedback.loss."""
# ruff: noqa

def reward_loss(chosen, rejected, margin=None, centering: float = 0.0):
    """The Bradley-Terry loss of a batch of pairs.

    Example: with equal scores, no margin and no centering the loss is log(2), 0.693.
    """
    import torch.nn.functional as F

    difference = chosen - rejected
    if margin is not None:
        difference = difference - margin
    loss = -F.logsigmoid(difference).mean()
    return loss + centering * ((chosen + rejected) ** 2).mean()

answer = reward_loss
