# generated from 2_preference_alignment/notebooks/source/human_feedback.py by smolcourse build; do not edit
"""Reference answer of exercise feedback.kappa."""
# ruff: noqa

def kappa(a: list, b: list) -> float:
    """Cohen's kappa of two annotators.

    >>> kappa(["chosen", "chosen", "rejected", "rejected"], ["chosen", "rejected", "rejected", "rejected"])
    0.5
    """
    from collections import Counter

    n = len(a)
    observed = sum(x == y for x, y in zip(a, b)) / n
    of_a, of_b = Counter(a), Counter(b)
    expected = sum(of_a[label] * of_b[label] for label in of_a) / n**2
    return float("nan") if expected == 1 else (observed - expected) / (1 - expected)

answer = kappa
