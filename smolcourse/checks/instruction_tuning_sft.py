"""Checks of 1_instruction_tuning/supervised_fine_tuning (ids ``sft.*``)."""

import re

from smolcourse.check import (
    Wrong,
    checker,
    compare_on,
    expect_shape,
    expect_type,
)
from smolcourse.checks.words import holds

IGNORE = -100


@checker("sft.labels", pure=True)
def labels(answer, reference):
    cases = [
        ([5, 6, 7, 8], [0, 0, 1, 1]),
        ([1, 9, 9, 2, 1, 4, 2], [0, 0, 1, 1, 0, 1, 1]),
        ([3, 0, 3], [1, 1, 0]),  # 0 is a token like any other
        ([4, 4], [0, 0]),
    ]
    for args in cases:
        got = expect_type(answer(*args), (list, tuple))
        for item in got:
            if not isinstance(item, int):
                raise Wrong("not_integers", item=item, kind=type(item).__name__)

    def explain(args, got, want):
        (ids, mask), got = args, list(got)
        if len(got) != len(ids):
            return "length", {"got": len(got), "want": len(ids)}
        if got == ids:
            return "prompt_carries_loss"
        if got == [IGNORE if m else t for t, m in zip(ids, mask, strict=True)]:
            return "inverted"
        if got in (want[1:] + [IGNORE], [IGNORE] + want[:-1]):
            return "shifted"
        if got == [t if m and t else IGNORE for t, m in zip(ids, mask, strict=True)]:
            return "token_zero"
        start = mask.index(1) if 1 in mask else len(ids)
        if got == [IGNORE] * start + ids[start:]:
            return "later_turns"
        if all(g == t for g, t, m in zip(got, ids, mask, strict=True) if m):
            return "not_minus_100"
        return None

    compare_on(answer, reference, cases, explain=explain)


@checker("sft.collate", pure=True)
def collate(answer, reference):
    def row(ids, labels):
        return {"input_ids": ids, "labels": labels}

    batches = [
        # The pad id is also a real token here: a mask made from values gives itself away.
        ([row([1, 5, 2], [-100, 5, 2]), row([1, 2], [-100, 2])], 2),
        ([row([7], [7]), row([3, 4, 0, 6], [-100, -100, 0, 6])], 0),
        ([row([9, 8], [-100, 8])], 1),
        ([row([4, 6], [-100, 6]), row([5, 4, 8], [-100, 4, 8])], 7),
    ]
    for rows, pad in batches:
        _collate_case(expect_type(answer(rows, pad), dict), reference(rows, pad), rows, pad)


def _collate_case(got: dict, want: dict, rows: list[dict], pad: int) -> None:
    import torch

    shape = tuple(want["input_ids"].shape)
    for name in want:
        if name not in got:
            raise Wrong("missing_key", name=name)
        expect_type(got[name], torch.Tensor, "not_tensor", name=name)
        expect_shape(got[name], shape, "batch_shape", name=name)
    ids, labels, mask = (got[name].long() for name in ("input_ids", "labels", "attention_mask"))
    for row, row_ids, row_labels in zip(rows, ids, labels, strict=True):
        own = row["input_ids"]
        length = len(own)
        if length == shape[1]:
            continue
        if row_ids[-length:].tolist() == own and row_ids[:length].tolist() != own:
            raise Wrong("left_padding")
        if not bool((row_labels[length:] == IGNORE).all()):
            raise Wrong("padding_carries_loss")
    if not torch.equal(labels, want["labels"]):
        lost = (labels == IGNORE) & (want["labels"] != IGNORE)
        if bool(lost.any()) and bool((want["input_ids"][lost] == pad).all()):
            raise Wrong("end_masked")
        if bool(((want["labels"] == IGNORE) & (labels == want["input_ids"])).any()):
            raise Wrong("prompt_carries_loss")
        raise Wrong("labels_value", got=labels.tolist(), want=want["labels"].tolist())
    if not torch.equal(mask, want["attention_mask"]):
        if torch.equal(mask, (want["input_ids"] != pad).long()):
            raise Wrong("mask_from_values", pad=pad)
        if torch.equal(mask, 1 - want["attention_mask"]):
            raise Wrong("mask_inverted")
        if torch.equal(mask, (want["labels"] != IGNORE).long()):
            raise Wrong("mask_from_labels")
        raise Wrong("attention_mask")
    if not torch.equal(ids, want["input_ids"]):
        raise Wrong("ids_value", got=ids.tolist(), want=want["input_ids"].tolist())
    for name in want:  # last: what a batch means matters more than how it is stored
        if got[name].dtype != torch.int64:
            raise Wrong("not_int64", name=name, dtype=str(got[name].dtype))


