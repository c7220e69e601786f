# generated from 3_parameter_efficient_finetuning/notebooks/source/adapters.py by smolcourse build; do not edit
"""Reference answer of exercise adapters.merge."""
# ruff: noqa

def merge_weight(weight, a, b, alpha: float):
    """The weight with the adapter in it, of shape (out, in).

    Example: weight [[1.0]], a [[2.0]], b [[3.0]] and alpha 1.0 give [[7.0]] (the rank is 1).
    """
    rank = a.shape[0]
    return weight + alpha / rank * (b @ a)

answer = merge_weight
