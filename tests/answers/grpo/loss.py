"""Wrong and right answers to grpo.loss."""

import torch
from answers import answers

wrong, right, good = answers("grpo.loss")

wrong("not_scalar")(lambda new, *args, **o: good(new, *args, **o).expand(len(new)))
wrong("loss_value")(lambda *args, **options: 3 * good(*args, **options))
wrong("no_gradient")(lambda *args, **options: good(*args, **options).item())
wrong("no_gradient")(lambda new, *args, **o: good(new.detach(), *args, **o))
wrong("none")(lambda *args, **options: None)


@right
def _(new, old, ref, advantages, mask, epsilon=0.2, beta=0.0):  # the real tokens only, and where
    keep = mask.bool()
    if not keep.any():
        return 0 * new.sum()
    a = advantages[:, None].expand_as(new)[keep]
    new, old, ref = new[keep], old[keep], ref[keep]
    ratio = torch.exp(new - old)
    limit = torch.where(a > 0, torch.tensor(1 + epsilon), torch.tensor(1 - epsilon))
    bounded = torch.where(a > 0, torch.minimum(ratio, limit), torch.maximum(ratio, limit))
    kl = torch.exp(ref - new) + new - ref - 1
    return -(bounded * a).mean() + beta * kl.mean()
