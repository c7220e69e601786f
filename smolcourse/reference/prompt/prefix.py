# generated from 3_parameter_efficient_finetuning/notebooks/source/prompt_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise prompt.prefix."""
# ruff: noqa

def prefix_to_cache(table, rows: int, config) -> list[tuple]:
    """Keys and values of a prefix, layer by layer.

    Example: 5 virtual tokens for 6 layers with 2 key and value heads of width 32 are a table of shape (5, 768); for 3 rows the
    result has 6 pairs of tensors of shape (3, 2, 5, 32).
    """
    heads, width = config.num_key_value_heads, config.head_dim
    parts = table.view(len(table), config.num_hidden_layers, 2, heads, width)
    parts = parts.permute(1, 2, 3, 0, 4)  # layer, key or value, head, token, width
    return [tuple(part.expand(rows, -1, -1, -1) for part in layer) for layer in parts]

answer = prefix_to_cache
