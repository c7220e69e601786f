"""Wrong and right answers to the computing exercises of dpo, as learners write them."""

import math

import torch
import torch.nn.functional as F

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- dpo.bradley_terry


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


wrong("dpo.bradley_terry", "swapped")(lambda a, b: sigmoid(b - a))
wrong("dpo.bradley_terry", "difference")(lambda a, b: a - b)
wrong("dpo.bradley_terry", "certain")(lambda a, b: float(a > b))
wrong("dpo.bradley_terry", "elo")(lambda a, b: 1 / (1 + 10 ** (b - a)))
wrong("dpo.bradley_terry", "not_logistic")(lambda a, b: math.exp(a - b))
wrong("dpo.bradley_terry", "share")(lambda a, b: a / (a + b))
wrong("dpo.bradley_terry", "overflow")(lambda a, b: 1 / (1 + math.exp(b - a)))
wrong("dpo.bradley_terry", "overflow")(lambda a, b: math.exp(a) / (math.exp(a) + math.exp(b)))
wrong("dpo.bradley_terry", "return_type")(lambda a, b: torch.sigmoid(torch.tensor(a - b)))
wrong("dpo.bradley_terry", "none")(lambda a, b: print(sigmoid(a - b)))
wrong("dpo.bradley_terry", "value")(lambda a, b: sigmoid((a - b) / 2))
wrong("dpo.bradley_terry", "constant")(lambda a, b: 0.731)

right("dpo.bradley_terry")(lambda a, b: torch.sigmoid(torch.tensor(a - b)).item())
right("dpo.bradley_terry")(lambda a, b: (1 + math.tanh((a - b) / 2)) / 2)
right("dpo.bradley_terry")(lambda a, b: math.exp(-max(0, b - a)) / (1 + math.exp(-abs(a - b))))

# ---------------------------------------------------------------- dpo.log_probs


def steps(logits, ids):
    return logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]


def logp(logits, ids, mask):
    return (steps(logits, ids) * mask[:, 1:]).sum(1)


wrong("dpo.log_probs", "prompt_counted")(lambda z, i, m: steps(z, i).sum(1))
wrong("dpo.log_probs", "averaged")(lambda z, i, m: logp(z, i, m) / m.sum(1))
wrong("dpo.log_probs", "averaged_over_all")(lambda z, i, m: (steps(z, i) * m[:, 1:]).mean(1))
wrong("dpo.log_probs", "not_shifted")(
    lambda z, i, m: (z.log_softmax(-1).gather(2, i[..., None])[..., 0] * m).sum(1)
)
wrong("dpo.log_probs", "mask_not_shifted")(lambda z, i, m: (steps(z, i) * m[:, :-1]).sum(1))
wrong("dpo.log_probs", "no_softmax")(
    lambda z, i, m: (z[:, :-1].gather(2, i[:, 1:, None])[..., 0] * m[:, 1:]).sum(1)
)
wrong("dpo.log_probs", "not_logs")(lambda z, i, m: (steps(z, i).exp() * m[:, 1:]).sum(1))
wrong("dpo.log_probs", "sign")(lambda z, i, m: -logp(z, i, m))
wrong("dpo.log_probs", "start_lost")(
    lambda z, i, m: (steps(z, i) * m[:, 1:] * m[:, :-1]).sum(1)  # both neighbours in the answer
)
wrong("dpo.log_probs", "whole_batch")(lambda z, i, m: (steps(z, i) * m[:, 1:]).sum())
wrong("dpo.log_probs", "one_a_row")(lambda z, i, m: steps(z, i) * m[:, 1:])
wrong("dpo.log_probs", "log_prob_value")(lambda z, i, m: logp(z / 2, i, m))
wrong("dpo.log_probs", "no_gradient")(lambda z, i, m: logp(z.detach(), i, m))
wrong("dpo.log_probs", "none")(lambda z, i, m: None)
wrong("dpo.log_probs", "return_type")(lambda z, i, m: logp(z, i, m).tolist())


@wrong("dpo.log_probs", "end_lost")
def _(logits, ids, mask):
    mask = mask.clone()
    for row in mask:
        row[row.nonzero()[-1]] = 0
    return logp(logits, ids, mask)


@wrong("dpo.log_probs", "no_gradient")
def _(logits, ids, mask):
    with torch.no_grad():
        return logp(logits, ids, mask)


