# generated from 3_parameter_efficient_finetuning/notebooks/source/lora.py by smolcourse build; do not edit
"""Reference answer of exercise lora.memory."""
# ruff: noqa

def training_bytes(total: int, trained: int, size: int = 4) -> dict:
    """Bytes of weights, gradients and AdamW's states.

    >>> training_bytes(1000, 10)
    {'weights': 4000, 'gradients': 40, 'optimizer': 80}
    """
    return {"weights": total * size, "gradients": trained * size, "optimizer": 2 * trained * size}

answer = training_bytes
