"""Wrong and right answers to grpo.control."""

import torch
from answers import answers

wrong, right, good = answers("grpo.control")


def pay(scores, lengths, right, limit, price, floor, *, over=None, mistake=None, flip=False):
    """A parametrised answer; right as it stands."""
    over = over or (lambda n, limit: max(0, n - limit))
    rewards = []
    for score, length, is_right in zip(scores, lengths, right, strict=True):
        value = score - price * over(length, limit)
        rewards.append(
            value if bool(is_right) != flip else mistake(value, floor) if mistake else floor
        )
    return rewards


wrong("control_value")(lambda *a: [2 * v for v in pay(*a)])
wrong("control_value")(lambda *a: pay(*a)[:1])
wrong("return_type")(lambda *a: sum(pay(*a)))
wrong("none")(lambda *a: None)
right(pay)
right(lambda s, n, r, limit, price, floor: torch.where(
    torch.tensor(r), torch.tensor(s) - price * (torch.tensor(n) - limit).clamp(min=0), floor
).tolist())  # fmt: skip