@checker("sft.loss", pure=True)
def loss(answer, reference):
    import torch

    made = torch.Generator().manual_seed(11)
    for rows, length, vocabulary in ((2, 6, 8), (3, 5, 11), (1, 9, 7)):
        logits = 2 * torch.randn(rows, length, vocabulary, generator=made)
        labels = torch.randint(0, vocabulary, (rows, length), generator=made)
        labels[:, :2] = IGNORE
        labels[0, -1] = IGNORE
        if rows > 1:
            labels[1, :-1] = IGNORE
        _loss_value(answer, reference, logits, labels)
    # The first token's label is judged by nobody: no position comes before it.
    labels[:, 0] = 3
    _loss_value(answer, reference, logits, labels)

    logits = torch.randn(2, 4, 5, generator=made)
    labels = torch.tensor([[IGNORE, 1, 2, 3], [IGNORE, 4, IGNORE, 0]])
    slopes = []
    for function in (answer, reference):
        leaf = logits.clone().requires_grad_()
        got = function(leaf, labels)
        if not isinstance(got, torch.Tensor) or not got.requires_grad:
            raise Wrong("no_gradient")
        slopes += torch.autograd.grad(got, leaf, allow_unused=True)
    if slopes[0] is None or not torch.allclose(*slopes, atol=1e-5):
        raise Wrong("no_gradient")


def _loss_value(answer, reference, logits, labels) -> None:
    import torch

    want, got = reference(logits, labels), answer(logits, labels)
    if isinstance(got, float):
        raise Wrong("no_gradient")
    got = expect_shape(expect_type(got, torch.Tensor), (), "not_scalar")
    if bool((got - want).abs() < 1e-5):
        return
    for key, value in _loss_mistakes(logits, labels):
        if bool((got - value).abs() < 1e-5):
            raise Wrong(key)
    raise Wrong("loss_value", got=f"{got.item():.4f}", want=f"{want.item():.4f}")


def _loss_mistakes(logits, labels) -> list[tuple]:
    """(message key, the loss that this mistake gives), the frequent ones first."""
    import torch.nn.functional as F

    def mean(x, y):
        return F.cross_entropy(x.flatten(0, 1), y.flatten(), ignore_index=IGNORE)

    early, late = logits[:, :-1], labels[:, 1:]
    counted = (late != IGNORE).sum()
    total = mean(early, late) * counted
    pairs = zip(early, late, strict=True)
    means = [F.cross_entropy(x, y, ignore_index=IGNORE) for x, y in pairs if (y != IGNORE).any()]
    chosen = early.gather(2, late.clamp(min=0)[..., None])[..., 0][late != IGNORE]
    return [
        ("not_shifted", mean(logits, labels)),
        ("shifted_backwards", mean(logits[:, 1:], labels[:, :-1])),
        ("shifted_twice", mean(logits[:, :-2], labels[:, 2:])),
        ("wraps_around", mean(logits, labels.roll(-1, 1))),
        ("ignored_counted", mean(early, late.clamp(min=0))),
        ("summed", total),
        ("mean_over_all", total / late.numel()),
        ("mean_over_all", total / labels.numel()),
        ("mean_of_rows", sum(means) / len(means)),
        ("sign", -total / counted),
        ("softmax_twice", mean(early.softmax(-1), late)),
        ("no_softmax", -chosen.mean()),
    ]


