# generated from 2_preference_alignment/notebooks/source/orpo.py by smolcourse build; do not edit
"""Reference answer of exercise orpo.diagnose."""
# ruff: noqa

def diagnose(chosen: list[float], rejected: list[float]) -> str:
    """What two curves of mean log-probabilities say about a preference run.

    >>> diagnose([-3.0, -1.0], [-3.2, -1.4])
    'imitating'
    """
    import math

    if any(not math.isfinite(value) or value > 0 for value in chosen + rejected):
        return "broken"
    gained, theirs = chosen[-1] - chosen[0], rejected[-1] - rejected[0]
    if theirs > gained:
        return "swapped"
    if gained < 0:
        return "overdone"
    if theirs > 0:
        return "imitating"
    return "healthy"

answer = diagnose
