"""Wrong and right answers to sft.loss."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("sft.loss")


def mean(logits, labels, **options):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, **options)


def per_token(logits, labels):
    """Negative log-likelihood of each next token, and which of them count."""
    logits, labels = logits[:, :-1], labels[:, 1:]
    counts = labels != -100
    chosen = logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None]).squeeze(-1)
    return -chosen, counts


wrong("not_scalar")(lambda z, y: mean(z[:, :-1], y[:, 1:], reduction="none"))
wrong("loss_value")(lambda z, y: mean(z[:, :-1], y[:, 1:]) * 2)
wrong("loss_value")(lambda z, y: mean(z[:, :-1], y[:, 1:]).exp())
wrong("no_gradient")(lambda z, y: mean(z[:, :-1], y[:, 1:]).item())
wrong("no_gradient")(lambda z, y: mean(z[:, :-1], y[:, 1:]).detach())
wrong("no_gradient")(
    lambda z, y: torch.tensor(mean(z[:, :-1], y[:, 1:]).item(), requires_grad=True)
)
wrong("no_gradient")(lambda z, y: mean(z[:, :-1].detach(), y[:, 1:]) + 0 * z.sum())
wrong("exception")(lambda z, y: F.cross_entropy(z[:, :-1], y[:, 1:]))


@wrong("mutated")
def _(logits, labels):
    counts = labels[:, 1:] != -100
    labels[labels == -100] = 0
    chosen = logits[:, :-1].log_softmax(-1).gather(2, labels[:, 1:, None]).squeeze(-1)
    return -(chosen * counts).sum() / counts.sum()


right(lambda z, y: mean(z[:, :-1].double(), y[:, 1:]))
right(lambda z, y: F.cross_entropy(z[:, :-1].transpose(1, 2), y[:, 1:]))
right(lambda z, y: F.cross_entropy(z.flatten(0, 1), F.pad(y[:, 1:], (0, 1), value=-100).flatten()))


@right
def _(logits, labels):
    loss, counts = per_token(logits, labels)
    return loss[counts].mean()


@right
def _(logits, labels):  # one token at a time
    total, counted = 0.0, 0
    for row, wanted in zip(logits, labels, strict=True):
        for t in range(len(wanted) - 1):
            if wanted[t + 1] != -100:
                total = total + torch.logsumexp(row[t], 0) - row[t, wanted[t + 1]]
                counted += 1
    return total / counted
