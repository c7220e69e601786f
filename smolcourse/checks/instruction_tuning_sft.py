"""Checks of 1_instruction_tuning/supervised_fine_tuning (ids ``sft.*``)."""

from smolcourse.check import (
    Wrong,
    checker,
    compare_on,
    expect_close,
    expect_same,
    expect_shape,
    expect_type,
)

IGNORE = -100


@checker("sft.labels", pure=True)
def labels(answer, reference):
    cases = [
        ([5, 6, 7, 8], [0, 0, 1, 1]),
        ([1, 9, 9, 2, 1, 4, 2], [0, 0, 1, 1, 0, 1, 1]),
        ([3, 0, 3], [1, 1, 0]),
        ([4, 4], [0, 0]),
    ]

    def explain(args, got, want):
        ids, mask = args
        if not isinstance(got, list):
            return None
        if len(got) != len(ids):
            return "length"
        if got == ids:
            return "prompt_carries_loss"
        if got == [IGNORE if m else t for t, m in zip(ids, mask, strict=True)]:
            return "inverted"
        if got in (want[1:] + [IGNORE], [IGNORE] + want[:-1]):
            return "shifted"
        if [g for g, m in zip(got, mask, strict=True) if m] == [
            t for t, m in zip(ids, mask, strict=True) if m
        ]:
            return "not_minus_100"
        return None

    compare_on(answer, reference, cases, explain=explain)


@checker("sft.collate", pure=True)
def collate(answer, reference):
    import torch

    batches = [
        # The pad id is also a real token here: a mask made from values gives itself away.
        ([{"input_ids": [1, 5, 2], "labels": [-100, 5, 2]}, {"input_ids": [1, 2], "labels": [-100, 2]}], 2),
        ([{"input_ids": [7], "labels": [7]}, {"input_ids": [3, 4, 0, 6], "labels": [-100, -100, 0, 6]}], 0),
        ([{"input_ids": [9, 8], "labels": [-100, 8]}], 1),
    ]
    for rows, pad in batches:
        got = expect_type(answer(rows, pad), dict)
        want = reference(rows, pad)
        shape = tuple(want["input_ids"].shape)
        for name in ("input_ids", "labels", "attention_mask"):
            if name not in got:
                raise Wrong("missing_key", name=name)
            expect_type(got[name], torch.Tensor)
            expect_shape(got[name], shape)
            if got[name].is_floating_point():
                raise Wrong("not_integers", name=name)
        got = {name: got[name].long() for name in want}
        lengths = [len(row["input_ids"]) for row in rows]
        for i, length in enumerate(lengths):
            if length < shape[1]:
                ids, own = got["input_ids"][i], rows[i]["input_ids"]
                if ids[-length:].tolist() == own and ids[:length].tolist() != own:
                    raise Wrong("left_padding")
                tail = got["labels"][i, length:]
                if not bool((tail == IGNORE).all()):
                    raise Wrong("padding_carries_loss")
        if not torch.equal(got["labels"], want["labels"]):
            raise Wrong("end_masked")
        if not torch.equal(got["attention_mask"], want["attention_mask"]):
            if torch.equal(got["attention_mask"], (want["input_ids"] != pad).long()):
                raise Wrong("mask_from_values", pad=pad)
            raise Wrong("attention_mask")
        expect_same(got["input_ids"], want["input_ids"])


@checker("sft.loss")
def loss(answer, reference):
    import torch
    import torch.nn.functional as F

    made = torch.Generator().manual_seed(11)
    for rows, length, vocabulary in ((2, 6, 8), (3, 5, 11), (1, 9, 7)):
        logits = 2 * torch.randn(rows, length, vocabulary, generator=made)
        labels = torch.randint(0, vocabulary, (rows, length), generator=made)
        labels[:, :2] = IGNORE
        labels[0, -1] = IGNORE
        if rows > 1:
            labels[1, :-1] = IGNORE
        want = reference(logits, labels)
        got = expect_type(answer(logits, labels), torch.Tensor)
        expect_shape(got, ())
        if not bool((got - want).abs() < 1e-5):
            raise Wrong(_loss_mistake(got, logits, labels, F), got=f"{got.item():.4f}", want=f"{want.item():.4f}")
    logits = torch.randn(2, 4, 5, generator=made).requires_grad_()
    labels = torch.tensor([[IGNORE, 1, 2, 3], [IGNORE, 4, IGNORE, 0]])
    got = answer(logits, labels)
    if not isinstance(got, torch.Tensor) or not got.requires_grad:
        raise Wrong("no_gradient")


