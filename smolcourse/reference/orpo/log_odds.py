# generated from 2_preference_alignment/notebooks/source/orpo.py by smolcourse build; do not edit
"""Reference answer of exercise orpo.log_odds."""
# ruff: noqa

def log_odds(logp):
    """log(p / (1 - p)) for p given as logp = log p, elementwise.

    >>> round(log_odds(torch.tensor([-0.5])).item(), 4)
    0.4328
    """
    import torch

    # 1 - p without rounding p first. For small p, expm1 is -1 and its logarithm 0: nothing overflows.
    return logp - torch.log(-torch.expm1(logp))

answer = log_odds
