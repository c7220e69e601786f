# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.bradley_terry."""
# ruff: noqa

def win_probability(score_a: float, score_b: float) -> float:
    """How probably answer a is preferred to answer b.

    Example: win_probability(1.0, 1.0) is 0.5, win_probability(2.0, 1.0) is about 0.731.
    """
    import math

    difference = score_a - score_b
    if difference >= 0:
        return 1 / (1 + math.exp(-difference))
    return math.exp(difference) / (1 + math.exp(difference))

answer = win_probability