def _loss_mistake(got, logits, labels, F) -> str:
    flat = lambda x, y, **kw: F.cross_entropy(x.flatten(0, 1), y.flatten(), ignore_index=IGNORE, **kw)  # noqa: E731
    shifted = logits[:, :-1], labels[:, 1:]
    total = flat(*shifted, reduction="sum")
    means = [
        F.cross_entropy(x, y, ignore_index=IGNORE)
        for x, y in zip(*shifted, strict=True)
        if (y != IGNORE).any()
    ]
    known = {
        "not_shifted": flat(logits, labels),
        "shifted_backwards": flat(logits[:, 1:], labels[:, :-1]),
        "shifted_twice": flat(logits[:, :-2], labels[:, 2:]) if labels.shape[1] > 2 else None,
        "summed": total,
        "mean_over_all": total / labels[:, 1:].numel(),
        "mean_of_rows": sum(means) / len(means),
        "sign": -total / (labels[:, 1:] != IGNORE).sum(),
    }
    for name, value in known.items():
        if value is not None and bool((got - value).abs() < 1e-5):
            return name
    return "loss_value"


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
        ([2.0, 1.9], [2.0, 2.6]),
        ([2.0, 1.0], [1.0, 1.05]),
        ([2.0, 1.59], [2.0, 1.6]),
    ]

    def explain(args, got, want):
        names = ("diverging", "memorising", "too_slow", "healthy")
        if got not in names:
            return "unknown_name", {"got": str(got)}
        if want == "diverging" and any(not abs(v) < inf for v in args[0]):
            return "not_finite"
        if want == "memorising" and got == "too_slow":
            return "order"
        if want == "memorising":
            return "ignores_evaluation"
        if want == "healthy" and got == "memorising":
            return "small_rise"
        return "verdict", {"train": args[0], "eval": args[1], "want": want, "got": got}

    compare_on(answer, reference, cases, explain=explain)


@checker("sft.pack", pure=True)
def pack(answer, reference):
    cases = [
        ([5, 3, 4, 2], 7),
        ([1] * 12, 4),
        ([6, 6, 6], 6),
        ([2, 7, 3, 3, 5, 1, 4, 4, 6, 2], 8),
        ([9], 20),
        ([4, 4, 4, 3, 3, 3, 2, 2, 2, 8, 1], 9),
    ]
    for lengths, size in cases:
        bins = expect_type(answer(lengths, size), list)
        flat = []
        for group in bins:
            flat += expect_type(group, (list, tuple))
        if any(not isinstance(i, int) or not 0 <= i < len(lengths) for i in flat):
            raise Wrong("not_indices", lengths=lengths, got=bins)
        if len(set(flat)) < len(flat):
            raise Wrong("row_twice", lengths=lengths)
        if len(flat) < len(lengths):
            raise Wrong("row_lost", lengths=lengths)
        for group in bins:
            if sum(lengths[i] for i in group) > size:
                raise Wrong("too_full", size=size, total=sum(lengths[i] for i in group))
        enough = len(reference(lengths, size))
        used = sum(1 for group in bins if group)
        if used > enough:
            raise Wrong("too_many_bins", lengths=lengths, size=size, got=used, want=enough)
    try:
        answer([3, 9, 2], 8)
    except ValueError:
        return
    raise Wrong("long_row")


@checker("sft.style")
def style(answer, reference):
    rows = [
        ("What is the capital of France?", "Paris."),
        ("What is the capital of Japan?", "Tokyo."),
        ("Where is Kenya?", "Africa."),
        ("Where is Cuba?", "North America."),
        ("What is a young dog called?", "puppy."),
        ("What is the past tense of go?", "went."),
    ]
    seen = {}
    for question, short in rows:
        got = expect_type(answer(question, short), str)
        words = short.removesuffix(".")
        if words not in got:
            raise Wrong("answer_lost", want=words, got=got)
        if got.strip().removesuffix(".") == words:
            raise Wrong("unchanged")
        if len(got.split()) > 20:
            raise Wrong("too_long", count=len(got.split()))
        if answer(question, short) != got:
            raise Wrong("not_repeatable")
        seen[got] = short
    others = {words.removesuffix(".") for _, words in rows}
    for got, short in seen.items():
        if any(word in got for word in others - {short.removesuffix(".")}):
            raise Wrong("foreign_answer", got=got)
    expect_close(len(seen), len(rows), 0)
