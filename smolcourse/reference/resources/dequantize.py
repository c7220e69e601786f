# generated from 3_parameter_efficient_finetuning/notebooks/source/resource_strategies.py by smolcourse build; do not edit
"""Reference answer of exercise resources.dequantize."""
# ruff: noqa

def dequantize(codes, scales, levels, block: int):
    """The weights that 4-bit codes stand for.

    >>> dequantize(torch.tensor([0, 7, 15, 15]), torch.tensor([2.0, 3.0]), torch.linspace(-1, 1, 16), 2)[2:].tolist()
    [3.0, 3.0]
    """
    return levels[codes.long()] * scales.repeat_interleave(block)

answer = dequantize
