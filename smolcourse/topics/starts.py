"""Starts of an adapter that change weights of the base, and how such an adapter is kept.

PiSSA and its kin move a part of each weight into the adapter before training. The adapter then fits
only what is left of the base, which is no longer the base that others have.

Introduced in lesson 3_parameter_efficient_finetuning/adapters.
"""

from __future__ import annotations

from pathlib import Path

from smolcourse.errors import CourseError
from smolcourse.topics.bases import base_tensors

CHANGED = "base_changed.safetensors"
PREFIX = "base_model.model."  # what PEFT puts before the names of the base's own modules

# PEFT repeats the first on loading, from the base alone; the others depend on chance or on data.
REPEATED = ("pissa", "olora", "kasa")
DRAWN = ("pissa_niter", "corda", "lora_ga", "loftq")


def changed_by(config, state: dict, model) -> set[str]:
    """The base's parameters that this adapter's start or training changed, by name.

    `config`: PEFT's of the adapter; `state`: what PEFT saves of it; `model`: what it is in.
    """
    changed = set()
    if _changes_base(config):
        layers = [key.removeprefix(PREFIX).partition(".lora_")[0] for key in state]
        changed = {f"{layer}.weight" for layer in layers}
    if getattr(config, "bias", "none") in ("all", "lora_only"):  # trained, and saved by PEFT
        keys = [key.removeprefix(PREFIX).replace(".base_layer.", ".") for key in state]
        changed |= {key for key in keys if key.endswith(".bias")}
    return changed & set(base_tensors(model))


def save_changed(config, changed: set[str], model, folder: Path) -> None:
    """Write the base's changed layers beside the adapter, if PEFT can't repeat the change."""
    from safetensors.torch import save_file

    (folder / CHANGED).unlink(missing_ok=True)  # of an adapter that was saved here before
    if not _begins(config, DRAWN):
        return
    own = base_tensors(model)
    tensors = {name: own[name].cpu().contiguous().clone() for name in sorted(changed)}
    save_file(tensors, str(folder / CHANGED), metadata={"format": "pt"})


def read_changed(config, folder: Path) -> dict | None:
    """{name in the base: tensor} of the layers that `save_changed` wrote; None if there are none.

    Raises `CourseError` if the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not _begins(config, DRAWN) or not (folder / CHANGED).is_file():
        return None
    try:
        return load_file(str(folder / CHANGED))
    except (SafetensorError, OSError) as error:
        raise CourseError(
            "{WEIGHTS} in '{name}' is damaged or only half downloaded; fetch it again.",
            WEIGHTS=CHANGED,
            name=folder.name,
        ) from error


def load_changed(model, folder: Path, config, changed: dict, options: dict):
    """The PEFT model, its base changed as it was; `options` are those of `from_pretrained`."""
    from peft import PeftModel

    start, config.init_lora_weights = config.init_lora_weights, True  # PEFT must not draw anew
    model = PeftModel.from_pretrained(model, str(folder), config=config, **options)
    model.peft_config[options["adapter_name"]].init_lora_weights = start  # it may be saved again
    own = base_tensors(model)
    for name, tensor in changed.items():
        own[name].copy_(tensor)
    return model


def refuse_beside_others(config, model, folder: Path) -> None:
    """One sentence if this adapter would change the base beneath other adapters."""
    if getattr(model, "peft_config", None) and _changes_base(config):
        raise CourseError(
            "The adapter in '{name}' changes weights of the base ({start}), and this model's other adapters need them as they are; load it onto a base of its own.",
            name=folder.name,
            start=_start(config),
        )


def refuse_lost(config, changed: dict | None, folder: Path) -> None:
    """One sentence if the change can neither be repeated nor read; PEFT would compute nonsense.

    LoftQ alone is computed from the base, where there is a GPU.
    """
    if changed is None and _begins(config, DRAWN) and not _begins(config, ("loftq",)):
        raise CourseError(
            "The adapter in '{name}' began with {start}, which changed the base by chance or by data, and {CHANGED} is missing; save it again with save_adapter, or as plain LoRA with PEFT's path_initial_model_for_weight_conversion.",
            name=folder.name,
            start=_start(config),
            CHANGED=CHANGED,
        )


def _changes_base(config) -> bool:
    return _begins(config, REPEATED + DRAWN)


def _begins(config, names: tuple[str, ...]) -> bool:
    start = _start(config)
    return start in names or any(start.startswith(f"{name}_") for name in names)


def _start(config) -> str:
    kasa = getattr(config, "kasa_config", None)
    return "kasa" if kasa else str(getattr(config, "init_lora_weights", "")).lower()
