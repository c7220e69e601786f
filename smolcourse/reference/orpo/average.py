# generated from 2_preference_alignment/notebooks/source/orpo.py by smolcourse build; do not edit
"""Reference answer of exercise orpo.average."""
# ruff: noqa

def average_logps(logits, labels):
    """Mean log-probability of each row's answer tokens.

    Example: with uniform logits over a vocabulary of 8, every row gets -log(8), whatever its length.
    """
    logps, wanted = logits[:, :-1].log_softmax(-1), labels[:, 1:]
    counted = wanted != -100
    taken = logps.gather(2, wanted.clamp(min=0)[..., None]).squeeze(-1)
    return (taken * counted).sum(1) / counted.sum(1)

answer = average_logps
