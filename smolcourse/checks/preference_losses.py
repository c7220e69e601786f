"""Checks of the losses of 2_preference_alignment: ``feedback.loss`` and ``grpo.loss``."""

from smolcourse.check import Wrong, checker, expect_shape, expect_type

# ---------------------------------------------------------------- feedback.loss


@checker("feedback.loss", pure=True)
def loss(answer, reference):
    import torch

    made = torch.Generator().manual_seed(5)

    def scores(n):
        return 2 * torch.randn(n, generator=made)

    cases = [
        (scores(6), scores(6), None, 0.0),
        (scores(4), scores(4), None, 0.0),
        (scores(5), scores(5), torch.rand(5, generator=made) + 0.5, 0.0),
        (scores(7), scores(7), None, 0.3),
        (scores(3), scores(3), torch.rand(3, generator=made), 0.1),
    ]
    for case in cases:
        _loss_value(answer, reference, *case)
    extreme = (torch.tensor([-300.0, 5.0]), torch.tensor([300.0, -5.0]), None, 0.0)
    got = expect_type(answer(*extreme), torch.Tensor)
    if not bool(torch.isfinite(got).all()):
        raise Wrong("overflow")
    _loss_value(answer, reference, *extreme)
    slopes = []
    for function in (answer, reference):
        leaves = [
            tensor.clone().requires_grad_() for tensor in (scores(3) * 0 + 1.0, scores(3) * 0 - 0.5)
        ]
        value = function(*leaves, None, 0.2)
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            raise Wrong("no_gradient")
        slopes.append(torch.autograd.grad(value, leaves, allow_unused=True))
    for mine, theirs in zip(*slopes, strict=True):
        if mine is None or not torch.allclose(mine, theirs, atol=1e-5):
            raise Wrong("no_gradient")


def _loss_value(answer, reference, chosen, rejected, margin, centering) -> None:
    import torch

    want, got = (
        reference(chosen, rejected, margin, centering),
        answer(chosen, rejected, margin, centering),
    )
    if isinstance(got, float):
        raise Wrong("no_gradient")
    got = expect_shape(expect_type(got, torch.Tensor), (), "not_scalar")
    if bool((got - want).abs() < 1e-5 * (1 + want.abs())):
        return
    for key, value in _loss_mistakes(chosen, rejected, margin, centering):
        if bool((value - want).abs() > 1e-4) and bool(
            (got - value).abs() < 1e-5 * (1 + value.abs())
        ):
            raise Wrong(key)
    raise Wrong("loss_value", got=f"{got.item():.4f}", want=f"{want.item():.4f}")


def _loss_mistakes(chosen, rejected, margin, centering) -> list[tuple]:
    """(message key, the loss that this mistake gives), the frequent ones first."""
    import torch
    import torch.nn.functional as F

    shift = torch.zeros_like(chosen) if margin is None else margin
    gap = chosen - rejected
    centre = centering * ((chosen + rejected) ** 2).mean()
    right = -F.logsigmoid(gap - shift)
    return [
        ("swapped", -F.logsigmoid(-gap - shift).mean() + centre),
        ("swapped", -F.logsigmoid(-gap + shift).mean() + centre),
        ("sign", -right.mean() + centre),
        ("no_log", -torch.sigmoid(gap - shift).mean() + centre),
        ("no_log", 1 - torch.sigmoid(gap - shift).mean() + centre),
        ("summed", right.sum() + centre),
        ("margin_added", -F.logsigmoid(gap + shift).mean() + centre),
        ("margin_ignored", -F.logsigmoid(gap).mean() + centre),
        ("margin_outside", (-F.logsigmoid(gap) - shift).mean() + centre),
        ("margin_outside", (-F.logsigmoid(gap) + shift).mean() + centre),
        ("centering_ignored", right.mean()),
        ("centering_difference", right.mean() + centering * (gap**2).mean()),
        ("centering_each", right.mean() + centering * (chosen**2 + rejected**2).mean()),
        ("centering_mean", right.mean() + centering * (chosen + rejected).mean() ** 2),
        ("centering_not_squared", right.mean() + centering * (chosen + rejected).mean()),
        ("pairs_averaged", -F.logsigmoid(gap.mean() - shift.mean()) + centre),
        ("linear", -(gap - shift).mean() + centre),
    ]


# ---------------------------------------------------------------- grpo.loss


