"""Wrong and right answers to resources.dequantize, resources.quantize and resources.levels."""

import torch

from answers import Answers
from smolcourse.topics.nf4 import LEVELS

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- resources.dequantize

wrong("resources.dequantize", "scales_repeated")(lambda c, s, v, b: v[c.long()] * s.repeat(b))
wrong("resources.dequantize", "not_scaled")(lambda c, s, v, b: v[c.long()])
wrong("resources.dequantize", "divided")(lambda c, s, v, b: v[c.long()] / s.repeat_interleave(b))
wrong("resources.dequantize", "codes_are_no_values")(lambda c, s, v, b: c * s.repeat_interleave(b))
wrong("resources.dequantize", "codes_are_no_values")(
    lambda c, s, v, b: (c / 7.5 - 1) * s.repeat_interleave(b)
)
wrong("resources.dequantize", "weights_shape")(
    lambda c, s, v, b: v[c.long()].view(-1, b) * s[:, None]
)
wrong("resources.dequantize", "return_type")(
    lambda c, s, v, b: (v[c.long()] * s.repeat_interleave(b)).tolist()
)
wrong("resources.dequantize", "exception")(lambda c, s, v, b: v[c.long()] * s)
wrong("resources.dequantize", "value")(lambda c, s, v, b: v[c.long()] * s.repeat_interleave(b) + 1)

