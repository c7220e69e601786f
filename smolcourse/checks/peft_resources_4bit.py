"""Checks of the 4-bit exercises of 3_parameter_efficient_finetuning/resource_strategies."""

from smolcourse.check import Wrong, checker, expect_close, expect_shape, expect_type
from smolcourse.topics.nf4 import LEVELS


def _tables():
    """Two tables of 16 levels: a bell's, and evenly spaced ones."""
    import torch

    return torch.tensor(LEVELS), torch.linspace(-1, 1, 16)


def _dequantizes(answer, args, want) -> bool:
    """Is the answer right for these arguments? An error of torch is a no."""
    import torch

    try:
        got = answer(*args)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return False
    same = isinstance(got, torch.Tensor) and got.shape == want.shape
    return same and torch.allclose(got.float(), want, atol=1e-5)


@checker("resources.dequantize", pure=True)
def dequantize(answer, reference):
    import torch

    made = torch.Generator().manual_seed(3)
    for at, (blocks, block) in enumerate(((2, 2), (3, 4), (5, 8), (4, 4), (1, 16))):
        levels = _tables()[at % 2]
        codes = torch.randint(0, 16, (blocks * block,), generator=made)
        codes = codes.to(torch.uint8) if at == 3 else codes  # bytes, as they are stored
        scales = 0.5 + 3 * torch.rand(blocks, generator=made)
        args = (codes, scales, levels, block)
        want = reference(*args)
        if at == 3 and not _dequantizes(answer, args, want):
            long = (codes.long(), *args[1:])
            if _dequantizes(answer, long, want):  # then only the dtype was too much
                raise Wrong("uint8_is_no_index")
        got = expect_type(answer(*args), torch.Tensor)
        got = expect_shape(got, want.shape, "weights_shape")
        if torch.allclose(got.float(), want, atol=1e-5):
            continue
        stretched = scales.repeat_interleave(block)
        for key, value in (
            ("scales_repeated", levels[codes.long()] * scales.repeat(block)),
            ("not_scaled", levels[codes.long()]),
            ("divided", levels[codes.long()] / stretched),
            ("codes_are_no_values", codes * stretched),
            ("codes_are_no_values", (codes / 7.5 - 1) * stretched),
        ):
            if torch.allclose(got.float(), value.float(), atol=1e-5):
                raise Wrong(key)
        expect_close(got.float(), want, 1e-5)


@checker("resources.quantize", pure=True)
def quantize(answer, reference):
    import torch

    made = torch.Generator().manual_seed(4)
    for at, (blocks, block) in enumerate(((2, 4), (4, 8), (3, 16), (2, 64))):
        weights = torch.randn(blocks * block, generator=made)
        weights[block : 2 * block] *= 7  # blocks of unequal size
        largest = weights[:block].abs().argmax()
        weights[largest] = -weights[largest].abs()  # the first block's largest is negative
        _quantize_case(answer, reference, weights, _tables()[at % 2], block)
    zeros = torch.cat([torch.zeros(4), torch.randn(4, generator=made)])
    _quantize_case(answer, reference, zeros, _tables()[0], 4)


