"""The base beneath adapters: its tensors, their fingerprint, what it is called, where it lies.

PEFT wraps layers of the base in layers of its own, differently for each method. What belongs to the
base is found by going through the wrappers, not by the names of what they add.

Introduced in lesson 3_parameter_efficient_finetuning/adapters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.nn import Module

CACHED = "models--"  # the Hub's cache: models--ORG--NAME/snapshots/COMMIT


def base_tensors(model) -> dict:
    """{name: parameter} of the base alone, with or without adapters around it.

    The names are those of the base's own `named_parameters()`, so that a model can be compared
    with itself before an adapter was added. Introduced in
    `3_parameter_efficient_finetuning/adapters`.
    """
    found, seen = {}, set()
    for path, module in base_modules(model):
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if id(parameter) not in seen:  # tied weights have the name that comes first
                seen.add(id(parameter))
                found[f"{path}.{name}".lstrip(".")] = parameter.detach()
    return found


def base_modules(model) -> Iterator[tuple[str, Module]]:
    """(name, module) of all modules of the base, as without adapters; wrappers are looked through."""
    from peft.tuners.adaption_prompt import AdaptedAttention
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    def beneath(module):
        if isinstance(module, AuxiliaryTrainingWrapper):
            return module.original_module
        if isinstance(module, BaseTunerLayer):
            return module.base_layer
        return module.model if isinstance(module, AdaptedAttention) else None

    def walk(path: str, module: Module) -> Iterator[tuple[str, Module]]:
        while (inner := beneath(module)) is not None:
            module = inner
        yield path, module
        for name, child in module.named_children():
            yield from walk(f"{path}.{name}".lstrip("."), child)

    yield from walk("", core(model))


def core(model):
    """The base without what PEFT puts around it as a whole; layers may still be wrapped."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def hashes(model) -> dict[str, str]:
    """{name: sha256 of its bytes} of every base parameter: equal only if no bit has changed."""
    return {name: _digest(tensor) for name, tensor in base_tensors(model).items()}


def fingerprint(model, without: Collection[str] = ()) -> str | None:
    """One sha256 for the weights of the base: the same in float32 as in bf16.

    The values are rounded to bf16 before they are hashed, since one checkpoint is loaded in
    16 bits on a GPU and in 32 on a CPU. Parameters named in `without` do not count. None for
    quantised weights, whose bytes say nothing about the checkpoint that they were made from.
    """
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(base_tensors(model).items()):
        if not tensor.is_floating_point():
            return None
        if name in without:
            continue
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(_digest(tensor.to(torch.bfloat16)).encode())
    return digest.hexdigest()


def _digest(tensor) -> str:
    import torch

    raw = tensor.cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(raw.numpy().tobytes()).hexdigest()


# ---------------------------------------------------------------- names


def called(where) -> str:
    r"""What a base is called, by whatever it was loaded from: a Hub id, or a folder's name.

    A path of the Hub's cache is the id of the model in it, on every system; of any other path the
    last part counts. "" for nothing.

    >>> called("/data/.cache/huggingface/hub/models--acme--tiny/snapshots/1a2b3c")
    'acme/tiny'
    >>> called("D:\\me\\models\\tiny\\"), called("acme/tiny"), called("./acme/tiny/")
    ('tiny', 'acme/tiny', 'tiny')
    """
    text = str(where or "").strip()
    parts = [part for part in re.split(r"[\\/]+", text) if part not in ("", ".")]
    for part in reversed(parts):
        if part.startswith(CACHED):
            return "/".join(part.removeprefix(CACHED).split("--"))
    if not parts:
        return ""
    hub_id = len(parts) == 2 and re.fullmatch(r"[\w.-]+/[\w.-]+", text) and text[0] != "."
    if hub_id and not Path(text).is_dir():
        return text
    return parts[-1].replace("___", ".")  # ModelScope's cache writes SmolLM2-1.7B so


def base_name(model) -> str:
    """What the base of a model is called: its Hub id, or the name of the folder it came from."""
    return called(getattr(core(model), "name_or_path", ""))


def same_base(one: str, other: str) -> bool:
    """Whether two names, as `called` gives them, may be one base: the Hub ignores case, and a copy
    of a model has another owner."""
    return _last(one) == _last(other)


def _last(name: str) -> str:
    return name.rpartition("/")[2].casefold()
