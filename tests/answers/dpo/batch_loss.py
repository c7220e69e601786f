"""Wrong and right answers to dpo.batch_loss."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("dpo.batch_loss")


def steps(logits, ids):
    return logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]


def logp(logits, ids, mask):
    return (steps(logits, ids) * mask[:, 1:]).sum(1)


def dpo(c, r, rc, rr, beta):
    return -F.logsigmoid(beta * ((c - rc) - (r - rr))).mean()


def both(model, batch, mask=None):
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return logp(logits, batch["input_ids"], batch["completion_mask"] if mask is None else mask)


def whole(policy, reference, batch, beta, *, cut=lambda x: x.chunk(2), mask=None, grad=False):
    """A parametrised answer; right as it stands."""
    mine = cut(both(policy, batch, mask))
    with torch.set_grad_enabled(grad and torch.is_grad_enabled()):
        theirs = cut(both(reference, batch, mask))
    return dpo(*mine, *theirs, beta)


wrong("reference_trains")(lambda *a: whole(*a, grad=True))
wrong("no_gradient")(lambda *a: whole(*a).detach())
wrong("no_gradient")(lambda *a: torch.no_grad()(whole)(*a))
wrong("no_gradient")(lambda *a: whole(*a).item())
wrong("not_scalar")(lambda p, r, b, beta: torch.stack([whole(p, r, b, beta)]))
wrong("loss_value")(lambda p, r, b, beta: whole(p, r, b, beta) + 0.5)
wrong("none")(lambda *a: None)
wrong("exception")(lambda p, r, b, beta: whole(p, r, b["rows"], beta))
right(whole)
right(  # the prompt's tokens cancel: counting them changes nothing in DPO
    lambda p, r, b, beta: whole(p, r, b, beta, mask=b["attention_mask"])
)


@right
def _(policy, reference, batch, beta):  # reference detached instead of no_grad
    chosen, rejected = both(policy, batch).chunk(2)
    ref_chosen, ref_rejected = both(reference, batch).detach().chunk(2)
    return dpo(chosen, rejected, ref_chosen, ref_rejected, beta)
