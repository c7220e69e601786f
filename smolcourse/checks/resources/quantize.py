"""resources.quantize: the largest weight of a block is its scale, the nearest level the code."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type, normal
from smolcourse.topics.nf4 import LEVELS

pure = True
TINY = 1e-30


def cases(rng):
    tables = torch.tensor(LEVELS), torch.linspace(-1, 1, 16)
    drawn = []
    for at, (blocks, block) in enumerate(((2, 4), (4, 8), (3, 16), (2, 64))):
        weights = normal(rng, blocks * block)
        weights[block : 2 * block] *= 7  # blocks of unequal size
        largest = weights[:block].abs().argmax()
        weights[largest] = -weights[largest].abs()  # the first block's largest is negative
        drawn.append((weights, tables[at % 2], block))
    return [*drawn, (torch.cat([torch.zeros(4), normal(rng, 4)]), tables[0], 4)]


def observe(answer, case):
    weights, _, block = case
    pair = expect_type(answer(*case), (tuple, list), "not_a_pair")
    if len(pair) != 2:
        raise Wrong("not_a_pair", got=f"{len(pair)} things")
    codes, scales = (expect_type(part, torch.Tensor) for part in pair)
    if codes.is_floating_point() and not scales.is_floating_point():
        raise Wrong("reversed")
    if codes.is_floating_point():
        if bool(torch.isnan(codes).any()):
            raise Wrong("zero_block")
        raise Wrong("codes_not_integers", dtype=str(codes.dtype))
    if bool(scales.isnan().any()):
        raise Wrong("zero_block")
    blocks = len(weights) // block
    if scales.numel() == 1 and blocks > 1:
        raise Wrong("one_scale")
    expect_shape(codes, tuple(weights.shape), "codes_shape")
    expect_shape(scales, (blocks,), "scales_shape")
    scales = scales.float()
    empty = weights.view(-1, block).abs().amax(1) == 0
    scales[empty] = 0.0  # any finite number will do as the scale of a block of zeros
    return Seen(scales_value=scales, codes_value=codes.long())


def judge(seen, wanted, case):
    _, _, block = case
    scales, codes = wanted["scales_value"], wanted["codes_value"]
    if not torch.allclose(seen["scales_value"], scales, rtol=1e-4):
        raise Wrong("scales_value", got=seen["scales_value"].tolist(), want=scales.tolist())
    got = seen["codes_value"]
    if torch.equal(got, codes):
        return
    if bool((scales == 0).any()) and torch.equal(got[block:], codes[block:]):
        raise Wrong("zero_block")
    if got.min() < 0 or got.max() > 15:
        raise Wrong("codes_out_of_range", low=int(got.min()), high=int(got.max()))
    raise Wrong("codes_value", got=got[:8].tolist(), want=codes[:8].tolist())


def _coder(scale=None, nearest=None, unit=None):
    """A mistake: another scale(blocks), unit(blocks, scales) or nearest(unit, levels)."""

    def wrong(right, weights, levels, block):
        blocks = weights.view(-1, block)
        scales = scale(blocks) if scale else blocks.abs().amax(1)
        unit_of = unit or (lambda b, s: b / s.clamp(min=TINY)[:, None])
        values = unit_of(blocks, scales)
        codes = (
            nearest(values, levels) if nearest else (values[..., None] - levels).abs().argmin(-1)
        )
        return codes.flatten(), scales

    return wrong


mistakes = {
    "signed_scale": [
        _coder(scale=lambda b: b.amax(1)),
        _coder(scale=lambda b: b.gather(1, b.abs().argmax(1, True))[:, 0]),
    ],
    "one_scale": _coder(scale=lambda b: b.abs().max().expand(len(b))),
    "scale_over_levels": [
        _coder(scale=lambda b: b.abs().amax(1) / 7),
        _coder(scale=lambda b: b.abs().amax(1) / 15),
    ],
    "scale_is_spread": [
        _coder(scale=lambda b: b.std(1)),
        _coder(scale=lambda b: b.square().mean(1).sqrt()),
    ],
    "not_nearest": [
        _coder(nearest=lambda u, v: torch.bucketize(u, v, right=True) - 1),
        _coder(nearest=lambda u, v: torch.bucketize(u, v)),
        _coder(nearest=lambda u, v: torch.bucketize(u, v).clamp(max=15)),
    ],
    "even_levels": _coder(nearest=lambda u, v: ((u + 1) * 7.5).round().long()),
    "fixed_levels": _coder(
        nearest=lambda u, v: (u[..., None] - torch.tensor(LEVELS)).abs().argmin(-1)
    ),
    "not_divided": _coder(unit=lambda b, s: b),
    "zero_block": _coder(unit=lambda b, s: b / s.clamp(min=TINY)[:, None] + (s == 0)[:, None]),
    "reversed": lambda right, *case: right(*case)[::-1],
    "wrong_blocks": lambda right, w, v, b: right(w.view(b, -1).T.flatten(), v, b),
    "codes_out_of_range": _coder(nearest=lambda u, v: (u[..., None] - v).abs().argmin(-1) - 8),
}
