"""grpo.advantages: each reward less its group's mean, in the group's standard deviations."""

import torch

from smolcourse.checks.core import Wrong, expect_shape, expect_type, normal

pure = True
tolerance = 1e-4


def cases(rng):
    return [
        # As many groups as answers in one: only there a mean laid along the wrong axis is no error.
        (normal(rng, 4), 2),
        (normal(rng, 9), 3),
        (torch.tensor([1.0, 0.0, 5.0, 5.0]), 2),
        (torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]), 4),
        (normal(rng, 12) * 3 + 2, 3),
        (normal(rng, 16), 8),
        (torch.tensor([2.0, 2.0, 2.0, 0.25, 0.5, 0.75]), 3),
        (normal(rng, 5), 5),
        (normal(rng, 3), 1),  # alone in its group, an answer is neither better nor worse
    ]


def observe(answer, case):
    rewards, size = case
    got = expect_type(answer(rewards, size), torch.Tensor)
    return expect_shape(got, tuple(rewards.shape), "advantage_shape")


def judge(seen, wanted, case):
    rewards, size = case
    if torch.allclose(seen.double(), wanted.double(), atol=1e-4):
        return
    if size == 1:
        raise Wrong("group_of_one")
    if not bool(torch.isfinite(seen).all()):
        raise Wrong("not_finite")
    shown = ([round(v, 5) for v in tensor.tolist()[:6]] for tensor in (rewards, seen, wanted))
    raise Wrong("advantage_value", **dict(zip(("rewards", "got", "want"), shown, strict=True)))


def _grouped(change):
    """A mistake: `change(groups, mean, std, all rewards)` of shape (groups, size)."""

    def wrong(right, rewards, size):
        if size == 1:
            return right(rewards, size)
        groups = rewards.view(-1, size)
        mean, std = groups.mean(1, keepdim=True), groups.std(1, keepdim=True)
        return change(groups, mean, std, rewards).reshape(-1)

    return wrong


def _flat(mean: bool, std: bool):
    """A mistake: a mean or a std that was not kept as a column and runs along the rows."""

    def change(groups, middle, scale, rewards):
        middle = middle.flatten() if mean else middle
        return (groups - middle) / ((scale.flatten() if std else scale) + 1e-4)

    return _square(_grouped(change))


def _square(wrong):
    """Where the shapes don't fit it stops with an error; here the right answer stands in."""

    def either(right, rewards, size):
        fits = len(rewards) == size * size
        return wrong(right, rewards, size) if fits else right(rewards, size)

    return either


mistakes = {
    "whole_batch": _grouped(lambda g, m, s, r: (g - r.mean()) / (r.std() + 1e-4)),
    "not_scaled": _grouped(lambda g, m, s, r: g - m),
    "not_centred": _grouped(lambda g, m, s, r: g / (s + 1e-4)),
    "batch_std": _grouped(lambda g, m, s, r: (g - m) / (r.std() + 1e-4)),
    "population_std": _grouped(
        lambda g, m, s, r: (g - m) / (g.std(1, keepdim=True, correction=0) + 1e-4)
    ),
    "variance": _grouped(lambda g, m, s, r: (g - m) / (s**2 + 1e-4)),
    "no_epsilon": _grouped(lambda g, m, s, r: (g - m) / s),
    "sign": lambda right, rewards, size: -right(rewards, size),
    "interleaved": lambda right, rewards, size: (
        right(rewards.view(size, -1).T.reshape(-1), size).view(-1, size).T.reshape(-1)
    ),
    "no_keepdim": [_flat(True, True), _flat(True, False), _flat(False, True)],
    "group_of_one": lambda right, rewards, size: (
        right(rewards, size) if size > 1 else rewards * float("nan")
    ),
}
