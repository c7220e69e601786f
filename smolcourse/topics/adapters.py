"""Adapters as files: saved with the fingerprint of their base, loaded only onto that base.

PEFT loads an adapter onto every model whose shapes fit. On other weights of the same shape it then
computes nonsense without a word. So `save_adapter` writes down which weights the adapter was
trained on, and `load_adapter` compares before it loads.

Introduced in lesson 3_parameter_efficient_finetuning/adapters.
"""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path

from smolcourse.errors import CourseError, one_of
from smolcourse.textfiles import read_text

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
BASE = "base.json"
PREFIX = "base_model.model."  # what PEFT puts before the names of the base's own modules


def base_tensors(model) -> dict:
    """{name: parameter} of the base alone, with or without adapters around it.

    The names are those of the base's own `named_parameters()`, so that a model can be compared
    with itself before an adapter was added. Introduced in
    `3_parameter_efficient_finetuning/adapters`.
    """
    found = {}
    for key, tensor in _core(model).named_parameters():
        if not _of_an_adapter(key):
            found[_own_name(key)] = tensor.detach()
    return found


def hashes(model) -> dict[str, str]:
    """{name: sha256 of its bytes} of every base parameter: equal only if no bit has changed."""
    return {name: _digest(tensor) for name, tensor in base_tensors(model).items()}


def fingerprint(model) -> str | None:
    """One sha256 for the weights of the base: the same in float32 as in bf16.

    The values are rounded to bf16 before they are hashed, since one checkpoint is loaded in
    16 bits on a GPU and in 32 on a CPU. None for quantised weights, whose bytes say nothing
    about the checkpoint that they were made from.
    """
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(base_tensors(model).items()):
        if not tensor.is_floating_point():
            return None
        digest.update(f"{name} {tuple(tensor.shape)} ".encode())
        digest.update(_digest(tensor.to(torch.bfloat16)).encode())
    return digest.hexdigest()


def save_adapter(model, folder: str | Path, adapter: str = "default") -> Path:
    """Write one adapter of a PEFT model into `folder`, and the fingerprint of its base beside it.

    Three files: PEFT's own `adapter_config.json` and `adapter_model.safetensors`, which
    `PeftModel.from_pretrained` reads too, and `base.json`. A base that was loaded from a folder is
    written down by the folder's name: your own paths do not travel with the adapter.

    Raises `CourseError` for a model without that adapter, and while an adapter is merged.
    Introduced in `3_parameter_efficient_finetuning/adapters`.
    """
    configs = getattr(model, "peft_config", None)
    if not configs:
        raise CourseError(
            "This model has no adapter to save: train one with peft_config=..., "
            "or save the whole model with model.save_pretrained(folder)."
        )
    if adapter not in configs:
        raise one_of("adapter", adapter, configs)
    _refuse_merged(model, "saved")
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = copy.copy(configs[adapter])
    config.inference_mode = True  # frozen when it is loaded again, as PEFT saves it
    config.base_model_name_or_path = base_name(model)
    state = get_peft_model_state_dict(model, adapter_name=adapter, save_embedding_layers=False)
    state = {key: tensor.detach().cpu().contiguous() for key, tensor in state.items()}
    save_file(state, str(folder / WEIGHTS), metadata={"format": "pt"})
    config.save_pretrained(str(folder))
    base = {"name": base_name(model), "fingerprint": fingerprint(model)}
    (folder / BASE).write_text(json.dumps(base, indent=2) + "\n", encoding="utf-8")
    return folder


def load_adapter(model, folder: str | Path, name: str = "default", any_base: bool = False):
    """The model with the adapter of `folder` added under `name`: a PEFT model, frozen, in eval mode.

    `model` is a plain model or one that has adapters already; which adapter is active does not
    change in the second case. `any_base=True` skips the question whether the base is the right
    one, not whether the shapes fit.

    Raises `CourseError` for a folder without a whole adapter, another base, shapes that do not
    fit, a name that is taken, and a model with a merged adapter; the model is then as it was.
    Introduced in `3_parameter_efficient_finetuning/adapters`.
    """
    folder = Path(folder)
    config, shapes = _read(folder)
    if name in getattr(model, "peft_config", {}):
        raise CourseError(
            "This model already has an adapter '{name}'; choose another name, or delete the old one with model.delete_adapter('{name}').",
            name=name,
        )
    _refuse_merged(model, "loaded")
    if not any_base:
        _refuse_other_base(model, folder, config)
    _refuse_other_shapes(model, folder, config, shapes)
    from peft import PeftModel

    options = {"adapter_name": name, "torch_device": str(_core(model).device)}
    if isinstance(model, PeftModel):
        model.load_adapter(str(folder), **options)
    else:
        model = PeftModel.from_pretrained(model, str(folder), **options)
    return model.eval()


def base_name(model) -> str:
    """What the base is called: its Hub id, or the last part of the folder it was loaded from."""
    where = str(getattr(_core(model), "name_or_path", "") or "")
    return Path(where).name if Path(where).is_dir() or where.count("/") != 1 else where


# ---------------------------------------------------------------- reading


