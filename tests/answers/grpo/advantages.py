"""Wrong and right answers to grpo.advantages."""

import torch
from answers import answers

wrong, right, good = answers("grpo.advantages")

wrong("exception")(lambda r, size: r - r.view(-1, size).mean(1))
wrong("advantage_shape")(lambda r, size: good(r, size).view(-1, size))
wrong("not_finite")(lambda r, size: good(r, size).log())
wrong("advantage_value")(lambda r, size: 2 * good(r, size))
wrong("advantage_value")(  # another epsilon
    lambda r, size: good(r, size) * (1 if size == 1 else 1 + 1e-3)
)
wrong("return_type")(lambda r, size: good(r, size).tolist())
wrong("none")(lambda r, size: None)


@wrong("mutated")
def _(rewards, size):
    result = good(rewards, size)
    rewards -= rewards.mean()
    return result


right(lambda r, size: good(r.double(), size))  # of another precision


@right
def _(rewards, size):  # a loop over the groups
    parts = []
    for group in rewards.split(size):
        spread = group.std() if size > 1 else 0
        parts.append((group - group.mean()) / (spread + 1e-4))
    return torch.cat(parts)