def _quantize_case(answer, reference, weights, levels, block) -> None:
    import torch

    codes, scales = reference(weights, levels, block)
    got = expect_type(answer(weights, levels, block), (tuple, list), "not_a_pair")
    if len(got) != 2:
        raise Wrong("not_a_pair", got=f"{len(got)} things")
    got_codes = expect_type(got[0], torch.Tensor)
    got_scales = expect_type(got[1], torch.Tensor)
    if got_codes.is_floating_point():
        if torch.isnan(got_codes).any():
            raise Wrong("zero_block")
        raise Wrong("codes_not_integers", dtype=str(got_codes.dtype))
    if got_scales.isnan().any():
        raise Wrong("zero_block")
    if got_scales.numel() == 1 and scales.numel() > 1:
        raise Wrong("one_scale")
    got_codes = expect_shape(got_codes, codes.shape, "codes_shape").long()
    got_scales = expect_shape(got_scales, scales.shape, "scales_shape").float()
    blocks = weights.view(-1, block)
    full = scales > 0  # any finite number will do as the scale of a block of zeros
    if not torch.allclose(got_scales[full], scales[full], rtol=1e-4):
        for key, value in (
            ("signed_scale", blocks.amax(1)),
            ("signed_scale", blocks.gather(1, blocks.abs().argmax(1, True))[:, 0]),
            ("one_scale", weights.abs().max().expand(len(scales))),
            ("scale_over_levels", scales / 7),
            ("scale_over_levels", scales / 15),
            ("scale_is_spread", blocks.std(1)),
            ("scale_is_spread", blocks.square().mean(1).sqrt()),
        ):
            if torch.allclose(got_scales[full], value[full], rtol=1e-4):
                raise Wrong(key)
        expect_close(got_scales, scales, 1e-4)
    if torch.equal(got_codes, codes):
        return
    if not bool(full.all()) and torch.equal(got_codes[block:], codes[block:]):
        raise Wrong("zero_block")
    if got_codes.min() < 0 or got_codes.max() > 15:
        raise Wrong("codes_out_of_range", low=int(got_codes.min()), high=int(got_codes.max()))
    unit = (blocks / scales.clamp(min=1e-30)[:, None]).flatten()
    below = torch.bucketize(unit, levels, right=True) - 1
    for key, value in (
        ("not_nearest", below),
        ("not_nearest", torch.bucketize(unit, levels)),
        ("not_nearest", torch.bucketize(unit, levels).clamp(max=15)),
        ("even_levels", ((unit + 1) * 7.5).round().long()),
        ("not_divided", (weights[:, None] - levels).abs().argmin(-1)),
        ("fixed_levels", (unit[:, None] - _tables()[0]).abs().argmin(-1)),
    ):
        if torch.equal(got_codes, value):
            raise Wrong(key)
    raise Wrong("codes_value", got=got_codes[:8].tolist(), want=codes[:8].tolist())


def _error(weights, levels) -> float:
    """Mean squared error of block-wise rounding to `levels` (any number of them)."""
    import torch

    blocks = weights.view(-1, 64)
    scales = blocks.abs().amax(1, keepdim=True)
    nearest = torch.bucketize(blocks / scales, (levels[1:] + levels[:-1]) / 2)
    return float((levels[nearest] * scales - blocks).square().mean().sqrt())


@checker("resources.levels", pure=True)
def levels(answer, reference):
    import torch

    made = torch.Generator().manual_seed(8)
    bell = 0.05 * torch.randn(2 * 64_000, generator=made)
    uniform = torch.rand(2 * 64_000, generator=made) - 0.5
    signs = (torch.rand(2 * 64_000, generator=made) < 0.5).float() * 2 - 1
    tails = signs * torch.empty(2 * 64_000).exponential_(generator=made)
    kinds = (("bell-shaped", bell, 0.93), ("long-tailed", tails, 0.80), ("uniform", uniform, 1.05))
    for kind, weights, limit in kinds:
        sample, fresh = weights[:64_000], weights[64_000:]
        for count in (16, 8):
            got = expect_type(answer(sample, count), (torch.Tensor, list, tuple), "not_levels")
            got = torch.as_tensor(got, dtype=torch.float32)
            if got.shape != (count,):
                raise Wrong("count", got=tuple(got.shape), want=count)
            if not bool(got.isfinite().all()):
                raise Wrong("not_finite")
            if not bool((got[1:] >= got[:-1]).all()):
                raise Wrong("not_rising")
            if got.abs().max() > 1 + 1e-6:
                raise Wrong("outside", largest=f"{float(got.abs().max()):.3g}")
            share = _error(fresh, got) / _error(fresh, torch.linspace(-1, 1, count))
            if share > limit:
                key = "worse_on_uniform" if kind == "uniform" else "not_better"
                raise Wrong(key, kind=kind, count=count, share=f"{share:.0%}", limit=f"{limit:.0%}")
