"""Wrong and right answers to dpo.loss."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("dpo.loss")


def dpo(c, r, rc, rr, beta):
    return -F.logsigmoid(beta * ((c - rc) - (r - rr))).mean()


wrong("not_scalar")(lambda c, r, rc, rr, b: -F.logsigmoid(b * ((c - rc) - (r - rr))))
wrong("no_gradient")(lambda *a: dpo(*a).item())
wrong("no_gradient")(lambda c, r, *rest: dpo(c.detach(), r, *rest))
wrong("no_gradient")(lambda *a: dpo(*a).detach())
wrong("loss_value")(lambda c, r, rc, rr, b: dpo(c, r, rc, rr, b * 0.7))
wrong("return_type")(lambda *a: [dpo(*a)])
wrong("none")(lambda *a: None)
right(lambda c, r, rc, rr, b: F.softplus(-b * (c - r - rc + rr)).mean())
right(
    lambda c, r, rc, rr, b: torch.stack(
        [
            torch.logaddexp(torch.zeros(()), -b * (w - x - y + z))
            for w, x, y, z in zip(c, r, rc, rr, strict=True)
        ]
    ).mean()
)


@right
def _(chosen, rejected, ref_chosen, ref_rejected, beta):  # as a classifier of "chosen wins"
    rewards = beta * torch.stack([chosen - ref_chosen, rejected - ref_rejected], 1)
    return F.cross_entropy(rewards, torch.zeros(len(chosen), dtype=torch.long))
