# generated from 3_parameter_efficient_finetuning/notebooks/source/lora.py by smolcourse build; do not edit
"""Reference answer of exercise lora.count."""
# ruff: noqa

def count_lora(config: dict, targets: list[str], r: int) -> int:
    """Trained parameters of LoRA of rank r on these projections of all layers.

    Example: with hidden_size 8 and two query heads of head_dim 4, ["q_proj"] at r=2 costs 2 * (8 + 8) = 32 numbers a layer.
    """
    if r < 1:
        raise ValueError(f"The rank of LoRA must be at least 1, not {r}.")
    hidden, middle = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    sides = {
        "q_proj": hidden + queries,
        "k_proj": hidden + keys,
        "v_proj": hidden + keys,
        "o_proj": queries + hidden,
        "gate_proj": hidden + middle,
        "up_proj": hidden + middle,
        "down_proj": middle + hidden,
    }
    return config["num_hidden_layers"] * r * sum(sides[target] for target in targets)

answer = count_lora
