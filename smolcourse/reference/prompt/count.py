# generated from 3_parameter_efficient_finetuning/notebooks/source/prompt_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise prompt.count."""
# ruff: noqa

def count(method: str, tokens: int, config, encoder: int = 0) -> tuple[int, int]:
    """(numbers trained, numbers stored) of a soft prompt.

    Example: with config.hidden_size == 192, count("prompt", 4, config) == (768, 768).
    """
    width = config.hidden_size
    if method == "prefix":
        stored = (
            tokens * config.num_hidden_layers * 2 * config.num_key_value_heads * config.head_dim
        )
        return stored, stored
    stored = tokens * width
    if method == "prompt":
        return stored, stored
    layers = [(width, encoder), (encoder, encoder), (encoder, width)]
    return stored + sum(a * b + b for a, b in layers), stored

answer = count
