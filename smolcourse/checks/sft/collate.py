"""sft.collate: padding on the right that carries no loss and is not looked at."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type

IGNORE = -100
NAMES = ("input_ids", "labels", "attention_mask")
pure = True


def cases(rng):
    def row(ids, prompt):
        return {"input_ids": ids, "labels": [IGNORE] * prompt + ids[prompt:]}

    drawn = [rng.randrange(3, 9) for _ in range(6)]
    return [
        # The pad id is also a real token here: a mask made from values gives itself away.
        ([row([1, 5, 2], 1), row([1, 2], 1)], 2),
        ([row([7], 0), row([3, 4, 0, 6], 2)], 0),
        ([row([9, 8], 1)], 1),
        ([row(drawn[:2], 1), row([*drawn[2:], 1], 2)], 2),
    ]


def observe(answer, case):
    rows, pad = case
    batch = expect_type(answer(rows, pad), dict)
    shape = len(rows), max(len(row["input_ids"]) for row in rows)
    for name in NAMES:
        if name not in batch:
            raise Wrong("missing_key", name=name)
        expect_type(batch[name], torch.Tensor, "not_tensor", name=name)
        expect_shape(batch[name], shape, "batch_shape", name=name)
    dtypes = {name: str(batch[name].dtype) for name in NAMES}
    return Seen({name: batch[name].long() for name in NAMES} | {"dtypes": dtypes})


def judge(seen, wanted, case):
    rows, pad = case
    ids, labels, mask = (seen[name] for name in NAMES)
    right = wanted["labels"]
    for row, row_ids, row_labels in zip(rows, ids, labels, strict=True):
        own = row["input_ids"]
        if len(own) == len(row_ids):
            continue
        if row_ids[-len(own) :].tolist() == own and row_ids[: len(own)].tolist() != own:
            raise Wrong("left_padding")
        if not bool((row_labels[len(own) :] == IGNORE).all()):
            raise Wrong("padding_carries_loss")
    if not torch.equal(labels, right):
        lost = (labels == IGNORE) & (right != IGNORE)
        if bool(lost.any()) and bool((wanted["input_ids"][lost] == pad).all()):
            raise Wrong("end_masked")
        if bool(((right == IGNORE) & (labels == wanted["input_ids"])).any()):
            raise Wrong("prompt_carries_loss")
        raise Wrong("labels_value", got=labels.tolist(), want=right.tolist())
    if not torch.equal(mask, wanted["attention_mask"]):
        raise Wrong("attention_mask")
    if not torch.equal(ids, wanted["input_ids"]):
        raise Wrong("ids_value", got=ids.tolist(), want=wanted["input_ids"].tolist())
    for name, dtype in seen["dtypes"].items():  # last: what a batch means matters more
        if dtype != "torch.int64":
            raise Wrong("not_int64", name=name, dtype=dtype)


def _changed(name, change):
    """A mistake: the right batch with one tensor changed by `change(batch, pad)`."""
    return lambda right, rows, pad: (batch := right(rows, pad)) | {name: change(batch, pad)}


mistakes = {
    "end_masked": _changed(
        "labels", lambda b, pad: b["labels"].masked_fill(b["input_ids"] == pad, IGNORE)
    ),
    "prompt_carries_loss": _changed(
        "labels", lambda b, pad: b["input_ids"].masked_fill(b["attention_mask"] == 0, IGNORE)
    ),
    "labels_value": _changed("labels", lambda b, pad: b["labels"].clamp(max=IGNORE)),
    "mask_from_values": _changed("attention_mask", lambda b, pad: (b["input_ids"] != pad).long()),
    "mask_from_labels": _changed("attention_mask", lambda b, pad: (b["labels"] != IGNORE).long()),
    "mask_inverted": _changed("attention_mask", lambda b, pad: 1 - b["attention_mask"]),
    "attention_mask": _changed("attention_mask", lambda b, pad: b["attention_mask"] * 0 + 1),
    "ids_value": lambda right, rows, pad: right(rows, 0),
    "not_int64": [
        _changed("attention_mask", lambda b, pad: b["attention_mask"] > 0),
        _changed("labels", lambda b, pad: b["labels"].float()),
    ],
    "not_tensor": _changed("labels", lambda b, pad: b["labels"].tolist()),
}