@checker("grpo.loss", pure=True)
def policy_loss(answer, reference):
    import torch

    made = torch.Generator().manual_seed(9)

    def case(rows, length, spread, short=True, **options):
        new, old, ref = (-2 * torch.rand(rows, length, generator=made) for _ in range(3))
        old, ref = new + spread * (old + 1), new + spread * (ref + 1)
        gains = torch.randn(rows, generator=made)
        lengths = torch.arange(rows) % length + 1 if short else torch.full((rows,), length)
        mask = (torch.arange(length) < lengths[:, None]).float()
        return (new, old, ref, gains, mask), options

    cases = [
        case(3, 4, 0.0, short=False),
        case(4, 6, 0.6, short=False),
        case(4, 6, 0.6, short=False, epsilon=0.05),
        case(3, 5, 0.4, short=False, beta=0.3),
        case(5, 7, 0.5),
        case(5, 7, 0.5, epsilon=0.1, beta=0.2),
    ]
    _advantages_flat(answer, reference, case(4, 4, 0.5, short=False)[0])
    for args, options in cases:
        got, want = answer(*args, **options), reference(*args, **options)
        if isinstance(got, float):
            raise Wrong("no_gradient")
        got = expect_shape(expect_type(got, torch.Tensor), (), "not_scalar")
        if bool((got - want).abs() < 1e-5):
            continue
        for key, value in _policy_mistakes(*args, **options):
            if bool((value - want).abs() > 1e-4) and bool((got - value).abs() < 1e-5):
                raise Wrong(key)
        raise Wrong("loss_value", got=f"{got.item():.4f}", want=f"{want.item():.4f}")
    args, options = cases[-1]
    slopes = []
    for function in (answer, reference):
        new = args[0].clone().requires_grad_()
        value = function(new, *args[1:], **options)
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            raise Wrong("no_gradient")
        slopes += torch.autograd.grad(value, new, allow_unused=True)
    if slopes[0] is None or not torch.allclose(*slopes, atol=1e-5):
        raise Wrong("no_gradient")


def _advantages_flat(answer, reference, square: tuple) -> None:
    """Raise Wrong if the advantages run along the tokens, for want of [:, None].

    Only as many answers as tokens let that pass without an error, so it is looked for there, before
    any other shape stops the answer with a RuntimeError about sizes.
    """
    import torch

    new, old, ref, gains, mask = square
    turned = new.T, old.T, ref.T, gains, mask.T  # here the right loss makes the same mistake
    values = reference(*turned), dict(_policy_mistakes(*turned))["no_clip"]
    got = answer(*square)
    scalar = isinstance(got, torch.Tensor) and got.shape == ()
    if scalar and any(bool((got - value).abs() < 1e-5) for value in values):
        raise Wrong("advantages_flat")


def _policy_mistakes(new, old, ref, gains, mask, epsilon=0.2, beta=0.0) -> list[tuple]:
    """(message key, the loss that this mistake gives), the frequent ones first."""
    import torch

    gains = gains[:, None]
    ratio = (new - old).exp()
    clipped = ratio.clamp(1 - epsilon, 1 + epsilon)
    gain = torch.min(ratio * gains, clipped * gains)
    kl = (ref - new).exp() - (ref - new) - 1
    penalty = beta * kl

    def mean(values):
        return (values * mask).sum() / mask.sum()

    def estimate(other):
        return mean(beta * other - gain)

    rows = ((penalty - gain) * mask).sum(1) / mask.sum(1)
    log_ratio, log_clipped = new - old, (new - old).clamp(1 - epsilon, 1 + epsilon)
    back = (old - new).exp()
    return [
        ("sign", mean(penalty + gain)),
        ("sign", -mean(penalty - gain)),
        ("max_for_min", mean(penalty - torch.max(ratio * gains, clipped * gains))),
        ("no_clip", mean(penalty - ratio * gains)),
        ("clip_alone", mean(penalty - clipped * gains)),
        ("not_exponentiated", mean(penalty - log_ratio * gains)),
        ("not_exponentiated", mean(penalty - torch.min(log_ratio * gains, log_clipped * gains))),
        (
            "ratio_upside_down",
            mean(penalty - torch.min(back * gains, back.clamp(1 - epsilon, 1 + epsilon) * gains)),
        ),
        ("padding_counted", (penalty - gain).mean()),
        ("padding_divides", ((penalty - gain) * mask).mean()),
        ("mean_of_rows", rows.mean()),
        ("summed", ((penalty - gain) * mask).sum()),
        ("kl_sign", mean(-penalty - gain)),
        ("kl_reversed", estimate((new - ref).exp() - (new - ref) - 1)),
        ("kl_simple", estimate(new - ref)),
        ("kl_simple", estimate(ref - new)),
        ("kl_minus_one", estimate(kl + 1)),
        ("kl_ignored", mean(-gain)),
        ("kl_from_old", estimate((old - new).exp() - (old - new) - 1)),
    ]
