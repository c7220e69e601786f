"""Wrong and right answers to resources.memory, resources.accumulate and resources.plan."""

import torch
import torch.nn.functional as F

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- resources.memory

STATES = {"sgd": 0, "momentum": 4, "adamw": 8, "adamw_8bit": 2}


def bytes_of(
    weights=lambda f, t, b: f * b / 8 + 4 * t,
    gradients=lambda f, t, b: 4 * t,
    states=STATES,
    states_of=lambda f, t: t,
):
    """A parametrised answer; right as it stands."""

    def answer(frozen, trained, bits, optimizer):
        return {
            "weights": weights(frozen, trained, bits),
            "gradients": gradients(frozen, trained, bits),
            "optimizer": states[optimizer] * states_of(frozen, trained),
        }

    return answer


wrong("resources.memory", "bits_not_bytes")(bytes_of(weights=lambda f, t, b: f * b + 32 * t))
wrong("resources.memory", "bits_not_bytes")(bytes_of(weights=lambda f, t, b: f * b + 4 * t))
wrong("resources.memory", "bits_not_bytes")(bytes_of(gradients=lambda f, t, b: 32 * t))
wrong("resources.memory", "frozen_forgotten")(bytes_of(weights=lambda f, t, b: 4 * t))
wrong("resources.memory", "frozen_forgotten")(
    bytes_of(weights=lambda f, t, b: f * (b // 8) + 4 * t)
)
wrong("resources.memory", "frozen_bits_ignored")(bytes_of(weights=lambda f, t, b: 4 * (f + t)))
wrong("resources.memory", "trained_in_few_bits")(bytes_of(weights=lambda f, t, b: (f + t) * b / 8))
wrong("resources.memory", "frozen_has_gradients")(bytes_of(gradients=lambda f, t, b: 4 * (f + t)))
wrong("resources.memory", "gradients_in_few_bits")(bytes_of(gradients=lambda f, t, b: t * b / 8))
wrong("resources.memory", "frozen_has_states")(bytes_of(states_of=lambda f, t: f + t))
wrong("resources.memory", "one_state")(bytes_of(states=STATES | {"adamw": 4}))
wrong("resources.memory", "one_state")(bytes_of(states=STATES | {"adamw_8bit": 1}))
wrong("resources.memory", "eight_bits")(bytes_of(states=STATES | {"adamw_8bit": 8}))
wrong("resources.memory", "sgd_has_no_state")(bytes_of(states=STATES | {"sgd": 4}))
wrong("resources.memory", "bytes")(bytes_of(states=STATES | {"momentum": 12}))
wrong("resources.memory", "bytes")(bytes_of(weights=lambda f, t, b: f * b / 8 + 8 * t))
wrong("resources.memory", "missing_part")(lambda f, t, b, o: {"weights": 4 * t, "gradients": 4 * t})
wrong("resources.memory", "return_type")(lambda f, t, b, o: 16 * t)

right("resources.memory")(bytes_of())
right("resources.memory")(
    bytes_of(weights=lambda f, t, b: int(f * b) // 8 + t * 4, gradients=lambda f, t, b: t * 32 // 8)
)
right("resources.memory")(lambda *args: bytes_of()(*args) | {"total": 0})

# ---------------------------------------------------------------- resources.accumulate


def summed(model, batch, shift=1):
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    labels = batch["labels"][:, shift:].flatten()
    logits = logits[:, : logits.shape[1] - shift].flatten(0, 1)
    return F.cross_entropy(logits, labels, reduction="sum")


def count(batches, start=1):
    return sum(int((batch["labels"][:, start:] != -100).sum()) for batch in batches)


def passes(weigh, zero=True, between=False, shift=1):
    """An answer that gives each pass `weigh(sum of losses, batch, batches)` and adds up."""

    def answer(model, batches):
        if zero:
            model.zero_grad()
        total = 0.0
        for batch in batches:
            if between:
                model.zero_grad()
            loss = weigh(summed(model, batch, shift), batch, batches)
            loss.backward()
            total += loss.item()
        return total

    return answer


wrong("resources.accumulate", "mean_of_means")(
    passes(lambda x, b, bs: x / max(count([b]), 1) / len(bs))
)
wrong("resources.accumulate", "sum_of_means")(passes(lambda x, b, bs: x / max(count([b]), 1)))
wrong("resources.accumulate", "summed")(passes(lambda x, b, bs: x))
wrong("resources.accumulate", "sum_over_passes")(passes(lambda x, b, bs: x / len(bs)))
wrong("resources.accumulate", "divided_twice")(passes(lambda x, b, bs: x / count(bs) / len(bs)))
wrong("resources.accumulate", "counted_before_shift")(passes(lambda x, b, bs: x / count(bs, 0)))
wrong("resources.accumulate", "counted_padding")(
    passes(lambda x, b, bs: x / sum(c["labels"][:, 1:].numel() for c in bs))
)
wrong("resources.accumulate", "counted_padding")(
    passes(lambda x, b, bs: x / sum(int(c["attention_mask"].sum()) for c in bs))
)
wrong("resources.accumulate", "by_rows")(
    passes(lambda x, b, bs: x / sum(len(c["labels"]) for c in bs))
)
wrong("resources.accumulate", "not_shifted")(passes(lambda x, b, bs: x / count(bs), shift=0))
wrong("resources.accumulate", "not_shifted")(passes(lambda x, b, bs: x / count(bs, 0), shift=0))
wrong("resources.accumulate", "not_shifted")(
    passes(lambda x, b, bs: x / max(count([b], 0), 1) / len(bs), shift=0)
)
wrong("resources.accumulate", "only_the_last")(passes(lambda x, b, bs: x / count(bs), between=True))
wrong("resources.accumulate", "stale")(passes(lambda x, b, bs: x / count(bs), zero=False))
wrong("resources.accumulate", "gradient_value")(passes(lambda x, b, bs: -x / count(bs)))
wrong("resources.accumulate", "gradient_value")(passes(lambda x, b, bs: 2.5 * x / count(bs)))


@wrong("resources.accumulate", "mean_of_means")
def _(model, batches):  # the notebook's own draft
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = model(**batch).loss / len(batches)
        loss.backward()
        total += loss.item()
    return total


@wrong("resources.accumulate", "empty_batch")
def _(model, batches):  # right, but for the batch without labels: nan * 0 is nan
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = model(**batch).loss * (count([batch]) / count(batches))
        loss.backward()
        total += loss.item()
    return total


@wrong("resources.accumulate", "one_big_batch")
def _(model, batches):
    model.zero_grad()
    longest = max(batch["labels"].shape[1] for batch in batches)
    fill = {"input_ids": 0, "attention_mask": 0, "labels": -100}
    big = {
        name: torch.cat(
            [F.pad(b[name], (0, longest - b[name].shape[1]), value=value) for b in batches]
        )
        for name, value in fill.items()
    }
    loss = summed(model, big) / count(batches)
    loss.backward()
    return loss.item()


@wrong("resources.accumulate", "all_alive")
def _(model, batches):
    model.zero_grad()
    loss = sum(summed(model, batch) for batch in batches) / count(batches)
    loss.backward()
    return loss.item()


@wrong("resources.accumulate", "no_gradient")
def _(model, batches):
    with torch.no_grad():
        return float(sum(summed(model, batch) for batch in batches) / count(batches))


@wrong("resources.accumulate", "loss_value")
def _(model, batches):
    return passes(lambda x, b, bs: x / count(bs))(model, batches) * len(batches) * 1.5


@wrong("resources.accumulate", "none")
def _(model, batches):
    passes(lambda x, b, bs: x / count(bs))(model, batches)


right("resources.accumulate")(passes(lambda x, b, bs: x / count(bs)))


@right("resources.accumulate")
def _(model, batches):  # transformers' own argument
    model.zero_grad(set_to_none=False)
    total = 0.0
    for batch in batches:
        loss = model(**batch, num_items_in_batch=count(batches)).loss
        loss.backward()
        total += float(loss)
    return total


@right("resources.accumulate")
def _(model, batches):  # sums first, division of the gradients at the end
    for parameter in model.parameters():
        parameter.grad = None
    total, counted = 0.0, 0
    for batch in batches:
        loss = summed(model, batch)
        loss.backward()
        total, counted = total + loss.item(), counted + count([batch])
    for parameter in model.parameters():
        parameter.grad /= counted
    return total / counted


@right("resources.accumulate")
def _(model, batches):  # weighted means, and a pass without labels left out
    model.zero_grad()
    total = 0.0
    for batch in batches:
        if count([batch]):
            loss = model(**batch).loss * count([batch]) / count(batches)
            loss.backward()
            total += loss.item()
    return total


# ---------------------------------------------------------------- resources.plan


def planner(
    fits=lambda need, budget: need <= budget,
    sizes_of=lambda rows: [n for n in range(rows, 0, -1) if rows % n == 0],
    strategies=("full", "checkpointing", "lora", "qlora"),
    fixed_counts=True,
    none=("too big", 0, 0),
    **other,
):
    """A parametrised answer; right as it stands."""

    def answer(sizes, rows, budget):
        w, t, row = sizes["weights"], sizes["gradients"] + sizes["optimizer"], sizes["row"]
        costs = {
            "full": (w + t, row),
            "checkpointing": (w + t, row / 4),
            "lora": (w + 0.02 * t, row / 4),
            "qlora": (w * 4.5 / 32 + 0.02 * t, row / 4),
        }
        costs |= {name: cost(sizes) for name, cost in other.items()}
        for name in strategies:
            fixed, one = costs[name]
            for size in sizes_of(rows):
                if fits(fixed * fixed_counts + size * one, budget):
                    return {"strategy": name, "rows": size, "passes": rows // size}
        return dict(zip(("strategy", "rows", "passes"), none, strict=True))

    return answer


wrong("resources.plan", "exactly_full")(planner(fits=lambda need, budget: need < budget))
wrong("resources.plan", "too_late")(planner(sizes_of=lambda rows: [rows]))
wrong("resources.plan", "too_late")(planner(strategies=("qlora", "lora", "checkpointing", "full")))
wrong("resources.plan", "not_the_largest")(planner(sizes_of=lambda rows: [1]))
# Costs that are too high: the hint must speak of costs, too.
wrong("resources.plan", "not_the_largest")(
    planner(lora=lambda s: (s["weights"] + 0.02 * (s["gradients"] + s["optimizer"]), s["row"]))
)
wrong("resources.plan", "too_late")(
    planner(
        lora=lambda s: (s["weights"] + s["gradients"] + 0.02 * s["optimizer"], s["row"] / 4),
        qlora=lambda s: (s["weights"] * 4.5 / 32 + s["gradients"] + 0.02 * s["optimizer"], s["row"] / 4),
    )
)  # fmt: skip
wrong("resources.plan", "too_late")(
    planner(qlora=lambda s: (s["weights"] * 4.5 / 32 + s["gradients"] + s["optimizer"], s["row"] / 4))
)  # fmt: skip
wrong("resources.plan", "not_the_largest")(
    planner(
        checkpointing=lambda s: (s["weights"] + s["gradients"] + s["optimizer"], 0.75 * s["row"])
    )
)
wrong("resources.plan", "not_a_divisor")(planner(sizes_of=lambda rows: range(rows, 0, -1)))
wrong("resources.plan", "does_not_fit")(planner(fixed_counts=False))
wrong("resources.plan", "does_not_fit")(planner(strategies=("full",), none=("full", 1, 8)))
wrong("resources.plan", "too_big_has_no_rows")(planner(none=("too big", 1, 16)))
wrong("resources.plan", "unknown_name")(planner(none=("none", 0, 0)))
wrong("resources.plan", "unknown_name")(lambda *args: planner()(*args) | {"strategy": "LoRA"})
wrong("resources.plan", "split")(lambda *args: planner()(*args) | {"passes": 1})
wrong("resources.plan", "missing_part")(lambda *args: {"strategy": "full", "rows": 4})
wrong("resources.plan", "return_type")(lambda *args: ("full", 4, 2))
wrong("resources.plan", "none")(lambda *args: None)

right("resources.plan")(planner())
right("resources.plan")(
    planner(sizes_of=lambda rows: sorted({n for n in range(1, rows + 1) if rows % n == 0})[::-1])
)
