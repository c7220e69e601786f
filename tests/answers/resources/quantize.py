"""Wrong and right answers to resources.quantize."""

import torch
from answers import answers

wrong, right, good = answers("resources.quantize")


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


wrong("codes_value")(coder(nearest=lambda u, v: 15 - (u[..., None] - v).abs().argmin(-1)))
wrong("codes_not_integers")(coder(nearest=lambda u, v: v[(u[..., None] - v).abs().argmin(-1)]))
wrong("codes_shape")(coder(finish=lambda codes, scales: (codes, scales)))
wrong("scales_shape")(coder(finish=lambda codes, scales: (codes.flatten(), scales[:, None])))
wrong("not_a_pair")(coder(finish=lambda codes, scales: codes.flatten()))
wrong("not_a_pair")(coder(finish=lambda c, s: (c.flatten(), s, 64)))
right(coder())
right(
    coder(
        nearest=lambda u, v: torch.bucketize(u, (v[1:] + v[:-1]) / 2).to(torch.uint8),
        divide=lambda b, s: b / torch.where(s == 0, 1.0, s)[:, None],
    )
)
right(
    coder(
        scale=lambda b: torch.where(b.abs().amax(1) == 0, 1.0, b.abs().amax(1)),
        divide=lambda b, s: b / s[:, None],
        finish=lambda codes, scales: [codes.reshape(-1).int(), scales],
    )
)


@right
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


wrong("scales_value")(coder(scale=lambda blocks: 3 * blocks.abs().amax(1)))
