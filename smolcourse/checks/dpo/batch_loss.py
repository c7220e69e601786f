"""dpo.batch_loss: both models on a batch in TRL's layout; only the policy learns."""

import math

import torch
from torch.nn.functional import logsigmoid
from transformers import LlamaConfig, LlamaForCausalLM

from smolcourse.checks.core import Seen, integers, seeded, seen_loss

WIDTH, VOCABULARY = 9, 24
pure = True


def cases(rng):
    drawn = [_batch(rng, pairs) for pairs in (2, 3)]
    # The same layout with the padding on the left: without the attention mask, the answers see it.
    left = {name: tensor.flip(1) for name, tensor in _batch(rng, 2, ordered=False).items()}
    betas = (0.1, 0.4, 0.7)
    seeds = [rng.randrange(1000) for _ in range(2)]
    return [
        {"batch": batch, "beta": beta, "policy": seeds[0], "reference": seeds[1]}
        for batch, beta in zip([*drawn, left], betas, strict=True)
    ]


def _batch(rng, pairs: int, ordered: bool = True) -> dict:
    """All chosen rows first, then all rejected ones; prompts equal, padding right."""
    names = ("input_ids", "attention_mask", "completion_mask")
    batch = {name: torch.zeros(2 * pairs, WIDTH, dtype=torch.long) for name in names}
    for row in range(2 * pairs):
        prompt = 2 + row % pairs  # the same for both answers of a pair
        # On the left, both answers of a pair are as long: then the prompt's tokens cancel there too.
        end = WIDTH - 1 - ((row + row // pairs) % 3 if ordered else row % pairs)
        where = slice(0, prompt) if ordered else slice(end - prompt, end)  # to be turned round
        batch["input_ids"][row, :end] = integers(rng, 2, VOCABULARY, end)
        batch["input_ids"][row, where] = torch.arange(3, 3 + prompt)
        batch["attention_mask"][row, :end] = 1
        batch["completion_mask"][row, :end] = 1
        batch["completion_mask"][row, where] = 0
    return batch


def observe(answer, case):
    policy, start = _model(case["policy"]), _model(case["reference"])
    leaves = {"head": policy.lm_head.weight, "embeddings": policy.model.embed_tokens.weight}
    loss = answer(policy, start, case["batch"], case["beta"])
    others = list(start.parameters())
    reached = [None]
    if getattr(loss, "requires_grad", False):
        reached = torch.autograd.grad(loss, others, allow_unused=True, retain_graph=True)
    trains = any(slope is not None and bool(slope.any()) for slope in reached)
    seen = seen_loss(loss, leaves)
    return Seen({"loss_value": seen.pop("loss_value"), "reference_trains": trains} | seen)


def _model(seed: int):
    """A random Llama of one layer, in eval mode."""
    sizes = {"vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 24}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "initializer_range": 0.5}
    with seeded(seed):
        return LlamaForCausalLM(LlamaConfig(**sizes, **heads, num_hidden_layers=1)).eval()


def _rows(order):
    """A mistake: the batch's rows in another order, `order(rows)`."""

    def wrong(right, policy, start, batch, beta):
        rows = order(torch.arange(len(batch["input_ids"])))
        return right(policy, start, {name: t[rows] for name, t in batch.items()}, beta)

    return wrong


def _means(right, policy, start, batch, beta):
    def margins(model):
        ids, mask = batch["input_ids"], batch["completion_mask"][:, 1:]
        logits = model(input_ids=ids, attention_mask=batch["attention_mask"]).logits[:, :-1]
        steps = logits.log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
        chosen, rejected = ((steps * mask).sum(1) / mask.sum(1)).chunk(2)
        return chosen - rejected

    with torch.no_grad():
        theirs = margins(start)
    return -logsigmoid(beta * (margins(policy) - theirs)).mean()


def _alone(right, policy, start, batch, beta):
    ids, mask = batch["input_ids"], batch["completion_mask"][:, 1:]
    logits = policy(input_ids=ids, attention_mask=batch["attention_mask"]).logits[:, :-1]
    steps = logits.log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    chosen, rejected = (steps * mask).sum(1).chunk(2)
    return -logsigmoid(beta * (chosen - rejected)).mean()


def _everything(right, policy, start, batch, beta):
    ones = torch.ones_like(batch["completion_mask"])
    return right(policy, start, {**batch, "completion_mask": ones}, beta)


def _unmasked(right, policy, start, batch, beta):
    ones = torch.ones_like(batch["attention_mask"])
    return right(policy, start, {**batch, "attention_mask": ones}, beta)


mistakes = {
    "swapped": [
        _rows(lambda rows: rows.roll(len(rows) // 2)),
        lambda right, policy, start, batch, beta: right(start, policy, batch, beta),
    ],
    "interleaved": _rows(lambda rows: torch.cat([rows[0::2], rows[1::2]])),
    "same_model": lambda right, policy, start, batch, beta: torch.tensor(math.log(2)),
    "no_reference": _alone,
    "padding_counted": _everything,
    "attention_unmasked": _unmasked,
    "averaged": _means,
    "fixed_beta": [
        lambda right, policy, start, batch, beta: right(policy, start, batch, 0.1),
        lambda right, policy, start, batch, beta: right(policy, start, batch, 1.0),
    ],
}
