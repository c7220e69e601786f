"""resources.levels: any levels that beat evenly spaced ones on fresh weights of the same kind."""

import torch

from smolcourse.checks.core import Wrong, expect_type, normal

pure = True
MANY, BLOCK = 25_600, 64
# The error that is allowed, as a share of evenly spaced levels' on the same weights.
LIMITS = {"bell-shaped": 0.93, "long-tailed": 0.80, "uniform": 1.05}


def cases(rng):
    bell, flat, tails = (normal(rng, 2 * MANY) for _ in range(3))
    uniform = (1 + torch.erf(flat / 2**0.5)) / 2  # of a normal number, its place among all
    lengths = -torch.log1p(-(torch.erf(tails.abs() / 2**0.5)).clamp(max=1 - 1e-6))
    kinds = {
        "bell-shaped": 0.05 * bell,
        "long-tailed": lengths * tails.sign(),
        "uniform": uniform - 0.5,
    }
    return [
        {"kind": kind, "sample": weights[:MANY], "fresh": weights[MANY:], "count": count}
        for kind, weights in kinds.items()
        for count in (16, 8)
    ]


def observe(answer, case):
    got = answer(case["sample"], case["count"])
    got = expect_type(got, (torch.Tensor, list, tuple), "not_levels")
    return torch.as_tensor(got, dtype=torch.float32)


def judge(seen, wanted, case):
    count, kind = case["count"], case["kind"]
    if seen.shape != (count,):
        raise Wrong("count", got=tuple(seen.shape), want=count)
    if not bool(seen.isfinite().all()):
        raise Wrong("not_finite")
    if not bool((seen[1:] >= seen[:-1]).all()):
        raise Wrong("not_rising")
    if seen.abs().max() > 1 + 1e-6:
        raise Wrong("outside", largest=f"{float(seen.abs().max()):.3g}")
    share = _error(case["fresh"], seen) / _error(case["fresh"], torch.linspace(-1, 1, count))
    if share > LIMITS[kind]:
        key = "worse_on_uniform" if kind == "uniform" else "not_better"
        raise Wrong(key, kind=kind, count=count, share=f"{share:.0%}", limit=f"{LIMITS[kind]:.0%}")


def _error(weights, levels) -> float:
    """Root of the mean squared error of block-wise rounding to `levels` (any number of them)."""
    blocks = weights.view(-1, BLOCK)
    scales = blocks.abs().amax(1, keepdim=True)
    nearest = torch.bucketize(blocks / scales, (levels[1:] + levels[:-1]) / 2)
    return float((levels[nearest] * scales - blocks).square().mean().sqrt())


mistakes = {
    "not_better": [
        lambda right, sample, count: torch.linspace(-1, 1, count),
        lambda right, sample, count: torch.linspace(-1, 1, count) ** 3,
    ],
    "count": [
        lambda right, sample, count: right(sample, 16) if count == 8 else right(sample, 8),
        lambda right, sample, count: right(sample, count)[None],
    ],
    "not_rising": lambda right, sample, count: right(sample, count).flip(0),
    "outside": lambda right, sample, count: right(sample, count) * 3,
    "not_finite": lambda right, sample, count: right(sample, count) / 0,
}
