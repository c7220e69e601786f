"""What the exercises on LoRA share."""

from functools import cache

from smolcourse.checks.core import Wrong, outcome

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SIZES = (
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "num_hidden_layers",
)


def config(*sizes: int) -> dict:
    """A model's sizes, as `config.to_dict()` names them."""
    return dict(zip(SIZES, sizes, strict=True))


TINY = config(192, 6, 2, 32, 512, 6)
PLAIN = config(64, 4, 4, 16, 96, 3)  # as many key-value heads as query heads
ODD = config(40, 3, 1, 24, 56, 5)  # 3 heads of 24 are not 40
WIDE = config(576, 9, 3, 64, 1536, 30)


def refuses_ranks(make) -> None:
    """`make(r)` raises ValueError with a sentence for r = 0 and r = -2, or Wrong."""
    for r in (0, -2):
        found = outcome(make, r)
        if "returned" in found:
            raise Wrong("rank_accepted", r=r)
        if found["raised"] != "ValueError":
            raise Wrong("rank_error", r=r, got=found["raised"])
        if found["words"] < 3:
            raise Wrong("rank_sentence", r=r)


def sides_of(sizes: dict) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of each projection in one block, read from a real model without weights.

    No formula stands here: the process that runs a learner's answer can read this file.
    """
    return _sides(tuple(sizes[name] for name in SIZES))


@cache
def _sides(sizes: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    import torch
    from transformers import MistralConfig  # Llama's block, with heads of any size
    from transformers.models.mistral.modeling_mistral import MistralDecoderLayer

    one = MistralConfig()
    for name, size in zip(SIZES, sizes, strict=True):
        setattr(one, name, size)
    with torch.device("meta"):
        modules = MistralDecoderLayer(one, 0).named_modules()
    linear = {n.split(".")[-1]: m for n, m in modules if isinstance(m, torch.nn.Linear)}
    return {name: (linear[name].in_features, linear[name].out_features) for name in ALL}
