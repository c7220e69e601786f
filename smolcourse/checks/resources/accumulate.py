"""resources.accumulate: several passes, one at a time, and the gradients of the mean per token."""

import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

from smolcourse.checks.core import Seen, Wrong, expect_type, integers, seeded

IGNORE = -100
VOCABULARY = 13


def cases(rng):
    kinds = [
        ([[1], [4, 5]], False, False),
        ([[2, 1], [7, 5], [1, 1]], False, False),
        ([[3, 3], [8, 2]], True, False),  # a label on the first token: the shift drops it
        ([[4], [0, 0], [2]], False, False),  # a batch without labels: its mean is nan
        ([[2, 5], [6, 1]], False, True),  # gradients of an earlier step are still there
        ([[4, 4]], False, False),
    ]
    seed = rng.randrange(1000)
    drawn = [
        {"batches": [_batch(rng, rows, firsts) for rows in counts], "stale": stale, "seed": seed}
        for counts, firsts, stale in kinds
    ]
    # Padded on the left: who calls the model without the mask lets it read the padding.
    left = [
        {k: v.flip(1) for k, v in _batch(rng, rows, False).items()} for rows in ([3, 6], [5, 1])
    ]
    return [*drawn, {"batches": left, "stale": False, "seed": seed}]


def _batch(rng, counts: list[int], firsts: bool) -> dict:
    """Rows with `counts` labels each; `firsts`: the first token has a label too."""
    ids = integers(rng, 1, VOCABULARY, len(counts), max(counts) + 2)
    labels, mask = torch.full_like(ids, IGNORE), torch.zeros_like(ids)
    for row, count in enumerate(counts):
        labels[row, 2 : 2 + count] = ids[row, 2 : 2 + count]
        mask[row, : 2 + count] = 1
        if firsts:
            labels[row, 0] = ids[row, 0]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class Toy(nn.Module):
    """A causal model with the face of transformers' models that counts what lives at one time."""

    def __init__(self, size: int = 6):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, size)
        self.mix = nn.Linear(size, size)
        self.head = nn.Linear(size, VOCABULARY)
        self.open, self.most_open, self.rows = 0, 0, []

    def forward(self, input_ids, attention_mask=None, labels=None, num_items_in_batch=None, **_):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        x = self.embed(input_ids) * mask[..., None]
        # Position t has seen the tokens up to t, but for the padding.
        x = x.cumsum(1) / mask.cumsum(1).clamp(min=1)[..., None]
        logits = self.head(torch.tanh(self.mix(x)))
        self.rows.append(len(input_ids))
        if logits.requires_grad:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            logits.register_hook(self.closed)
        loss = None
        if labels is not None:
            by_number = num_items_in_batch is not None
            loss = F.cross_entropy(
                logits[:, :-1].flatten(0, 1),
                labels[:, 1:].flatten(),
                ignore_index=IGNORE,
                reduction="sum" if by_number else "mean",
            )
            loss = loss / num_items_in_batch if by_number else loss
        return SimpleNamespace(logits=logits, loss=loss)

    def closed(self, gradient):
        self.open -= 1


def _model(seed: int) -> Toy:
    with seeded(seed):
        return Toy()


def _gradients(model):
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    return torch.cat([g.flatten() for g in grads])


def observe(answer, case):
    model, batches = _model(case["seed"]), case["batches"]
    if case["stale"]:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    loss = answer(model, batches)
    found = _gradients(model)
    if not bool(found.isfinite().all()) or isinstance(loss, float) and not math.isfinite(loss):
        raise Wrong("empty_batch")
    if not bool(found.any()) or case["stale"] and bool((found == 1).all()):
        raise Wrong("no_gradient")
    return Seen(gradient=found, loss=loss, rows=max(model.rows), alive=model.most_open)


