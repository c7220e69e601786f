"""Rows of token ids in batches: sorted by length, padded, read by a model.

A batch of rows of like length wastes little on padding. What a row gets must not depend on its
neighbours, so padding is always masked.
"""

from __future__ import annotations

from collections.abc import Sequence

from smolcourse.errors import CourseError

LOGITS = 2**27  # numbers at a time: 512 MiB in float32
PIECE = 2**22  # of them in float32, beside the model's own: 16 MiB


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
    logits on, and comes back in the mode it was in. Its logits, (rows, tokens, vocabulary), are by
    far the largest thing in memory, so no more than `LOGITS` numbers of them are made at a time:
    long rows come in smaller batches than `batch_size`, a very long one in several passes.
    """
    import torch

    found: list[list[float]] = [[] for _ in rows]
    vocabulary = getattr(model.config.get_text_config(), "vocab_size", None) or 1
    training = model.training
    model.eval()
    try:
        for batch in by_length(rows, batch_size):
            batch = [index for index in batch if len(rows[index]) > 1]
            if not batch:
                continue
            longest = len(rows[batch[-1]])  # shortest first
            size = max(1, LOGITS // (longest * vocabulary))
            for at in range(0, len(batch), size):
                part = batch[at : at + size]
                ids, mask = padded([rows[index] for index in part], device=model.device)
                with torch.no_grad():
                    for start, logits in _passes(model, ids, mask, LOGITS // vocabulary):
                        for index, row, scores in zip(part, ids, logits, strict=True):
                            wanted = row[start + 1 : start + 1 + len(scores)]
                            found[index] += _log_probs(scores[: len(wanted)], wanted)
        for row, values in zip(rows, found, strict=True):
            del values[max(len(row) - 1, 0) :]  # what stands behind a shorter row
    finally:
        model.train(training)
    return found


def _passes(model, ids, mask, most: int):
    """(first position, logits from there on), in one pass, or in several of up to `most` tokens.

    Later passes read the earlier tokens from the cache. Several are needed for a row of its own
    only; a prompt that PEFT learned would be read anew in each, so it is read in one.
    """
    length = ids.shape[1]
    learned = getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False)
    if len(ids) > 1 or length <= most or learned:
        logits = model(input_ids=ids, attention_mask=mask).logits
        yield 0, logits[:, -length:]  # a learned prompt has logits too, in front
        return
    cache = None
    for start in range(0, length, max(most, 1)):
        end = min(start + max(most, 1), length)
        output = model(
            input_ids=ids[:, start:end],
            attention_mask=mask[:, :end],
            past_key_values=cache,
            use_cache=True,
        )
        cache = output.past_key_values
        yield start, output.logits[:, start - end :]


def _log_probs(scores, wanted) -> list[float]:
    """log p of the tokens `wanted`, (tokens,), from logits (tokens, vocabulary), piece by piece."""
    found = []
    step = max(1, PIECE // scores.shape[1])
    for at in range(0, len(wanted), step):
        # torch's cross_entropy over the middle axis is off by up to 6e-5 nats for an
        # answer of 20 tokens (against float64), this by 2e-5.
        piece = scores[at : at + step].float()
        taken = piece.gather(1, wanted[at : at + step, None])[:, 0] - piece.logsumexp(1)
        found += taken.tolist()
    return found
