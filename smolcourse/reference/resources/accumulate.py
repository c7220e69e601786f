# generated from 3_parameter_efficient_finetuning/notebooks/source/resource_strategies.py by smolcourse build; do not edit
"""Reference answer of exercise resources.accumulate."""
# ruff: noqa

def accumulate(model, batches: list[dict]) -> float:
    """Gradients of the mean loss per token over all batches, one pass at a time.

    Example: two batches with 1 and 9 counted tokens, losses of 3.0 and 1.0 per token, give
    (1 * 3.0 + 9 * 1.0) / 10 = 1.2, and not 2.0.
    """
    import torch.nn.functional as F

    model.zero_grad()
    counted = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        predicted, wanted = logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()
        loss = F.cross_entropy(predicted, wanted, ignore_index=-100, reduction="sum") / counted
        loss.backward()
        total += loss.item()
    return total

answer = accumulate
