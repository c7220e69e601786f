"""4-bit NormalFloat (NF4) in plain PyTorch: quantise, dequantise, a frozen 4-bit linear layer.

The same data type as bitsandbytes' fast CUDA kernels (`smolcourse.topics.qlora` uses those), written so
that it can be read, and so that QLoRA's memory can be measured on any device. It is slow: every
forward and every backward pass makes the weights of a layer anew.

Source: Dettmers et al. 2023, "QLoRA", arXiv:2305.14314; the levels are those of its appendix E.
Introduced in lesson 3_parameter_efficient_finetuning/resource_strategies.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smolcourse.errors import CourseError

BLOCK = 64  # weights that share one scale
LEVELS = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)


def bits_per_weight(block: int = BLOCK, double_quantised: bool = False) -> float:
    """Bits that one weight costs: 4, and its share of the block's scale.

    A scale is a 32-bit number; double quantisation stores it in 8 bits, with one more 32-bit
    number for 256 scales.

    >>> bits_per_weight(64)
    4.5
    """
    scale = 8 + 32 / 256 if double_quantised else 32
    return 4 + scale / block


@dataclass(frozen=True)
class Quantised:
    """Codes, two in a byte (uint8, the first in the high half), a float32 scale a block, a shape."""

    codes: Tensor
    scales: Tensor
    shape: tuple[int, ...]
    block: int = BLOCK

    @property
    def nbytes(self) -> int:
        """Bytes of codes and scales together."""
        return self.codes.nbytes + self.scales.nbytes


def quantise(weights: Tensor, block: int = BLOCK, levels=LEVELS) -> Quantised:
    """Weights of any shape as 4-bit codes.

    The flattened weights are cut into blocks of `block` (an even number); each is divided by its
    largest absolute value, and each result becomes the index of the nearest of the 16 `levels`.
    Raises `CourseError` for an odd block, other than 16 levels, or weights that are not finite.
    """
    if block < 2 or block % 2:
        raise CourseError(
            "The block size must be an even number from 2 on, not {block}.", block=block
        )
    if len(levels) != 16:
        raise CourseError("Four bits name 16 levels; {levels} were given.", levels=len(levels))
    flat = weights.detach().float().flatten()
    if not bool(torch.isfinite(flat).all()):
        raise CourseError("Only finite weights can be quantised; these hold nan or infinity.")
    flat = F.pad(flat, (0, -len(flat) % block)).view(-1, block)
    scales = flat.abs().amax(1)
    unit = flat / scales.clamp(min=torch.finfo(torch.float32).tiny)[:, None]  # a block of zeros
    table = torch.tensor(levels, device=flat.device)
    middles = (table[1:] + table[:-1]) / 2
    codes = torch.bucketize(unit, middles).to(torch.uint8).flatten()
    return Quantised(codes[0::2] << 4 | codes[1::2], scales, tuple(weights.shape), block)


def dequantise(packed: Quantised, levels=LEVELS) -> Tensor:
    """The float32 weights that the codes stand for, in the shape they had."""
    codes = torch.stack([packed.codes >> 4, packed.codes & 15], 1).flatten()
    table = torch.tensor(levels, device=codes.device)
    values = table[codes.int()].view(-1, packed.block) * packed.scales[:, None]
    count = torch.Size(packed.shape).numel()
    return values.flatten()[:count].view(packed.shape)


class _FrozenLinear(torch.autograd.Function):
    """x W^T with W made from its codes, in backward once more: no float copy of W stays alive."""

    @staticmethod
    def forward(ctx, x, codes, scales, shape, block):
        ctx.save_for_backward(codes, scales)
        ctx.shape, ctx.block = shape, block
        return F.linear(x, dequantise(Quantised(codes, scales, shape, block)).to(x.dtype))

    @staticmethod
    def backward(ctx, *slopes):
        codes, scales = ctx.saved_tensors
        [slope] = slopes
        weights = dequantise(Quantised(codes, scales, ctx.shape, ctx.block))
        return slope @ weights.to(slope.dtype), None, None, None, None


class NF4Linear(nn.Module):
    """A linear layer whose weights are frozen in 4 bits; a bias stays as it is, frozen too.

    `linear`: the layer to take over, weights of shape (out features, in features). Inputs have
    shape (..., in features). Gradients flow to the input only, as in QLoRA.
    """

    def __init__(self, linear: nn.Linear, block: int = BLOCK):
        super().__init__()
        packed = quantise(linear.weight, block)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.shape, self.block = packed.shape, block
        self.register_buffer("codes", packed.codes)
        self.register_buffer("scales", packed.scales)
        bias = None if linear.bias is None else linear.bias.detach().clone()
        self.register_buffer("bias", bias)

    @property
    def weight(self) -> Tensor:
        """The weights that the codes stand for, made anew at each access."""
        return dequantise(Quantised(self.codes, self.scales, self.shape, self.block))

    def forward(self, x: Tensor) -> Tensor:
        out = _FrozenLinear.apply(x, self.codes, self.scales, self.shape, self.block)
        return out if self.bias is None else out + self.bias


def freeze_in_4_bits(model: nn.Module, block: int = BLOCK, skip: tuple[str, ...] = ("lm_head",)):
    """Replace the frozen linear layers of `model` by `NF4Linear`, in place; returns the model.

    Layers that train (LoRA's own), and those whose name ends in one of `skip`, stay. So the order
    is: freeze the base (or `peft.get_peft_model`), then this. Raises `CourseError` if no layer
    was frozen.
    """
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and not module.weight.requires_grad
        and not name.endswith(skip)
    ]
    if not found:
        raise CourseError(
            "No frozen linear layer was found; freeze the base model first, for instance with "
            "peft.get_peft_model(model, LoraConfig(...))."
        )
    for name, module in found:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, NF4Linear(module, block))
    return model