@checker("sft.diagnose", pure=True)
def diagnose(answer, reference):
    nan, inf = float("nan"), float("inf")
    cases = [
        ([3.0, 1.0, 0.5], [3.0, 1.2, 1.9]),
        ([3.0, 1.0, 0.5], [3.0, 1.2, 0.9]),
        ([3.0, 2.95, 2.9], [3.0, 2.96, 2.93]),
        ([3.0, 4.0, 9.0], [3.0, 4.0, 9.0]),
        ([3.0, nan, 1.0], [3.0, 2.0, 1.0]),
        ([3.0, inf, 1.0], [3.0, 2.0, 1.0]),
        ([3.0, 1.0, nan], [3.0, 1.0, 1.0]),
        ([2.0, 5.0, 1.0], [2.0, 1.5, 1.0]),
        ([2.0, 1.5, 2.0], [2.0, 1.9, 2.0]),
        ([2.0, 1.9], [2.0, 2.6]),
        ([2.0, 1.0], [1.0, 1.05]),
        ([2.0, 1.59], [2.0, 1.6]),
    ]
    by_share = [  # the same rules for small and for large losses
        ([0.5, 0.35], [0.5, 0.45]),
        ([6.2, 5.5], [6.2, 5.5]),
        ([6.0, 3.0], [5.0, 5.3]),
        ([0.5, 0.1], [0.30, 0.36]),
    ]

    def explain(args, got, want):
        train, evaluation = args
        if got not in ("diverging", "memorising", "too_slow", "healthy"):
            return "unknown_name", {"got": str(got)}
        if args in by_share:
            return "shares", {"train": train, "eval": evaluation, "want": want, "got": got}
        if want == "diverging" and any(not abs(v) < inf for v in train):
            return "not_finite"
        if want == "memorising":
            return "order" if got == "too_slow" else "ignores_evaluation"
        if want != "diverging" and got == "memorising":
            return "small_rise"
        if want == "healthy" and got == "diverging":
            return "spike"
        return "verdict", {"train": train, "eval": evaluation, "want": want, "got": got}

    compare_on(answer, reference, cases + by_share, explain=explain)


@checker("sft.pack", pure=True)
def pack(answer, reference):
    cases = [
        ([5, 3, 4, 2], 7),
        ([1] * 12, 4),
        ([6, 6, 6], 6),
        ([9], 20),
        ([5, 1, 5, 9], 10),  # first fit without sorting needs a third bin
        ([7, 3, 2, 2, 4, 5], 8),  # so do worst fit and looking only at the last bin, sorted or not
        ([4, 4, 4, 3, 3, 3, 2, 2, 2, 8, 1], 9),
    ]
    for lengths, size in cases:
        try:
            bins = expect_type(answer(lengths, size), (list, tuple))
        except ValueError as error:
            if size not in lengths:
                raise  # a bug of another kind: the error's own words say more
            raise Wrong("refused", lengths=lengths, size=size) from error
        _pack_case(bins, lengths, size, enough=len(reference(lengths, size)))
    try:
        answer([3, 9, 2], 8)
    except ValueError:
        return
    except Exception as error:
        raise Wrong("long_row_error", got=type(error).__name__) from error
    raise Wrong("long_row")


def _pack_case(bins, lengths: list[int], size: int, enough: int) -> None:
    flat = []
    for group in bins:
        flat += expect_type(group, (list, tuple), "not_bins")
    if any(not isinstance(i, int) or not 0 <= i < len(lengths) for i in flat):
        raise Wrong("not_indices", lengths=lengths, got=bins)
    if len(set(flat)) < len(flat):
        raise Wrong("row_twice", lengths=lengths, got=bins)
    if len(flat) < len(lengths):
        raise Wrong("row_lost", lengths=lengths, got=bins)
    for group in bins:
        total = sum(lengths[i] for i in group)
        if total > size:
            ordered = sorted(lengths, reverse=True)
            if all(sum(ordered[i] for i in group) <= size for group in bins):
                raise Wrong("sorted_positions", lengths=lengths, got=bins)
            raise Wrong("too_full", size=size, total=total)
    used = sum(1 for group in bins if group)
    if used > enough:
        raise Wrong("too_many_bins", lengths=lengths, size=size, got=used, want=enough)


@checker("sft.style", pure=True)
def style(answer, reference):
    rows = [
        ("What is the capital of France?", "Paris."),
        ("What is the capital of Japan?", "Tokyo."),
        ("Where is Kenya?", "Africa."),
        ("Where is Cuba?", "North America."),
        ("What is a young dog called?", "puppy."),
        ("What is the past tense of go?", "went."),
    ]
    for question, short in rows:
        got = expect_type(answer(question, short), str)
        words = short.removesuffix(".")
        if words.lower() not in got.lower():
            raise Wrong("answer_lost", want=words, got=got)
        if got.strip().removesuffix(".") == words:
            raise Wrong("unchanged")
        if _words(got) > 20:
            raise Wrong("too_long", count=_words(got))
        if answer(question, short) != got:
            raise Wrong("not_repeatable")
        for _, other in rows:
            # As words of their own: "twenty" is not the past tense of go.
            if other != short and holds(got, other):
                raise Wrong("foreign_answer", got=got)


def _words(text: str) -> int:
    """How many words; Chinese has no spaces, so each of its characters counts as one."""
    return len(re.sub(r"([\u4e00-\u9fff])[^\w\s]*", r" \1 ", text).split())
