# generated from 2_preference_alignment/notebooks/source/grpo.py by smolcourse build; do not edit
"""Reference answer of exercise grpo.alarm."""
# ruff: noqa

def alarm(proxy: list[float], truth: list[float], patience: int):
    """The first step at which a reward is being cheated, or None.

    >>> alarm([0.0, 1.0, 2.0, 3.0], [0.5, 0.6, 0.7, 0.1], 2)
    3
    """
    for t in range(patience, len(proxy)):
        if proxy[t] > proxy[t - patience] and truth[t] < truth[t - patience]:
            return t
    return None

answer = alarm
