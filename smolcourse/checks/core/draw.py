"""Tensors drawn from the generator that `cases` is given, so that one seed decides everything."""

import random
from collections.abc import Iterator
from contextlib import contextmanager


def normal(rng: random.Random, *shape: int):
    """A float32 tensor of standard normal numbers."""
    import torch

    return torch.randn(shape, generator=_generator(rng))


def integers(rng: random.Random, low: int, high: int, *shape: int):
    """An int64 tensor of numbers from `low` to `high` - 1."""
    import torch

    return torch.randint(low, high, shape, generator=_generator(rng))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's own generator begins at `seed`: for modules, which draw their weights from it.

    Not `torch.manual_seed`: where a GPU has not started yet, it notes a stack trace at each call.
    """
    import torch

    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def _generator(rng: random.Random):
    import torch

    return torch.Generator().manual_seed(rng.getrandbits(60))
