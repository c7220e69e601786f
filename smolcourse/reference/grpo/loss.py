# generated from 2_preference_alignment/notebooks/source/grpo.py by smolcourse build; do not edit
"""Reference answer of exercise grpo.loss."""
# ruff: noqa

def policy_loss(new, old, ref, advantages, mask, epsilon: float = 0.2, beta: float = 0.0):
    """The clipped policy loss with a KL penalty, per token of the batch.

    Example: with new == old == ref and all advantages 1 the loss is -1, whatever the mask.
    """
    import torch

    ratio = (new - old).exp()
    advantages = advantages[:, None]
    gain = torch.min(ratio * advantages, ratio.clamp(1 - epsilon, 1 + epsilon) * advantages)
    divergence = (ref - new).exp() - (ref - new) - 1
    return ((beta * divergence - gain) * mask).sum() / mask.sum().clamp(min=1)

answer = policy_loss
