"""What the exercises on soft prompts share."""

from types import SimpleNamespace

import torch

from smolcourse.checks.core import Seen, Wrong, expect_type


def changed(config, **numbers):
    """A copy of a model's config with some of its numbers replaced."""
    return SimpleNamespace(**{**vars(config), **numbers})


def tensors(got, names: tuple) -> list:
    """The tensors of a returned dict, in the order of `names`; or Wrong."""
    got = expect_type(got, dict)
    for name in names:
        if name not in got:
            raise Wrong("missing_key", name=name)
        expect_type(got[name], torch.Tensor, "not_tensor", name=name)
    return [got[name] for name in names]


def form_of(batch: list, names: tuple) -> Seen:
    """The tensors' shapes, and the dtypes of those behind the first, inputs_embeds."""
    pairs = list(zip(names, batch, strict=True))
    shapes = {f"batch_shape:{name}": tuple(tensor.shape) for name, tensor in pairs}
    return Seen(shapes | {f"not_int64:{name}": str(tensor.dtype) for name, tensor in pairs[1:]})


def slope(parts: list, leaf):
    """The gradient of the sum of all `parts` with respect to `leaf`; None if there is none."""
    total = sum(part.sum() for part in parts)
    if not total.requires_grad:
        return None
    return torch.autograd.grad(total, leaf, allow_unused=True)[0]


def with_tensor(name: str, change):
    """A mistake: the right dict with one tensor replaced by `change(dict, *args)`."""
    return lambda right, *args: (batch := right(*args)) | {name: change(batch, *args)}
