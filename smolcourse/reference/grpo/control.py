# generated from 2_preference_alignment/notebooks/source/grpo.py by smolcourse build; do not edit
"""Reference answer of exercise grpo.control."""
# ruff: noqa

def controlled(
    scores: list[float],
    lengths: list[int],
    right: list[bool],
    limit: int,
    price: float,
    floor: float,
) -> list[float]:
    """Scores that neither length nor a wrong answer can buy.

    >>> controlled([3.0, 2.0, 9.0], [20, 10, 10], [True, True, False], limit=15, price=1.0, floor=-10.0)
    [-2.0, 2.0, -10.0]
    """
    return [
        score - price * max(0, length - limit) if is_right else floor
        for score, length, is_right in zip(scores, lengths, right)
    ]

answer = controlled