wrong("resources.dequantize", "uint8_is_no_index")(lambda c, s, v, b: v[c] * s.repeat_interleave(b))
wrong("resources.dequantize", "uint8_is_no_index")(
    lambda c, s, v, b: torch.index_select(v, 0, c) * s.repeat_interleave(b)
)
wrong("resources.dequantize", "uint8_is_no_index")(
    lambda c, s, v, b: v.gather(0, c) * s.repeat_interleave(b)
)
wrong("resources.dequantize", "uint8_is_no_index")(
    lambda c, s, v, b: v.take(c) * s.repeat_interleave(b)
)
wrong("resources.dequantize", "uint8_is_no_index")(
    lambda c, s, v, b: torch.stack([v[code] for code in c]) * s.repeat_interleave(b)
)
wrong("resources.dequantize", "uint8_is_no_index")(
    lambda c, s, v, b: torch.tensor([float(v[c[i]] * s[i // b]) for i in range(len(c))])
)
wrong("resources.dequantize", "uint8_is_no_index")(
    lambda c, s, v, b: (v[c.view(-1, b)] * s[:, None]).flatten()
)

right("resources.dequantize")(lambda c, s, v, b: v[c.int()] * s.repeat_interleave(b))
right("resources.dequantize")(
    lambda c, s, v, b: (v[c.long()].view(-1, b) * s[:, None]).flatten().double()
)
right("resources.dequantize")(
    lambda c, s, v, b: torch.stack([v[int(c[i])] * s[i // b] for i in range(len(c))])
)

# ---------------------------------------------------------------- resources.quantize


def coder(
    scale=lambda blocks: blocks.abs().amax(1),
    nearest=lambda unit, levels: (unit[..., None] - levels).abs().argmin(-1),
    divide=lambda blocks, scales: blocks / scales.clamp(min=1e-30)[:, None],
    finish=lambda codes, scales: (codes.flatten(), scales),
):
    """A parametrised answer; right as it stands."""

    def answer(weights, levels, block):
        blocks = weights.view(-1, block)
        scales = scale(blocks)
        return finish(nearest(divide(blocks, scales), levels), scales)

    return answer


wrong("resources.quantize", "one_scale")(
    coder(scale=lambda blocks: blocks.abs().max().expand(len(blocks)))
)
wrong("resources.quantize", "signed_scale")(coder(scale=lambda blocks: blocks.amax(1)))
wrong("resources.quantize", "signed_scale")(
    coder(scale=lambda blocks: blocks.gather(1, blocks.abs().argmax(1, True))[:, 0])
)
wrong("resources.quantize", "scale_over_levels")(coder(scale=lambda b: b.abs().amax(1) / 7))
wrong("resources.quantize", "scale_is_spread")(coder(scale=lambda blocks: blocks.std(1)))
wrong("resources.quantize", "zero_block")(coder(divide=lambda b, s: b / s[:, None]))
wrong("resources.quantize", "zero_block")(
    coder(divide=lambda b, s: b / s.clamp(min=1e-30)[:, None] + (s == 0)[:, None])
)
wrong("resources.quantize", "not_nearest")(
    coder(nearest=lambda u, v: torch.bucketize(u, v, right=True) - 1)
)
wrong("resources.quantize", "not_nearest")(coder(nearest=lambda u, v: torch.bucketize(u, v)))
wrong("resources.quantize", "even_levels")(
    coder(nearest=lambda u, v: ((u + 1) * 7.5).round().long())
)
wrong("resources.quantize", "fixed_levels")(
    coder(nearest=lambda u, v: (u[..., None] - torch.tensor(LEVELS)).abs().argmin(-1))
)
wrong("resources.quantize", "not_divided")(coder(divide=lambda b, s: b))
wrong("resources.quantize", "codes_out_of_range")(
    coder(nearest=lambda u, v: (u[..., None] - v).abs().argmin(-1) - 8)
)
wrong("resources.quantize", "codes_value")(
    coder(nearest=lambda u, v: 15 - (u[..., None] - v).abs().argmin(-1))
)
wrong("resources.quantize", "codes_not_integers")(
    coder(nearest=lambda u, v: v[(u[..., None] - v).abs().argmin(-1)])
)
wrong("resources.quantize", "codes_shape")(coder(finish=lambda codes, scales: (codes, scales)))
wrong("resources.quantize", "scales_shape")(
    coder(finish=lambda codes, scales: (codes.flatten(), scales[:, None]))
)
wrong("resources.quantize", "not_a_pair")(coder(finish=lambda codes, scales: codes.flatten()))
wrong("resources.quantize", "not_a_pair")(coder(finish=lambda c, s: (c.flatten(), s, 64)))

right("resources.quantize")(coder())
right("resources.quantize")(
    coder(
        nearest=lambda u, v: torch.bucketize(u, (v[1:] + v[:-1]) / 2).to(torch.uint8),
        divide=lambda b, s: b / torch.where(s == 0, 1.0, s)[:, None],
    )
)
right("resources.quantize")(
    coder(
        scale=lambda b: torch.where(b.abs().amax(1) == 0, 1.0, b.abs().amax(1)),
        divide=lambda b, s: b / s[:, None],
        finish=lambda codes, scales: [codes.reshape(-1).int(), scales],
    )
)


@right("resources.quantize")
def _(weights, levels, block):  # one weight at a time
    codes, scales = [], []
    for start in range(0, len(weights), block):
        part = weights[start : start + block].tolist()
        scale = max(abs(w) for w in part)
        scales.append(scale)
        for w in part:
            distances = [abs((w / scale if scale else 0.0) - v) for v in levels.tolist()]
            codes.append(distances.index(min(distances)))
    return torch.tensor(codes), torch.tensor(scales)


# ---------------------------------------------------------------- resources.levels


def units(sample):
    blocks = sample.view(-1, 64)
    return (blocks / blocks.abs().amax(1, keepdim=True)).flatten()


def lloyd(sample, count, times=30):
    """A right answer."""
    unit = units(sample)
    levels = torch.quantile(unit, (torch.arange(count) + 0.5) / count)
    for _ in range(times):
        nearest = torch.bucketize(unit, (levels[1:] + levels[:-1]) / 2)
        sums = torch.zeros(count).index_add(0, nearest, unit)
        levels = sums / torch.bincount(nearest, minlength=count).clamp(min=1)
    return levels


wrong("resources.levels", "not_better")(lambda sample, count: torch.linspace(-1, 1, count))
wrong("resources.levels", "not_better")(lambda s, count: torch.linspace(-1, 1, count) ** 3)
wrong("resources.levels", "not_better")(lambda s, count: lloyd(s, count, times=0))  # quantiles
wrong("resources.levels", "count")(lambda sample, count: lloyd(sample, 16))
wrong("resources.levels", "count")(lambda sample, count: lloyd(sample, count)[None])
wrong("resources.levels", "not_rising")(lambda sample, count: lloyd(sample, count).flip(0))
wrong("resources.levels", "outside")(lambda sample, count: lloyd(sample, count) * 3)
wrong("resources.levels", "not_finite")(lambda sample, count: lloyd(sample, count) / 0)
wrong("resources.levels", "not_levels")(lambda sample, count: {"levels": lloyd(sample, count)})
wrong("resources.levels", "not_levels")(lambda sample, count: None)


@wrong("resources.levels", "worse_on_uniform")
def _(sample, count):  # fitted to a bell, whatever the sample
    made = torch.Generator().manual_seed(0)
    return lloyd(torch.randn(64_000, generator=made), count)


right("resources.levels")(lloyd)
right("resources.levels")(lambda sample, count: lloyd(sample, count).tolist())
right("resources.levels")(lambda sample, count: lloyd(sample[:12_800], count, 60))
