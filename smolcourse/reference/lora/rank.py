# generated from 3_parameter_efficient_finetuning/notebooks/source/lora.py by smolcourse build; do not edit
"""Reference answer of exercise lora.rank."""
# ruff: noqa

def rank_needed(matrix, share: float) -> int:
    """The smallest rank that keeps `share` of the sum of squared entries.

    Example: a diagonal matrix with 3, 2 and 1 has the squares 9, 4 and 1. For share=0.9 the rank is 2: (9 + 4) / 14 = 0.93.
    """
    import torch

    squares = torch.linalg.svdvals(matrix) ** 2
    kept = squares.cumsum(0) / squares.sum()
    return min(int((kept < share).sum()) + 1, len(squares))

answer = rank_needed
