"""Tensors drawn from the generator that `cases` is given, so that one seed decides everything."""

import random


def normal(rng: random.Random, *shape: int):
    """A float32 tensor of standard normal numbers."""
    import torch

    return torch.randn(shape, generator=_generator(rng))


def integers(rng: random.Random, low: int, high: int, *shape: int):
    """An int64 tensor of numbers from `low` to `high` - 1."""
    import torch

    return torch.randint(low, high, shape, generator=_generator(rng))


def _generator(rng: random.Random):
    import torch

    return torch.Generator().manual_seed(rng.getrandbits(60))
