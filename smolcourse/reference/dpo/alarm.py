# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.alarm."""
# ruff: noqa

def alarm(margins: list[float], chosen: list[float], drop: float) -> int | None:
    """Where a run begins to widen the margin at the expense of the chosen answers.

    >>> alarm([0.0, 1.0, 2.0, 3.0], [-20.0, -15.0, -17.0, -19.0], drop=3.0)
    3
    """
    for i in range(1, len(margins)):
        if margins[i] > margins[i - 1] and chosen[i] < max(chosen[:i]) - drop:
            return i
    return None

answer = alarm
