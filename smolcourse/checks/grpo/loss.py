"""grpo.loss: the clipped ratio times the advantage, a KL penalty, one mean over the real tokens."""

import torch

from smolcourse.checks.core import Seen, normal, seen_loss

pure = True


def cases(rng):
    def case(rows, length, spread, padded=True, **options):
        new = -2 * normal(rng, rows, length).abs()
        old, ref = (new + spread * normal(rng, rows, length) for _ in range(2))
        lengths = torch.full((rows,), length)
        if padded:
            lengths = torch.arange(rows) % length + 1
        mask = (torch.arange(length) < lengths[:, None]).float()
        tensors = {
            "new": new,
            "old": old,
            "ref": ref,
            "advantages": normal(rng, rows),
            "mask": mask,
        }
        return tensors | {"options": options}

    empty = case(2, 3, 0.3)
    empty["mask"] = torch.zeros_like(empty["mask"])
    return [
        # As many answers as tokens: only there advantages laid along the tokens are no error.
        case(4, 4, 0.5, padded=False),
        case(3, 4, 0.0, padded=False),
        case(4, 6, 0.6, padded=False),
        case(4, 6, 0.6, padded=False, epsilon=0.05),
        case(3, 5, 0.4, padded=False, beta=0.3),
        case(5, 7, 0.5),
        case(5, 7, 0.5, epsilon=0.1, beta=0.2),
        empty,  # no token at all: the loss is 0, not nan
    ]


def observe(answer, case):
    new = case["new"].clone().requires_grad_()
    rest = (case[name] for name in ("old", "ref", "advantages", "mask"))
    seen = seen_loss(answer(new, *rest, **case["options"]), {"new": new})
    return seen if bool(case["mask"].any()) else Seen(no_tokens=seen["loss_value"])


def _policy(gain=None, kl=None, mean=None, ratio=lambda new, old: (new - old).exp()):
    """A mistake: another gain(ratio, clipped ratio, advantage), divergence(new, old, ref) or mean."""

    def wrong(right, new, old, ref, advantages, mask, epsilon=0.2, beta=0.0):
        rho, a = ratio(new, old), advantages[:, None]
        cut = rho.clamp(1 - epsilon, 1 + epsilon)
        value = gain(rho, cut, a) if gain else torch.min(rho * a, cut * a)
        away = kl(new, old, ref) if kl else k3(new, ref)
        tokens = beta * away - value
        if mean:
            return mean(tokens, mask)
        return (tokens * mask).sum() / mask.sum().clamp(min=1)

    return wrong


def k3(new, ref):
    """The estimate of the divergence that is never negative (Schulman 2020)."""
    return (ref - new).exp() - (ref - new) - 1


def _square(wrong):
    """Laid along the tokens, advantages fit by chance only; elsewhere the right answer stands in."""

    def either(right, new, *rest, **options):
        fits = new.shape[0] == new.shape[1]
        return (wrong if fits else lambda right, *a, **o: right(*a, **o))(
            right, new, *rest, **options
        )

    return either


def _options(**fixed):
    """A mistake: an option is a fixed number whatever is asked for."""
    return lambda right, *tensors, **options: right(*tensors, **{**options, **fixed})


def _kl_over_padding(right, new, old, ref, advantages, mask, epsilon=0.2, beta=0.0):
    return right(new, old, ref, advantages, mask, epsilon) + beta * k3(new, ref).mean()


mistakes = {
    "sign": [
        lambda right, *case, **options: -right(*case, **options),
        lambda right, new, old, ref, a, mask, **options: right(new, old, ref, -a, mask, **options),
        _policy(gain=lambda rho, cut, a: -torch.min(rho * a, cut * a)),
    ],
    "max_for_min": _policy(gain=lambda rho, cut, a: torch.max(rho * a, cut * a)),
    "no_clip": _policy(gain=lambda rho, cut, a: rho * a),
    "clip_alone": _policy(gain=lambda rho, cut, a: cut * a),
    "clip_before_sign": _policy(gain=lambda rho, cut, a: torch.min(rho, cut) * a),
    "not_exponentiated": _policy(ratio=lambda new, old: new - old),
    "ratio_upside_down": _policy(ratio=lambda new, old: (old - new).exp()),
    "padding_counted": _policy(mean=lambda tokens, mask: tokens.mean()),
    "padding_divides": _policy(mean=lambda tokens, mask: (tokens * mask).mean()),
    "mean_of_rows": _policy(
        mean=lambda tokens, mask: ((tokens * mask).sum(1) / mask.sum(1).clamp(min=1)).mean()
    ),
    "summed": _policy(mean=lambda tokens, mask: (tokens * mask).sum()),
    "kl_sign": _policy(kl=lambda new, old, ref: -k3(new, ref)),
    "kl_reversed": _policy(kl=lambda new, old, ref: k3(ref, new)),
    "kl_simple": [
        _policy(kl=lambda new, old, ref: new - ref),
        _policy(kl=lambda n, o, ref: ref - n),
    ],
    "kl_squared": _policy(kl=lambda new, old, ref: (new - ref) ** 2 / 2),
    "kl_minus_one": _policy(kl=lambda new, old, ref: k3(new, ref) + 1),
    "kl_ignored": _options(beta=0.0),
    "kl_from_old": _policy(kl=lambda new, old, ref: k3(new, old)),
    "kl_times_ratio": _policy(kl=lambda new, old, ref: (new - old).exp() * k3(new, ref)),
    "kl_over_padding": _kl_over_padding,
    "old_ref_exchanged": lambda right, new, old, ref, *rest, **options: right(
        new, ref, old, *rest, **options
    ),
    "epsilon_fixed": [_options(epsilon=0.2), _options(epsilon=0.1)],
    "advantages_flat": [
        _square(_policy(gain=lambda rho, cut, a: torch.min(rho * a[:, 0], cut * a[:, 0]))),
        _square(_policy(gain=lambda rho, cut, a: rho * a[:, 0])),
    ],
    "no_tokens": lambda right, *case, **options: (
        right(*case, **options) if bool(case[4].any()) else right(*case, **options) * float("nan")
    ),
}
