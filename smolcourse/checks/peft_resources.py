"""Checks of 3_parameter_efficient_finetuning/resource_strategies: arithmetic, passes, plans.

Those of its 4-bit exercises are in peft_resources_4bit.py.
"""

import math
from types import SimpleNamespace

from smolcourse.check import Wrong, checker, compare_on, expect_type

IGNORE = -100
STATES = {"sgd": 0, "momentum": 4, "adamw": 8, "adamw_8bit": 2}
PARTS = ("weights", "gradients", "optimizer")


@checker("resources.memory", pure=True)
def training_bytes(answer, reference):
    cases = [
        (0, 1000, 32, "adamw"),
        (3000, 1000, 32, "adamw"),
        (7000, 40, 16, "sgd"),
        (640, 3, 4.5, "adamw_8bit"),
        (8000, 200, 4, "momentum"),
        (0, 500, 16, "momentum"),
        (1600, 500, 8, "adamw"),
    ]
    for args in cases:
        got = expect_type(answer(*args), dict)
        for part in PARTS:
            if part not in got:
                raise Wrong("missing_part", part=part)
            expect_type(got[part], (int, float))
        for part, want in reference(*args).items():
            if abs(got[part] - want) > 1e-6 * max(want, 1):
                key = _memory_mistake(args, part, got[part], want)
                raise Wrong(key or "bytes", part=part, args=args, got=got[part], want=want)