@right("dpo.log_probs")
def _(logits, ids, mask):  # through cross-entropy
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return -(losses * mask[:, 1:]).sum(dim=-1)


@right("dpo.log_probs")
def _(logits, ids, mask):  # one token at a time
    totals = []
    for row, tokens, counts in zip(logits, ids, mask, strict=True):
        total = 0.0
        for t in range(1, len(tokens)):
            if counts[t]:
                total = total + row[t - 1].log_softmax(0)[tokens[t]]
        totals.append(total)
    return torch.stack(totals)


right("dpo.log_probs")(lambda z, i, m: steps(z, i).masked_fill(m[:, 1:] == 0, 0.0).sum(1))

# ---------------------------------------------------------------- dpo.loss


def dpo(c, r, rc, rr, beta):
    return -F.logsigmoid(beta * ((c - rc) - (r - rr))).mean()


wrong("dpo.loss", "swapped")(lambda c, r, rc, rr, b: dpo(r, c, rr, rc, b))
wrong("dpo.loss", "no_reference")(lambda c, r, rc, rr, b: -F.logsigmoid(b * (c - r)).mean())
wrong("dpo.loss", "reference_added")(
    lambda c, r, rc, rr, b: -F.logsigmoid(b * ((c + rc) - (r + rr))).mean()
)
wrong("dpo.loss", "reference_added")(
    lambda c, r, rc, rr, b: -F.logsigmoid(b * (c - rc - r - rr)).mean()
)
wrong("dpo.loss", "sides_added")(
    lambda c, r, rc, rr, b: -F.logsigmoid(b * ((c - rc) + (r - rr))).mean()
)
wrong("dpo.loss", "no_beta")(lambda c, r, rc, rr, b: dpo(c, r, rc, rr, 1))
wrong("dpo.loss", "beta_divides")(lambda c, r, rc, rr, b: dpo(c, r, rc, rr, 1 / b))
wrong("dpo.loss", "bracket")(lambda c, r, rc, rr, b: -F.logsigmoid(b * (c - rc) - (r - rr)).mean())
wrong("dpo.loss", "bracket")(lambda c, r, rc, rr, b: -F.logsigmoid((c - rc) - b * (r - rr)).mean())
wrong("dpo.loss", "beta_outside")(lambda c, r, rc, rr, b: b * dpo(c, r, rc, rr, 1))
wrong("dpo.loss", "sign")(lambda *a: -dpo(*a))
wrong("dpo.loss", "no_log")(
    lambda c, r, rc, rr, b: -torch.sigmoid(b * ((c - rc) - (r - rr))).mean()
)
wrong("dpo.loss", "no_log")(
    lambda c, r, rc, rr, b: (1 - torch.sigmoid(b * ((c - rc) - (r - rr)))).mean()
)
wrong("dpo.loss", "no_sigmoid")(lambda c, r, rc, rr, b: -(b * ((c - rc) - (r - rr))).mean())
wrong("dpo.loss", "mean_first")(
    lambda c, r, rc, rr, b: -F.logsigmoid(b * ((c - rc) - (r - rr)).mean())
)
wrong("dpo.loss", "chosen_only")(lambda c, r, rc, rr, b: -F.logsigmoid(b * (c - rc)).mean())
wrong("dpo.loss", "summed")(lambda c, r, rc, rr, b: -F.logsigmoid(b * ((c - rc) - (r - rr))).sum())
wrong("dpo.loss", "not_scalar")(lambda c, r, rc, rr, b: -F.logsigmoid(b * ((c - rc) - (r - rr))))
wrong("dpo.loss", "unstable")(
    lambda c, r, rc, rr, b: -torch.log(torch.sigmoid(b * ((c - rc) - (r - rr)))).mean()
)
wrong("dpo.loss", "unstable")(
    lambda c, r, rc, rr, b: torch.log(1 + torch.exp(-b * ((c - rc) - (r - rr)))).mean()
)
wrong("dpo.loss", "no_gradient")(lambda *a: dpo(*a).item())
wrong("dpo.loss", "no_gradient")(lambda c, r, *rest: dpo(c.detach(), r, *rest))
wrong("dpo.loss", "no_gradient")(lambda *a: dpo(*a).detach())
wrong("dpo.loss", "loss_value")(lambda c, r, rc, rr, b: dpo(c, r, rc, rr, b * 0.7))
wrong("dpo.loss", "return_type")(lambda *a: [dpo(*a)])
wrong("dpo.loss", "none")(lambda *a: None)

