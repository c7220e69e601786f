"""lora.count: the numbers that LoRA trains, with grouped-query attention and any head size."""

from smolcourse.checks.core import Seen, Wrong, expect_type
from smolcourse.checks.lora.common import (
    ALL,
    ODD,
    PLAIN,
    TINY,
    WIDE,
    config,
    refuses_ranks,
    sides_of,
)

pure = True


def cases(rng):
    heads = rng.randrange(2, 5)
    drawn = config(8 * rng.randrange(5, 20), 2 * heads, heads, 12, 8 * rng.randrange(20, 40), 4)
    fixed = [
        (TINY, ["q_proj"], 4),
        (PLAIN, ["q_proj", "v_proj"], 2),
        (TINY, ["k_proj", "v_proj"], 8),
        (TINY, ["gate_proj", "up_proj", "down_proj"], 1),
        (PLAIN, ["o_proj"], 3),
        (ODD, ["q_proj", "k_proj", "v_proj", "o_proj"], 5),
        (WIDE, list(ALL), 16),
        (PLAIN, list(reversed(ALL)), 1),
        (ODD, ["k_proj"], 3),
        (ODD, ["o_proj"], 2),
        (ODD, ["gate_proj"], 2),
        (ODD, ["down_proj"], 4),
    ]
    return [*fixed, (drawn, ["q_proj", "k_proj", "down_proj"], 3), (TINY, None, 0)]


def observe(answer, case):
    sizes, targets, r = case
    if targets is None:
        refuses_ranks(lambda r: answer(sizes, ["q_proj"], r))
        return Seen(refused=True)
    return Seen(cost=expect_type(answer(sizes, targets, r), int))


def judge(seen, wanted, case):
    sizes, targets, r = case
    if targets is not None and seen["cost"] != wanted["cost"]:
        said = ", ".join(f"{name} {size}" for name, size in sizes.items())
        facts = {"got": seen["cost"], "want": wanted["cost"], "sizes": said}
        raise Wrong("cost", targets=", ".join(targets), r=r, **facts)


def _cost(cost=lambda i, o, r: r * (i + o), sides=lambda c: {}, change=lambda c: c, layers=True):
    """A mistake: another cost of a projection, other sides of some, or another config."""

    def wrong(right, sizes, targets, r):
        right(sizes, targets, r)  # ranks below 1 are still refused
        shapes = sides_of(change(sizes)) | sides(sizes)
        one = sum(cost(*shapes[name], r) for name in targets)
        return one * (sizes["num_hidden_layers"] if layers else 1)

    return wrong


def _without_head_dim(*names):
    return lambda c: {name: sides_of(c | {"head_dim": 1})[name] for name in names}


def _even_heads(c):
    return c | {"head_dim": c["hidden_size"] // c["num_attention_heads"]}


mistakes = {
    "one_block": _cost(layers=False),
    "product": _cost(lambda i, o, r: r * i * o),
    "whole_matrix": _cost(lambda i, o, r: i * o),
    "one_factor": [_cost(lambda i, o, r: r * i), _cost(lambda i, o, r: r * o)],
    "rank_forgotten": _cost(lambda i, o, r: i + o),
    "factor_two": _cost(lambda i, o, r: 2 * r * (i + o)),
    "key_value_heads": [
        _cost(change=lambda c: c | {"num_key_value_heads": c["num_attention_heads"]}),
        _cost(sides=lambda c: dict.fromkeys(ALL[:4], (c["hidden_size"],) * 2)),
    ],
    "head_dim": [
        _cost(change=_even_heads),
        _cost(change=lambda c: _even_heads(c) | {"num_key_value_heads": c["num_attention_heads"]}),
    ],
    "output_inputs": _cost(sides=lambda c: {"o_proj": (c["hidden_size"],) * 2}),
    "down_inputs": [
        _cost(sides=lambda c: {"down_proj": (c["hidden_size"],) * 2}),
        _cost(sides=lambda c: {"down_proj": (c["intermediate_size"],) * 2}),
    ],
    "head_dim_missing": [
        _cost(sides=_without_head_dim(*names)) for names in (ALL[1:3], ALL[:3], ALL[:4])
    ],
}
