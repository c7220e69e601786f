"""Wrong and right answers to sft.collate."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("sft.collate")


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


@wrong("padding_carries_loss")
def _(rows, pad_token_id):  # the notebook's own draft
    batch = padded(rows, pad_token_id, label=pad_token_id)
    return batch | {"attention_mask": batch["input_ids"] != pad_token_id}


wrong("padding_carries_loss")(lambda rows, pad: padded(rows, pad, label=0))
wrong("left_padding")(lambda rows, pad: padded(rows, pad, left=True))
wrong("missing_key")(lambda rows, pad: {n: good(rows, pad)[n] for n in ("input_ids", "labels")})
wrong("return_type")(lambda rows, pad: tuple(good(rows, pad).values()))
wrong("batch_shape")(  # to a fixed length
    lambda rows, pad: {n: F.pad(t, (0, 16 - t.shape[1])) for n, t in good(rows, pad).items()}
)


@wrong("mutated")
def _(rows, pad):
    batch = good(rows, pad)
    for row in rows:
        row["labels"] += [-100] * (batch["labels"].shape[1] - len(row["labels"]))
    return batch


right(lambda rows, pad: good(rows, pad) | {"position_ids": None})


@right
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


@right
def _(rows, pad):
    shape = len(rows), max(len(row["input_ids"]) for row in rows)
    ids, labels = torch.full(shape, pad), torch.full(shape, -100)
    for i, row in enumerate(rows):
        ids[i, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
        labels[i, : len(row["labels"])] = torch.tensor(row["labels"])
    lengths = torch.tensor([[len(row["input_ids"])] for row in rows])
    mask = (torch.arange(shape[1]) < lengths).long()
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


@right
def _(rows, pad):
    from transformers import BatchEncoding

    return BatchEncoding(good(rows, pad))
