# generated from 1_instruction_tuning/notebooks/source/supervised_fine_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise sft.diagnose."""
# ruff: noqa

def diagnose(train_loss: list[float], eval_loss: list[float]) -> str:
    """What ails a training run.

    >>> diagnose([3.0, 1.0, 0.5], [3.0, 1.2, 1.9])
    'memorising'
    """
    import math

    if not all(math.isfinite(value) for value in train_loss) or train_loss[-1] > train_loss[0]:
        return "diverging"
    if eval_loss[-1] > 1.1 * min(eval_loss):
        return "memorising"
    if train_loss[-1] > 0.8 * train_loss[0]:
        return "too_slow"
    return "healthy"

answer = diagnose
