"""What can be seen of a loss: its number, and the slope of each input that should learn from it."""

from smolcourse.checks.core.compare import Wrong, expect_shape, expect_type
from smolcourse.checks.core.observe import Seen


def seen_loss(loss, leaves: dict) -> Seen:
    """Seen(loss_value=..., and "no_gradient:NAME" for each of `leaves`, {name: tensor}).

    Raises Wrong "no_gradient" for a plain number, "not_scalar" for any shape but ().
    """
    import torch

    if isinstance(loss, float):
        raise Wrong("no_gradient", name=next(iter(leaves)))
    expect_shape(expect_type(loss, torch.Tensor), (), "not_scalar")
    slopes = [None] * len(leaves)
    if loss.requires_grad:
        slopes = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    named = {f"no_gradient:{name}": slope for name, slope in zip(leaves, slopes, strict=True)}
    return Seen({"loss_value": loss.double(), **named})
