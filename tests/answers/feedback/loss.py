"""Wrong and right answers to feedback.loss."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("feedback.loss")


def pairwise(
    c, r, margin=None, centering=0.0, *, log=F.logsigmoid, centre=None, gap=None, last=None
):
    """A parametrised Bradley-Terry loss; right as it stands."""
    shift = 0 if margin is None else margin
    inside = gap(c, r, shift) if gap else c - r - shift
    values = -log(inside)
    total = last(values) if last else values.mean()
    return total + centering * (centre(c, r) if centre else ((c + r) ** 2).mean())


def losing(**options):
    return lambda c, r, margin=None, centering=0.0: pairwise(c, r, margin, centering, **options)


wrong("not_scalar")(losing(last=lambda v: v))
wrong("loss_value")(losing(last=lambda v: 3 * v.mean()))
wrong("no_gradient")(lambda *args: pairwise(*args).item())
wrong("no_gradient")(lambda *args: pairwise(*args).detach())
wrong("no_gradient")(
    lambda c, r, margin=None, centering=0.0: pairwise(c, r.detach(), margin, centering)
)
wrong("exception")(lambda c, r, margin, centering: -F.logsigmoid(c - r - margin).mean())
wrong("none")(lambda *args: None)
right(pairwise)
right(losing(log=lambda x: -F.softplus(-x)))


@right
def _(chosen, rejected, margin=None, centering=0.0):  # as binary classification
    gap = chosen - rejected if margin is None else chosen - rejected - margin
    loss = F.binary_cross_entropy_with_logits(gap, torch.ones_like(gap))
    return loss + centering * (chosen + rejected).square().mean()
