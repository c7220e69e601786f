"""Wrong and right answers to dpo.log_probs."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("dpo.log_probs")


def steps(logits, ids):
    return logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]


def logp(logits, ids, mask):
    return (steps(logits, ids) * mask[:, 1:]).sum(1)


wrong("whole_batch")(lambda z, i, m: (steps(z, i) * m[:, 1:]).sum())
wrong("one_a_row")(lambda z, i, m: steps(z, i) * m[:, 1:])
wrong("log_prob_value")(lambda z, i, m: logp(z / 2, i, m))
wrong("no_gradient")(lambda z, i, m: logp(z.detach(), i, m))
wrong("none")(lambda z, i, m: None)
wrong("return_type")(lambda z, i, m: logp(z, i, m).tolist())


@wrong("no_gradient")
def _(logits, ids, mask):
    with torch.no_grad():
        return logp(logits, ids, mask)


@right
def _(logits, ids, mask):  # through cross-entropy
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return -(losses * mask[:, 1:]).sum(dim=-1)


@right
def _(logits, ids, mask):  # one token at a time
    totals = []
    for row, tokens, counts in zip(logits, ids, mask, strict=True):
        total = 0.0
        for t in range(1, len(tokens)):
            if counts[t]:
                total = total + row[t - 1].log_softmax(0)[tokens[t]]
        totals.append(total)
    return torch.stack(totals)


right(lambda z, i, m: steps(z, i).masked_fill(m[:, 1:] == 0, 0.0).sum(1))
wrong("unstable")(  # log(0) for improbable tokens
    lambda z, i, m: (
        (z[:, :-1].softmax(-1).log().gather(2, i[:, 1:, None])[..., 0]).masked_fill(
            m[:, 1:] == 0, 0.0
        )
    ).sum(1)
)
