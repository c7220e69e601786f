"""Wrong and right answers to sft.labels, sft.collate and sft.loss, as learners write them."""

import torch
import torch.nn.functional as F

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- sft.labels


def each(function):
    """An answer that decides about one token and its mask at a time."""
    return lambda ids, mask: [function(t, on) for t, on in zip(ids, mask, strict=True)]


wrong("sft.labels", "prompt_carries_loss")(lambda ids, mask: list(ids))
wrong("sft.labels", "inverted")(each(lambda t, on: -100 if on else t))
wrong("sft.labels", "not_minus_100")(each(lambda t, on: t * on))
wrong("sft.labels", "not_minus_100")(each(lambda t, on: t if on else -1))
wrong("sft.labels", "not_integers")(each(lambda t, on: t if on else None))
wrong("sft.labels", "not_integers")(lambda ids, m: [float(t) for t in ids])
wrong("sft.labels", "length")(lambda ids, m: [t for t, on in zip(ids, m) if on])  # noqa: B905
wrong("sft.labels", "token_zero")(each(lambda t, on: t * on or -100))
wrong("sft.labels", "return_type")(
    lambda ids, m: torch.tensor(ids).where(torch.tensor(m) > 0, -100)
)
wrong("sft.labels", "none")(lambda ids, m: print(ids))
wrong("sft.labels", "value")(each(lambda t, on: t + 1 if on else -100))


@wrong("sft.labels", "later_turns")
def _(ids, mask):
    start = mask.index(1) if 1 in mask else len(ids)
    return [-100] * start + ids[start:]


@wrong("sft.labels", "shifted")
def _(ids, mask):
    labels = [t if on else -100 for t, on in zip(ids, mask, strict=True)]
    return labels[1:] + [-100]


@wrong("sft.labels", "mutated")
def _(ids, mask):
    for i, on in enumerate(mask):
        if not on:
            ids[i] = -100
    return ids


right("sft.labels")(lambda ids, m: tuple(each(lambda t, on: t if on == 1 else -100)(ids, m)))
right("sft.labels")(lambda ids, m: torch.tensor(ids).where(torch.tensor(m) > 0, -100).tolist())
right("sft.labels")(each(lambda t, on: t * on - 100 * (1 - on)))
right("sft.labels")(lambda ids, m: (ids[i] if m[i] else -100 for i in range(len(ids))))


@right("sft.labels")
def _(input_ids, assistant_mask):
    labels = input_ids[:]
    for i in range(len(labels)):
        if not assistant_mask[i]:
            labels[i] = -100
    return labels


# ---------------------------------------------------------------- sft.collate


def padded(rows, pad, label=-100, left=False):
    """A parametrised collator; right as it stands."""
    n = max(len(row["input_ids"]) for row in rows)

    def fill(values, value):
        extra = [value] * (n - len(values))
        return extra + values if left else values + extra

    return {
        "input_ids": torch.tensor([fill(row["input_ids"], pad) for row in rows]),
        "labels": torch.tensor([fill(row["labels"], label) for row in rows]),
        "attention_mask": torch.tensor([fill([1] * len(row["input_ids"]), 0) for row in rows]),
    }


def changed(change):
    """`padded`, with its result changed by `change(batch, rows, pad)`."""

    def collate(rows, pad):
        batch = padded(rows, pad)
        return change(batch, rows, pad) or batch

    return collate


def put(name, value):
    return changed(lambda batch, rows, pad: batch.__setitem__(name, value(batch, rows, pad)))


@wrong("sft.collate", "padding_carries_loss")
def _(rows, pad_token_id):  # the notebook's own draft
    longest = max(len(row["input_ids"]) for row in rows)
    pad = lambda ids: ids + [pad_token_id] * (longest - len(ids))  # noqa: E731
    ids = torch.tensor([pad(row["input_ids"]) for row in rows])
    labels = torch.tensor([pad(row["labels"]) for row in rows])
    return {"input_ids": ids, "labels": labels, "attention_mask": ids != pad_token_id}


