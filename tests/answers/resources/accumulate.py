"""Wrong and right answers to resources.accumulate."""

import torch
import torch.nn.functional as F
from answers import answers

wrong, right, good = answers("resources.accumulate")


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


@wrong("empty_batch")
def _(model, batches):  # right, but for the batch without labels: nan * 0 is nan
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = model(**batch).loss * (count([batch]) / count(batches))
        loss.backward()
        total += loss.item()
    return total


@wrong("one_big_batch")
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


@wrong("all_alive")
def _(model, batches):
    model.zero_grad()
    loss = sum(summed(model, batch) for batch in batches) / count(batches)
    loss.backward()
    return loss.item()


@wrong("no_gradient")
def _(model, batches):
    with torch.no_grad():
        return float(sum(summed(model, batch) for batch in batches) / count(batches))


@wrong("loss_value")
def _(model, batches):
    return passes(lambda x, b, bs: x / count(bs))(model, batches) * len(batches) * 1.5


@wrong("none")
def _(model, batches):
    passes(lambda x, b, bs: x / count(bs))(model, batches)


right(passes(lambda x, b, bs: x / count(bs)))


@right
def _(model, batches):  # transformers' own argument
    model.zero_grad(set_to_none=False)
    total = 0.0
    for batch in batches:
        loss = model(**batch, num_items_in_batch=count(batches)).loss
        loss.backward()
        total += float(loss)
    return total


@right
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


@right
def _(model, batches):  # weighted means, and a pass without labels left out
    model.zero_grad()
    total = 0.0
    for batch in batches:
        if count([batch]):
            loss = model(**batch).loss * count([batch]) / count(batches)
            loss.backward()
            total += loss.item()
    return total