right("dpo.loss")(lambda c, r, rc, rr, b: F.softplus(-b * (c - r - rc + rr)).mean())
right("dpo.loss")(
    lambda c, r, rc, rr, b: torch.stack(
        [
            torch.logaddexp(torch.zeros(()), -b * (w - x - y + z))
            for w, x, y, z in zip(c, r, rc, rr, strict=True)
        ]
    ).mean()
)


@right("dpo.loss")
def _(chosen, rejected, ref_chosen, ref_rejected, beta):  # as a classifier of "chosen wins"
    rewards = beta * torch.stack([chosen - ref_chosen, rejected - ref_rejected], 1)
    return F.cross_entropy(rewards, torch.zeros(len(chosen), dtype=torch.long))


# ---------------------------------------------------------------- dpo.batch_loss


def both(model, batch, mask=None):
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return logp(logits, batch["input_ids"], batch["completion_mask"] if mask is None else mask)


def whole(policy, reference, batch, beta, *, cut=lambda x: x.chunk(2), mask=None, grad=False):
    """A parametrised answer; right as it stands."""
    mine = cut(both(policy, batch, mask))
    with torch.set_grad_enabled(grad and torch.is_grad_enabled()):
        theirs = cut(both(reference, batch, mask))
    return dpo(*mine, *theirs, beta)


wrong("dpo.batch_loss", "swapped")(lambda *a: whole(*a, cut=lambda x: x.chunk(2)[::-1]))
wrong("dpo.batch_loss", "interleaved")(lambda *a: whole(*a, cut=lambda x: (x[0::2], x[1::2])))
wrong("dpo.batch_loss", "swapped")(lambda p, r, b, beta: whole(r, p, b, beta))
wrong("dpo.batch_loss", "same_model")(lambda p, r, b, beta: whole(p, p, b, beta))
wrong("dpo.batch_loss", "no_reference")(
    lambda p, r, b, beta: -F.logsigmoid(beta * (lambda c, j: c - j)(*both(p, b).chunk(2))).mean()
)
wrong("dpo.batch_loss", "padding_counted")(
    lambda p, r, b, beta: whole(p, r, b, beta, mask=torch.ones_like(b["input_ids"]))
)
wrong("dpo.batch_loss", "fixed_beta")(lambda p, r, b, beta: whole(p, r, b, 0.1))
wrong("dpo.batch_loss", "reference_trains")(lambda *a: whole(*a, grad=True))
wrong("dpo.batch_loss", "no_gradient")(lambda *a: whole(*a).detach())
wrong("dpo.batch_loss", "no_gradient")(lambda *a: torch.no_grad()(whole)(*a))
wrong("dpo.batch_loss", "no_gradient")(lambda *a: whole(*a).item())
wrong("dpo.batch_loss", "not_scalar")(lambda p, r, b, beta: torch.stack([whole(p, r, b, beta)]))
wrong("dpo.batch_loss", "loss_value")(lambda p, r, b, beta: whole(p, r, b, beta) + 0.5)
wrong("dpo.batch_loss", "none")(lambda *a: None)
wrong("dpo.batch_loss", "exception")(lambda p, r, b, beta: whole(p, r, b["rows"], beta))


@wrong("dpo.batch_loss", "averaged")
def _(policy, reference, batch, beta):
    counts = batch["completion_mask"][:, 1:].sum(1)
    mine = (both(policy, batch) / counts).chunk(2)
    with torch.no_grad():
        theirs = (both(reference, batch) / counts).chunk(2)
    return dpo(*mine, *theirs, beta)


right("dpo.batch_loss")(whole)
right("dpo.batch_loss")(  # the prompt's tokens cancel: counting them changes nothing in DPO
    lambda p, r, b, beta: whole(p, r, b, beta, mask=b["attention_mask"])
)


@right("dpo.batch_loss")
def _(policy, reference, batch, beta):  # reference detached instead of no_grad
    chosen, rejected = both(policy, batch).chunk(2)
    ref_chosen, ref_rejected = both(reference, batch).detach().chunk(2)
    return dpo(chosen, rejected, ref_chosen, ref_rejected, beta)
