"""Wrong and right answers to sft.labels."""

import torch
from answers import answers

wrong, right, good = answers("sft.labels")


def each(function):
    """An answer that decides about one token and its mask at a time."""
    return lambda ids, mask: [function(t, on) for t, on in zip(ids, mask, strict=True)]


wrong("not_integers")(each(lambda t, on: t if on else None))
wrong("not_integers")(lambda ids, m: [float(t) for t in ids])
wrong("return_type")(lambda ids, m: torch.tensor(ids).where(torch.tensor(m) > 0, -100))
wrong("return_type")(lambda ids, m: tuple(good(ids, m)))  # `row["labels"] + [...]` needs a list
wrong("iterator")(lambda ids, m: (ids[i] if m[i] else -100 for i in range(len(ids))))
wrong("none")(lambda ids, m: print(ids))
wrong("value")(each(lambda t, on: t + 1 if on else -100))


@wrong("mutated")
def _(ids, mask):
    for i, on in enumerate(mask):
        if not on:
            ids[i] = -100
    return ids


right(lambda ids, m: torch.tensor(ids).where(torch.tensor(m) > 0, -100).tolist())
right(each(lambda t, on: t * on - 100 * (1 - on)))


@right
def _(input_ids, assistant_mask):
    labels = input_ids[:]
    for i in range(len(labels)):
        if not assistant_mask[i]:
            labels[i] = -100
    return labels