def _memory_mistake(args, part, got, want) -> str | None:
    """The key of the mistake that gives `got` bytes for a part, if it is a known one."""
    frozen, trained, bits, optimizer = args
    everything = frozen + trained
    known = {
        "weights": [
            ("bits_not_bytes", frozen * bits + 4 * trained),
            ("bits_not_bytes", frozen * bits + 32 * trained),
            ("frozen_forgotten", 4 * trained),
            ("frozen_bits_ignored", 4 * everything),
            ("trained_in_few_bits", everything * bits / 8),
        ],
        "gradients": [
            ("frozen_has_gradients", 4 * everything),
            ("gradients_in_few_bits", trained * bits / 8),
            ("bits_not_bytes", 32 * trained),
        ],
        "optimizer": [
            ("sgd_has_no_state", 4 * trained if optimizer == "sgd" else -1),
            ("one_state", STATES[optimizer] // 2 * trained if "adamw" in optimizer else -1),
            ("eight_bits", 8 * trained if optimizer == "adamw_8bit" else -1),
            ("frozen_has_states", STATES[optimizer] * everything),
        ],
    }
    for key, value in known[part]:
        if abs(got - value) < 1e-6 * max(value, 1) and value != want:
            return key
    return None


@checker("resources.plan", pure=True)
def plan(answer, reference):
    even = {"weights": 10, "gradients": 10, "optimizer": 20, "row": 5}
    large = {"weights": 64, "gradients": 64, "optimizer": 128, "row": 16}
    cases = [
        (even, 8, 61),
        (even, 8, 79),  # seven rows would fit, but eight rows are not seven and one
        (even, 12, 62),
        (even, 8, 44),
        (even, 9, 43),
        (large, 16, 200),
        (large, 16, 90),
        (large, 16, 20),
        (large, 16, 10),
        (large, 7, 283),
        (even, 8, 80),  # exactly full
    ]
    names = ("full", "checkpointing", "lora", "qlora", "too big")
    for args in cases:
        got = expect_type(answer(*args), dict)
        for key in ("strategy", "rows", "passes"):
            if key not in got:
                raise Wrong("missing_part", part=key)
        if got["strategy"] not in names:
            raise Wrong("unknown_name", got=str(got["strategy"]))

    def explain(args, got, want):
        sizes, rows, budget = args
        facts = {"rows": rows, "budget": budget, "got": got, "want": want}
        mine, right = names.index(got["strategy"]), names.index(want["strategy"])
        if args == cases[-1] and got["rows"] < want["rows"]:  # all else was right
            return "exactly_full", facts
        if mine > right:
            return "too_late", facts
        if mine < right:
            return "does_not_fit", facts
        if want["strategy"] == "too big":
            return "too_big_has_no_rows", facts
        if not isinstance(got["rows"], int) or got["rows"] < 1 or got["rows"] > rows:
            return "split", facts
        if rows % got["rows"] or got["passes"] != rows // got["rows"]:
            return "not_a_divisor" if rows % got["rows"] else "split", facts
        if got["rows"] < want["rows"]:
            return "not_the_largest", facts
        return "does_not_fit", facts

    compare_on(answer, reference, cases, tol=1e-9, explain=explain)


def _toy_model(vocabulary: int = 13, size: int = 6):
    """A causal model with the face of transformers' models that counts what lives at one time."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Toy(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(vocabulary, size)
            self.mix = nn.Linear(size, size)
            self.head = nn.Linear(size, vocabulary)
            self.open, self.most_open, self.rows = 0, 0, []

        def forward(
            self, input_ids, attention_mask=None, labels=None, num_items_in_batch=None, **_
        ):
            x = self.embed(input_ids)
            weights = torch.arange(1, x.shape[1] + 1)[None, :, None]
            x = x.cumsum(1) / weights  # position t has seen the tokens up to t
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

    torch.manual_seed(5)
    return Toy()


def _toy_batches(counts, firsts: bool = False) -> list[dict]:
    """Batches whose rows have `counts` labels each; `firsts`: the first token has a label too."""
    import torch

    made = torch.Generator().manual_seed(sum(map(sum, counts)))
    batches = []
    for rows in counts:
        longest = max(rows) + 2
        ids = torch.randint(1, 13, (len(rows), longest), generator=made)
        labels, mask = torch.full_like(ids, IGNORE), torch.zeros_like(ids)
        for row, count in enumerate(rows):
            labels[row, 2 : 2 + count] = ids[row, 2 : 2 + count]
            mask[row, : 2 + count] = 1
            if firsts:
                labels[row, 0] = ids[row, 0]
        batches.append({"input_ids": ids, "attention_mask": mask, "labels": labels})
    return batches


def _gradients(model):
    import torch

    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
    return torch.cat([g.flatten() for g in grads])


@checker("resources.accumulate")
def accumulate(answer, reference):
    import torch

    cases = [
        ([[1], [4, 5]], False, False),
        ([[2, 1], [7, 5], [1, 1]], False, False),
        ([[3, 3], [8, 2]], True, False),  # a label on the first token: the shift drops it
        ([[4], [0, 0], [2]], False, False),  # a batch without labels: its mean is nan
        ([[2, 5], [6, 1]], False, True),  # gradients of an earlier step are still there
        ([[4, 4]], False, False),
    ]
    for counts, firsts, stale in cases:
        batches, models = _toy_batches(counts, firsts), (_toy_model(), _toy_model())
        if stale:
            for parameter in models[0].parameters():
                parameter.grad = torch.ones_like(parameter)
        got = answer(models[0], batches)
        want = reference(models[1], batches)
        model, right = models[0], _gradients(models[1])
        found = _gradients(model)
        if not found.isfinite().all() or isinstance(got, float) and not math.isfinite(got):
            raise Wrong("empty_batch")
        if not bool(found.any()) or stale and bool((found == 1).all()):
            raise Wrong("no_gradient")
        if not torch.allclose(found, right, atol=1e-5, rtol=1e-4):
            raise Wrong(_accumulate_mistake(found, right, batches, stale))
        if len(counts) > 1 and max(model.rows) > max(len(rows) for rows in counts):
            raise Wrong("one_big_batch")
        no_labels = any(sum(rows) == 0 for rows in counts)  # such a pass may do without backward
        if model.most_open > 1 and not no_labels:
            raise Wrong("all_alive", count=model.most_open)
        if abs(expect_type(got, (float, int)) - want) > 1e-4 * max(want, 1):
            raise Wrong("loss_value", got=f"{got:.4f}", want=f"{want:.4f}")


def _accumulate_mistake(found, right, batches, stale) -> str:
    """The key of the mistake that gives these gradients."""
    import torch
    import torch.nn.functional as F

    def gradients(weigh, shift: int = 1) -> torch.Tensor:
        """Of the sum of `weigh(losses, batch)` over the batches; losses of shape (rows, length)."""
        model = _toy_model()
        for batch in batches:
            logits = model(batch["input_ids"]).logits
            losses = F.cross_entropy(
                logits[:, : logits.shape[1] - shift].transpose(1, 2),
                batch["labels"][:, shift:],
                ignore_index=IGNORE,
                reduction="none",
            )
            weigh(losses, batch).backward()
        return _gradients(model)

    counts = [int((batch["labels"][:, 1:] != IGNORE).sum()) for batch in batches]
    total, passes = sum(counts), len(batches)
    unshifted = sum(int((batch["labels"] != IGNORE).sum()) for batch in batches)
    positions = sum(batch["labels"][:, 1:].numel() for batch in batches)
    real = sum(int(batch["attention_mask"].sum()) for batch in batches)

    def own(batch):
        return max(int((batch["labels"][:, 1:] != IGNORE).sum()), 1)

    known = [
        ("mean_of_means", lambda x, b: x.sum() / own(b) / passes),
        ("sum_of_means", lambda x, b: x.sum() / own(b)),
        ("summed", lambda x, b: x.sum()),
        ("sum_over_passes", lambda x, b: x.sum() / passes),
        ("counted_before_shift", lambda x, b: x.sum() / unshifted),
        ("counted_padding", lambda x, b: x.sum() / positions),
        ("counted_padding", lambda x, b: x.sum() / real),
        ("by_rows", lambda x, b: x.sum() / sum(len(c["labels"]) for c in batches)),
        ("divided_twice", lambda x, b: x.sum() / total / passes),
    ]
    for key, weigh in known:
        if torch.allclose(found, gradients(weigh), atol=1e-5, rtol=1e-4):
            return key
    for weigh in (lambda x, b: x.sum(), lambda x, b: x.sum() / own(b)):  # whatever it is divided by
        if torch.cosine_similarity(found, gradients(weigh, shift=0), dim=0) > 0.99999:
            return "not_shifted"
    if stale and torch.allclose(found - 1, right, atol=1e-5, rtol=1e-4):
        return "stale"
    model = _toy_model()  # only the last pass, whatever its weight
    last = batches[-1]
    model(last["input_ids"], labels=last["labels"]).loss.backward()
    only = _gradients(model)
    if torch.cosine_similarity(found, only, dim=0) > 0.99999:
        return "only_the_last"
    return "gradient_value"