wrong("sft.collate", "padding_carries_loss")(lambda rows, pad: padded(rows, pad, label=pad))
wrong("sft.collate", "padding_carries_loss")(lambda rows, pad: padded(rows, pad, label=0))
wrong("sft.collate", "left_padding")(lambda rows, pad: padded(rows, pad, left=True))
wrong("sft.collate", "end_masked")(
    put("labels", lambda b, rows, pad: b["labels"].masked_fill(b["input_ids"] == pad, -100))
)
wrong("sft.collate", "prompt_carries_loss")(
    put("labels", lambda b, r, pad: b["input_ids"].masked_fill(b["attention_mask"] == 0, -100))
)
wrong("sft.collate", "labels_value")(
    put("labels", lambda b, rows, pad: b["labels"].clamp(max=-100))
)
wrong("sft.collate", "mask_from_values")(
    put("attention_mask", lambda b, rows, pad: (b["input_ids"] != pad).long())
)
wrong("sft.collate", "mask_from_labels")(
    put("attention_mask", lambda b, rows, pad: (b["labels"] != -100).long())
)
wrong("sft.collate", "mask_inverted")(
    put("attention_mask", lambda b, rows, pad: 1 - b["attention_mask"])
)
wrong("sft.collate", "attention_mask")(
    put("attention_mask", lambda b, rows, pad: torch.ones_like(b["input_ids"]))
)
wrong("sft.collate", "ids_value")(lambda rows, pad: padded(rows, 0))
wrong("sft.collate", "not_int64")(put("attention_mask", lambda b, r, p: b["attention_mask"] > 0))
wrong("sft.collate", "not_int64")(put("labels", lambda b, rows, pad: b["labels"].float()))
wrong("sft.collate", "not_tensor")(put("labels", lambda b, rows, pad: b["labels"].tolist()))
wrong("sft.collate", "missing_key")(
    changed(lambda b, r, p: {name: b[name] for name in ("input_ids", "labels")})
)
wrong("sft.collate", "return_type")(lambda rows, pad: tuple(padded(rows, pad).values()))


@wrong("sft.collate", "batch_shape")
def _(rows, pad):  # to a fixed length
    return {name: F.pad(t, (0, 16 - t.shape[1])) for name, t in padded(rows, pad).items()}


@wrong("sft.collate", "mutated")
def _(rows, pad):
    n = max(len(row["input_ids"]) for row in rows)
    mask = [[1] * len(row["input_ids"]) + [0] * (n - len(row["input_ids"])) for row in rows]
    for row in rows:
        row["labels"] += [-100] * (n - len(row["labels"]))
        row["input_ids"] += [pad] * (n - len(row["input_ids"]))
    batch = {name: torch.tensor([row[name] for row in rows]) for name in ("input_ids", "labels")}
    return batch | {"attention_mask": torch.tensor(mask)}


right("sft.collate")(padded)
right("sft.collate")(lambda rows, pad: padded(rows, pad) | {"position_ids": None})


@right("sft.collate")
def _(rows, pad):
    from torch.nn.utils.rnn import pad_sequence

    def stack(lists, value):
        return pad_sequence([torch.tensor(x) for x in lists], batch_first=True, padding_value=value)

    ids = [row["input_ids"] for row in rows]
    return {
        "input_ids": stack(ids, pad),
        "labels": stack([row["labels"] for row in rows], -100),
        "attention_mask": stack([[1] * len(row) for row in ids], 0),
    }


@right("sft.collate")
def _(rows, pad):
    shape = len(rows), max(len(row["input_ids"]) for row in rows)
    ids, labels = torch.full(shape, pad), torch.full(shape, -100)
    for i, row in enumerate(rows):
        ids[i, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
        labels[i, : len(row["labels"])] = torch.tensor(row["labels"])
    lengths = torch.tensor([[len(row["input_ids"])] for row in rows])
    mask = (torch.arange(shape[1]) < lengths).long()
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


@right("sft.collate")
def _(rows, pad):
    from transformers import BatchEncoding

    return BatchEncoding(padded(rows, pad))


# ---------------------------------------------------------------- sft.loss


def mean(logits, labels, **options):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, **options)