def _read(folder: Path):
    """(PEFT's configuration, {tensor name: shape}) of the adapter in a folder."""
    if not (folder / CONFIG).is_file():
        if (folder / "config.json").is_file():
            raise CourseError(
                "'{name}' holds a whole model and not an adapter: it has a config.json and no {CONFIG}; load it with from_pretrained.",
                name=folder.name,
                CONFIG=CONFIG,
            )
        raise CourseError(
            "There is no adapter in '{name}': {CONFIG} is missing; name the folder that save_adapter or a trainer's save_model() wrote.",
            name=folder.name,
            CONFIG=CONFIG,
        )
    if not (folder / WEIGHTS).is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        reason = "only has its weights as a pickle, which can run code when it is opened"
        raise CourseError(
            "The adapter in '{name}' {f}; {pickled}.",
            name=folder.name,
            f=reason if pickled else f"has no {WEIGHTS}",
            pickled="ask its author for safetensors" if pickled else "fetch or save it again",
        )
    from peft import PeftConfig
    from safetensors import SafetensorError, safe_open

    try:
        config = PeftConfig.from_pretrained(str(folder))
        config.peft_type.value  # noqa: B018 (nothing says what kind of adapter it is)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CourseError(
            "{CONFIG} in '{name}' is damaged or only half downloaded; fetch it again.",
            CONFIG=CONFIG,
            name=folder.name,
        ) from error
    try:
        with safe_open(str(folder / WEIGHTS), framework="pt") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CourseError(
            "{WEIGHTS} in '{name}' is damaged or only half downloaded; fetch it again.",
            WEIGHTS=WEIGHTS,
            name=folder.name,
        ) from error
    return config, shapes


def _refuse_other_base(model, folder: Path, config) -> None:
    """The fingerprint decides; where an adapter brings none, the names do."""
    try:
        base = json.loads(read_text(folder / BASE))
        trained_on, wanted = base["name"], base["fingerprint"]
    except FileNotFoundError:
        trained_on, wanted = config.base_model_name_or_path, None
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            "{BASE} in '{name}' is damaged; fetch the adapter again.", BASE=BASE, name=folder.name
        ) from error
    here = fingerprint(model) if wanted else None
    trained_on, own = str(trained_on or ""), base_name(model)
    if wanted and here:
        other = wanted != here
    else:
        names = [name.rstrip("/").rpartition("/")[2] for name in (trained_on, own)]
        other = all(names) and names[0] != names[1]
    if not other:
        return
    what = f"this model is {own}" if own and own != trained_on else "this model has other weights"
    raise CourseError(
        "The adapter in '{name}' was trained on {trained_on}, and {what}{trained_on_}; load it onto the base that it was trained on.",
        name=folder.name,
        trained_on=trained_on or "another base",
        what=what,
        trained_on_=" (was it fine-tuned, or an adapter merged into it?)"
        if own == trained_on
        else "",
    )


def _refuse_other_shapes(model, folder: Path, config, shapes: dict) -> None:
    """Each pair of LoRA matrices has a layer that it fits, and each layer that wants one has it."""
    from peft import PeftType
    from peft.tuners.tuners_utils import check_target_module_exists

    if config.peft_type != PeftType.LORA:
        return  # prompts and other small things: PEFT compares their shapes itself
    layers = _layers(model)
    problem, adapted = None, set()
    for key, shape in shapes.items():
        layer, _, part = key.removeprefix(PREFIX).partition(".lora_")
        if not part.startswith(("A.", "B.")):
            continue
        adapted.add(layer)
        if layer not in layers:
            problem = f"it has weights for {layer}, which this model lacks"
        else:
            out, into = layers[layer]
            own, theirs = (into, shape[-1]) if part.startswith("A.") else (out, shape[0])
            side = "takes" if part.startswith("A.") else "gives"
            if own != theirs:
                problem = f"{layer} {side} {own} numbers here and {theirs} in the adapter"
        if problem:
            break
    bare = [n for n in layers if n not in adapted and check_target_module_exists(config, n)]
    if not problem and bare:
        problem = f"it has no weights for {bare[0]}"
    if problem:
        raise CourseError(
            "The adapter in '{name}' does not fit this model: {problem}; load it onto its own base ({base_model_name_or_path}).",
            name=folder.name,
            problem=problem,
            base_model_name_or_path=config.base_model_name_or_path or "not named in it",
        )


# ---------------------------------------------------------------- looking into models


def _core(model):
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _of_an_adapter(key: str) -> bool:
    return any(part.startswith("lora_") or part == "modules_to_save" for part in key.split("."))


def _own_name(key: str) -> str:
    return ".".join(p for p in key.split(".") if p not in ("base_layer", "original_module"))


def _layers(model) -> dict[str, tuple[int, int]]:
    """{name in the base: (out, in)} of the linear layers."""
    import torch

    return {
        _own_name(key): (module.out_features, module.in_features)
        for key, module in _core(model).named_modules()
        if isinstance(module, torch.nn.Linear) and not _of_an_adapter(key)
    }


def _refuse_merged(model, what: str) -> None:
    if any(getattr(module, "merged", False) is True for module in model.modules()):
        raise CourseError(
            "An adapter is merged into this model, so no adapter can be {what}: call model.unmerge_adapter() first, or load the base afresh.",
            what=what,
        )


def _digest(tensor) -> str:
    import torch

    raw = tensor.cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(raw.numpy().tobytes()).hexdigest()
