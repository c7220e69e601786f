"""Wrong and right answers to resources.levels."""

import torch
from answers import answers

wrong, right, good = answers("resources.levels")


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


wrong("not_levels")(lambda sample, count: {"levels": lloyd(sample, count)})
wrong("not_levels")(lambda sample, count: None)


@wrong("worse_on_uniform")
def _(sample, count):  # fitted to a bell, whatever the sample
    made = torch.Generator().manual_seed(0)
    return lloyd(torch.randn(64_000, generator=made), count)


right(lloyd)
right(lambda sample, count: lloyd(sample, count).tolist())
right(lambda sample, count: lloyd(sample[:12_800], count, 60))
