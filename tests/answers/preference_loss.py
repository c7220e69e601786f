"""Wrong and right answers to feedback.loss and grpo.loss, as learners write them."""

import torch
import torch.nn.functional as F

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- feedback.loss


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


wrong("feedback.loss", "swapped")(losing(gap=lambda c, r, m: r - c - m))
wrong("feedback.loss", "sign")(losing(last=lambda v: -v.mean()))
wrong("feedback.loss", "no_log")(losing(log=torch.sigmoid))
wrong("feedback.loss", "summed")(losing(last=torch.sum))
wrong("feedback.loss", "margin_added")(losing(gap=lambda c, r, m: c - r + m))
wrong("feedback.loss", "margin_ignored")(losing(gap=lambda c, r, m: c - r))
wrong("feedback.loss", "centering_ignored")(losing(centre=lambda c, r: 0))
wrong("feedback.loss", "centering_difference")(losing(centre=lambda c, r: ((c - r) ** 2).mean()))
wrong("feedback.loss", "centering_each")(losing(centre=lambda c, r: (c**2 + r**2).mean()))
wrong("feedback.loss", "centering_mean")(losing(centre=lambda c, r: (c + r).mean() ** 2))
wrong("feedback.loss", "centering_not_squared")(losing(centre=lambda c, r: (c + r).mean()))
wrong("feedback.loss", "linear")(losing(log=lambda x: x))
wrong("feedback.loss", "overflow")(losing(log=lambda x: torch.log(torch.sigmoid(x))))
wrong("feedback.loss", "not_scalar")(losing(last=lambda v: v))
wrong("feedback.loss", "loss_value")(losing(last=lambda v: 3 * v.mean()))
wrong("feedback.loss", "no_gradient")(lambda *args: pairwise(*args).item())
wrong("feedback.loss", "no_gradient")(lambda *args: pairwise(*args).detach())
wrong("feedback.loss", "no_gradient")(
    lambda c, r, margin=None, centering=0.0: pairwise(c, r.detach(), margin, centering)
)
wrong("feedback.loss", "exception")(
    lambda c, r, margin, centering: -F.logsigmoid(c - r - margin).mean()
)
wrong("feedback.loss", "none")(lambda *args: None)


@wrong("feedback.loss", "margin_outside")
def _(c, r, margin=None, centering=0.0):
    loss = -F.logsigmoid(c - r) - (0 if margin is None else margin)
    return loss.mean() + centering * ((c + r) ** 2).mean()


@wrong("feedback.loss", "pairs_averaged")
def _(c, r, margin=None, centering=0.0):
    gap = c.mean() - r.mean() - (0 if margin is None else margin.mean())
    return -F.logsigmoid(gap) + centering * ((c + r) ** 2).mean()


right("feedback.loss")(pairwise)
right("feedback.loss")(losing(log=lambda x: -F.softplus(-x)))


@right("feedback.loss")
def _(chosen, rejected, margin=None, centering=0.0):  # as binary classification
    gap = chosen - rejected if margin is None else chosen - rejected - margin
    loss = F.binary_cross_entropy_with_logits(gap, torch.ones_like(gap))
    return loss + centering * (chosen + rejected).square().mean()


# ---------------------------------------------------------------- grpo.loss


def clipped(
    new, old, ref, advantages, mask, epsilon=0.2, beta=0.0, *,
    ratio=None, gain=None, kl=None, total=None, kl_weight=1.0, sign=1.0,
):  # fmt: skip
    """A parametrised policy loss; right as it stands."""
    rho = ratio(new, old) if ratio else (new - old).exp()
    a = advantages[:, None]
    cut = rho.clamp(1 - epsilon, 1 + epsilon)
    value = gain(rho, cut, a) if gain else torch.min(rho * a, cut * a)
    away = kl(new, old, ref) if kl else (ref - new).exp() - (ref - new) - 1
    tokens = kl_weight * beta * away - sign * value
    return total(tokens, mask) if total else (tokens * mask).sum() / mask.sum()


def policy(**options):
    def loss(new, old, ref, advantages, mask, epsilon=0.2, beta=0.0):
        return clipped(new, old, ref, advantages, mask, epsilon, beta, **options)

    return loss


def penalty(function):
    return policy(kl=lambda new, old, ref: function(new, ref))


wrong("grpo.loss", "sign")(policy(sign=-1.0))
wrong("grpo.loss", "max_for_min")(policy(gain=lambda rho, cut, a: torch.max(rho * a, cut * a)))
wrong("grpo.loss", "no_clip")(policy(gain=lambda rho, cut, a: rho * a))
wrong("grpo.loss", "clip_alone")(policy(gain=lambda rho, cut, a: cut * a))
wrong("grpo.loss", "not_exponentiated")(policy(ratio=lambda new, old: new - old))
wrong("grpo.loss", "ratio_upside_down")(policy(ratio=lambda new, old: (old - new).exp()))
wrong("grpo.loss", "padding_counted")(policy(total=lambda tokens, mask: tokens.mean()))
wrong("grpo.loss", "padding_divides")(policy(total=lambda tokens, mask: (tokens * mask).mean()))
wrong("grpo.loss", "mean_of_rows")(
    policy(total=lambda tokens, mask: ((tokens * mask).sum(1) / mask.sum(1)).mean())
)
wrong("grpo.loss", "summed")(policy(total=lambda tokens, mask: (tokens * mask).sum()))
wrong("grpo.loss", "not_scalar")(policy(total=lambda tokens, mask: (tokens * mask).sum(1)))
wrong("grpo.loss", "kl_sign")(policy(kl_weight=-1.0))
wrong("grpo.loss", "kl_reversed")(penalty(lambda new, ref: (new - ref).exp() - (new - ref) - 1))
wrong("grpo.loss", "kl_simple")(penalty(lambda new, ref: new - ref))
wrong("grpo.loss", "kl_minus_one")(penalty(lambda new, ref: (ref - new).exp() - (ref - new)))
wrong("grpo.loss", "kl_ignored")(policy(kl_weight=0.0))
wrong("grpo.loss", "kl_from_old")(
    policy(kl=lambda new, old, ref: (old - new).exp() - (old - new) - 1)
)
wrong("grpo.loss", "loss_value")(policy(sign=5.0))
wrong("grpo.loss", "no_gradient")(lambda *args, **options: clipped(*args, **options).item())
wrong("grpo.loss", "no_gradient")(lambda new, *args, **o: clipped(new.detach(), *args, **o))
wrong("grpo.loss", "advantages_flat")(  # without [:, None]
    policy(gain=lambda rho, cut, a: torch.min(rho * a[:, 0], cut * a[:, 0]))
)
wrong("grpo.loss", "advantages_flat")(policy(gain=lambda rho, cut, a: rho * a[:, 0]))
wrong("grpo.loss", "none")(lambda *args, **options: None)

right("grpo.loss")(clipped)


@right("grpo.loss")
def _(new, old, ref, advantages, mask, epsilon=0.2, beta=0.0):  # the real tokens only, and where
    keep = mask.bool()
    a = advantages[:, None].expand_as(new)[keep]
    new, old, ref = new[keep], old[keep], ref[keep]
    ratio = torch.exp(new - old)
    limit = torch.where(a > 0, torch.tensor(1 + epsilon), torch.tensor(1 - epsilon))
    bounded = torch.where(a > 0, torch.minimum(ratio, limit), torch.maximum(ratio, limit))
    kl = torch.exp(ref - new) + new - ref - 1
    return -(bounded * a).mean() + beta * kl.mean()