def per_token(logits, labels):
    """Negative log-likelihood of each next token, and which of them count."""
    logits, labels = logits[:, :-1], labels[:, 1:]
    counts = labels != -100
    chosen = logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None]).squeeze(-1)
    return -chosen, counts


wrong("sft.loss", "not_shifted")(mean)
wrong("sft.loss", "shifted_backwards")(lambda z, y: mean(z[:, 1:], y[:, :-1]))
wrong("sft.loss", "shifted_twice")(lambda z, y: mean(z[:, :-2], y[:, 2:]))
wrong("sft.loss", "wraps_around")(lambda z, y: mean(z, y.roll(-1, dims=1)))
wrong("sft.loss", "ignored_counted")(lambda z, y: per_token(z, y)[0].mean())
wrong("sft.loss", "summed")(lambda z, y: mean(z[:, :-1], y[:, 1:], reduction="sum"))
wrong("sft.loss", "not_scalar")(lambda z, y: mean(z[:, :-1], y[:, 1:], reduction="none"))
wrong("sft.loss", "mean_over_all")(lambda z, y: torch.mul(*per_token(z, y)).mean())
wrong("sft.loss", "mean_over_all")(lambda z, y: torch.mul(*per_token(z, y)).sum() / y.numel())
wrong("sft.loss", "sign")(lambda z, y: -mean(z[:, :-1], y[:, 1:]))
wrong("sft.loss", "softmax_twice")(lambda z, y: mean(z[:, :-1].softmax(-1), y[:, 1:]))
wrong("sft.loss", "no_softmax")(
    lambda z, y: F.nll_loss(z[:, :-1].flatten(0, 1), y[:, 1:].flatten())
)
wrong("sft.loss", "loss_value")(lambda z, y: mean(z[:, :-1], y[:, 1:]) * 2)
wrong("sft.loss", "loss_value")(lambda z, y: mean(z[:, :-1], y[:, 1:]).exp())
wrong("sft.loss", "no_gradient")(lambda z, y: mean(z[:, :-1], y[:, 1:]).item())
wrong("sft.loss", "no_gradient")(lambda z, y: mean(z[:, :-1], y[:, 1:]).detach())
wrong("sft.loss", "no_gradient")(
    lambda z, y: torch.tensor(mean(z[:, :-1], y[:, 1:]).item(), requires_grad=True)
)
wrong("sft.loss", "no_gradient")(lambda z, y: mean(z[:, :-1].detach(), y[:, 1:]) + 0 * z.sum())
wrong("sft.loss", "exception")(lambda z, y: F.cross_entropy(z[:, :-1], y[:, 1:]))


@wrong("sft.loss", "mean_of_rows")
def _(logits, labels):
    loss, counts = per_token(logits, labels)
    rows = [(x * c).sum() / c.sum() for x, c in zip(loss, counts, strict=True) if c.any()]
    return sum(rows) / len(rows)


@wrong("sft.loss", "mutated")
def _(logits, labels):
    counts = labels[:, 1:] != -100
    labels[labels == -100] = 0
    chosen = logits[:, :-1].log_softmax(-1).gather(2, labels[:, 1:, None]).squeeze(-1)
    return -(chosen * counts).sum() / counts.sum()


right("sft.loss")(lambda z, y: mean(z[:, :-1].double(), y[:, 1:]))
right("sft.loss")(lambda z, y: F.cross_entropy(z[:, :-1].transpose(1, 2), y[:, 1:]))
right("sft.loss")(
    lambda z, y: F.cross_entropy(z.flatten(0, 1), F.pad(y[:, 1:], (0, 1), value=-100).flatten())
)


@right("sft.loss")
def _(logits, labels):
    loss, counts = per_token(logits, labels)
    return loss[counts].mean()


@right("sft.loss")
def _(logits, labels):  # one token at a time
    total, counted = 0.0, 0
    for row, wanted in zip(logits, labels, strict=True):
        for t in range(len(wanted) - 1):
            if wanted[t + 1] != -100:
                total = total + torch.logsumexp(row[t], 0) - row[t, wanted[t + 1]]
                counted += 1
    return total / counted
