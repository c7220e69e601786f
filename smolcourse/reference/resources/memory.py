# generated from 3_parameter_efficient_finetuning/notebooks/source/resource_strategies.py by smolcourse build; do not edit
"""Reference answer of exercise resources.memory."""
# ruff: noqa

def training_bytes(frozen: int, trained: int, frozen_bits: float, optimizer: str) -> dict:
    """Bytes that are held while a model trains, activations apart.

    >>> training_bytes(0, 1000, 32, "adamw")
    {'weights': 4000, 'gradients': 4000, 'optimizer': 8000}
    """
    states = {"sgd": 0, "momentum": 4, "adamw": 8, "adamw_8bit": 2}
    return {
        "weights": int(frozen * frozen_bits / 8) + 4 * trained,
        "gradients": 4 * trained,
        "optimizer": states[optimizer] * trained,
    }

answer = training_bytes
