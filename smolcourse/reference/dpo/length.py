# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.length."""
# ruff: noqa

def accuracy_by_length(
    margins: list[float], chosen_tokens: list[int], rejected_tokens: list[int]
) -> dict:
    """Preference accuracy where the chosen answer is the longer one, and where it is the shorter one.

    >>> accuracy_by_length([1.0, -2.0, 3.0], [9, 8, 4], [4, 4, 6])
    {'longer': 0.5, 'shorter': 1.0}
    """
    groups = {"longer": [], "shorter": []}
    for margin, chosen, rejected in zip(margins, chosen_tokens, rejected_tokens):
        if chosen != rejected:
            groups["longer" if chosen > rejected else "shorter"].append(margin > 0)
    return {name: sum(right) / len(right) if right else None for name, right in groups.items()}

answer = accuracy_by_length