def judge(seen, wanted, case):
    batches = case["batches"]
    got, want = seen["gradient"], wanted["gradient"]
    if not torch.allclose(got, want, atol=1e-5, rtol=1e-4):
        raise Wrong(_known(got, want, case))
    if len(batches) > 1 and seen["rows"] > max(len(batch["labels"]) for batch in batches):
        raise Wrong("one_big_batch")
    no_labels = any(not bool((b["labels"] != IGNORE).any()) for b in batches)
    if seen["alive"] > 1 and not no_labels:  # a pass without labels may do without backward
        raise Wrong("all_alive", count=seen["alive"])
    loss, right = expect_type(seen["loss"], (float, int)), wanted["loss"]
    if abs(loss - right) > 1e-4 * max(right, 1):
        raise Wrong("loss_value", got=f"{loss:.4f}", want=f"{right:.4f}")


def _known(found, right, case) -> str:
    """The key of the mistake that gives gradients of this direction, whatever their size."""
    if case["stale"] and torch.allclose(found - 1, right, atol=1e-5, rtol=1e-4):
        return "stale"
    batches, seed = case["batches"], case["seed"]

    def like(weigh, shift: int, some=batches) -> bool:
        model = _model(seed)
        for batch in some:
            (_losses(model, batch, shift).sum() * weigh(batch)).backward()
        return bool(torch.cosine_similarity(found, _gradients(model), dim=0) > 0.99999)

    if any(like(weigh, 0) for weigh in (lambda b: 1.0, lambda b: 1 / max(_count(b), 1))):
        return "not_shifted"
    if len(batches) > 1 and like(lambda b: 1.0, 1, batches[-1:]):
        return "only_the_last"
    return "gradient_value"


def _losses(model, batch, shift: int = 1):
    """Loss of each position, 0 where there is no label; shape (rows, length - shift)."""
    logits = model(batch["input_ids"], batch["attention_mask"]).logits
    return F.cross_entropy(
        logits[:, : logits.shape[1] - shift].transpose(1, 2),
        batch["labels"][:, shift:],
        ignore_index=IGNORE,
        reduction="none",
    )


def _count(batch, start: int = 1) -> int:
    return int((batch["labels"][:, start:] != IGNORE).sum())


def _passes(weigh, shift: int = 1, zero: bool = True, between: bool = False):
    """A mistake: pass by pass, the summed loss times `weigh(batch, batches)`."""

    def wrong(right, model, batches):
        if zero:
            model.zero_grad()
        total = 0.0
        for batch in batches:
            if between:
                model.zero_grad()
            loss = _losses(model, batch, shift).sum() * weigh(batch, batches)
            loss.backward()
            total += loss.item()
        return total

    return wrong


def _mean(batch, batches) -> float:
    return 1 / sum(map(_count, batches))


mistakes = {
    "mean_of_means": _passes(lambda b, bs: 1 / max(_count(b), 1) / len(bs)),
    "sum_of_means": _passes(lambda b, bs: 1 / max(_count(b), 1)),
    "summed": _passes(lambda b, bs: 1.0),
    "sum_over_passes": _passes(lambda b, bs: 1 / len(bs)),
    "counted_before_shift": _passes(lambda b, bs: 1 / sum(_count(c, 0) for c in bs)),
    "counted_padding": [
        _passes(lambda b, bs: 1 / sum(c["labels"][:, 1:].numel() for c in bs)),
        _passes(lambda b, bs: 1 / sum(int(c["attention_mask"].sum()) for c in bs)),
    ],
    "by_rows": _passes(lambda b, bs: 1 / sum(len(c["labels"]) for c in bs)),
    "divided_twice": _passes(lambda b, bs: _mean(b, bs) / len(bs)),
    "not_shifted": _passes(_mean, shift=0),
    "only_the_last": _passes(_mean, between=True),
    "stale": _passes(_mean, zero=False),
    "no_mask": lambda right, model, batches: right(
        model, [b | {"attention_mask": torch.ones_like(b["input_ids"])} for b in batches]
    ),
    "gradient_value": _passes(lambda b, bs: -_mean(b, bs)),
}
