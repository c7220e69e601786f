"""Wrong and right answers to orpo.average."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("orpo.average")


def per_token(logits, labels):
    """Log-probability of each next token, and which of them belong to the answer."""
    logits, labels = logits[:, :-1], labels[:, 1:]
    counts = labels != -100
    return logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None]).squeeze(-1), counts


def mean(logits, labels):
    values, counts = per_token(logits, labels)
    return (values * counts).sum(1) / counts.sum(1)


def padded(logits, labels):
    """One position more at the end, so that `mean` shifts by one less than it should."""
    return F.pad(logits, (0, 0, 0, 1)), F.pad(labels, (1, 0), value=-100)


def divided(by):
    def function(logits, labels):
        values, counts = per_token(logits, labels)
        return (values * counts).sum(1) / by(labels, counts)

    return function


wrong("average_value")(divided(lambda labels, counts: counts.sum(1) + 1))
wrong("one_number")(lambda z, y: mean(z, y).mean())
wrong("one_number")(
    lambda z, y: -F.cross_entropy(z[:, :-1].flatten(0, 1), y[:, 1:].flatten()).item()
)
wrong("no_gradient")(lambda z, y: mean(z, y).detach())
wrong("return_type")(lambda z, y: mean(z, y).tolist())
wrong("shape")(lambda z, y: mean(z, y)[:, None])
wrong("exception")(lambda z, y: z[:, :-1].log_softmax(-1).gather(2, y))


@wrong("mutated")
def _(logits, labels):
    counts = labels[:, 1:] != -100
    labels[labels == -100] = 0
    values = logits[:, :-1].log_softmax(-1).gather(2, labels[:, 1:, None]).squeeze(-1)
    return (values * counts).sum(1) / counts.sum(1)


right(lambda z, y: mean(z.double(), y))
right(lambda z, y: mean(*padded(z, y.roll(-1, 1))))


@right
def _(logits, labels):  # row by row
    values, counts = per_token(logits, labels)
    return torch.stack([v[c].mean() for v, c in zip(values, counts, strict=True)])


@right
def _(logits, labels):  # cross-entropy, not reduced
    loss = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none")
    return -loss.sum(1) / (labels[:, 1:] != -100).sum(1)
