"""Rows of token ids in batches: sorted by length, padded, read by a model.

A batch of rows of like length wastes little on padding. What a row gets must not depend on its
neighbours, so padding is always masked.
"""

from __future__ import annotations

from collections.abc import Sequence

from smolcourse.errors import CourseError


def by_length(rows: Sequence[Sequence], size: int) -> list[list[int]]:
    """The indices of `rows`, shortest row first, in batches of `size`; equal lengths keep order.

    Raises `CourseError` for a size below 1.
    """
    if size < 1:
        raise CourseError("A batch holds at least one row, not {size}.", size=size)
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    return [order[at : at + size] for at in range(0, len(order), size)]


def padded(rows: Sequence[Sequence[int]], pad: int = 0, side: str = "right", device="cpu"):
    """(ids, mask), int64 tensors of shape (rows, longest row); the mask is 0 where `pad` stands.

    torch pads here and not `tokenizer.pad`, which refuses a tokenizer without a padding token.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    ids = [torch.tensor(row, dtype=torch.long) for row in rows]
    mask = [torch.ones_like(row) for row in ids]
    return (
        pad_sequence(ids, batch_first=True, padding_value=pad, padding_side=side).to(device),
        pad_sequence(mask, batch_first=True, padding_value=0, padding_side=side).to(device),
    )


def token_log_probs(model, rows: Sequence[Sequence[int]], batch_size: int = 16):
    """log p of every token but the first of each row, in nats: a list of floats for each row.

    `rows` are token ids without padding. The model is read in eval mode, in float32 from its
    logits on, and comes back in the mode it was in.
    """
    import torch

    found: list[list[float]] = [[] for _ in rows]
    training = model.training
    model.eval()
    try:
        for batch in by_length(rows, batch_size):
            batch = [index for index in batch if len(rows[index]) > 1]
            if not batch:
                continue
            ids, mask = padded([rows[index] for index in batch], device=model.device)
            with torch.no_grad():
                logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
                # torch's cross_entropy over the middle axis is off by up to 6e-5 nats for an
                # answer of 20 tokens (against float64), this by 2e-5.
                taken = logits.gather(2, ids[:, 1:, None])[..., 0] - logits.logsumexp(2)
            for index, values in zip(batch, taken.tolist(), strict=True):
                found[index] = values[: len(rows[index]) - 1]
    finally:
        model.train(training)
    return found
