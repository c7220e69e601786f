"""Adapters as files: saved with the fingerprint of their base, loaded only onto that base.

PEFT loads an adapter onto every model whose shapes fit. On other weights of the same shape it then
computes nonsense without a word. So `save_adapter` writes down which weights the adapter was
trained on, and `load_adapter` compares before it loads.

Introduced in lesson 3_parameter_efficient_finetuning/adapters.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

from smolcourse.errors import CourseError, one_of
from smolcourse.textfiles import read_text
from smolcourse.topics import starts
from smolcourse.topics.bases import (
    base_modules,
    base_name,
    base_tensors,
    called,
    core,
    fingerprint,
    hashes,
    same_base,
)
from smolcourse.translate import tr

__all__ = [
    "base_tensors",
    "fingerprint",
    "hashes",
    "load_adapter",
    "save_adapter",
    "written_bases",
]

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
BASE = "base.json"


def save_adapter(model, folder: str | Path, adapter: str = "default") -> Path:
    """Write one adapter of a PEFT model into `folder`, and the fingerprint of its base beside it.

    Three files: PEFT's own `adapter_config.json` and `adapter_model.safetensors`, which
    `PeftModel.from_pretrained` reads too, and `base.json`. A base that was loaded from a folder is
    written down by the folder's name: your own paths do not travel with the adapter.

    Some starts change weights of the base. PiSSA's and OLoRA's are computed again on loading, and
    the fingerprint leaves out the layers concerned. Where chance or data decided (PiSSA with a fast
    SVD, CorDA, LoRA-GA, LoftQ), a fourth file, `base_changed.safetensors`, holds those layers: then
    the adapter is no small file, and only `load_adapter` loads it as it was.

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
    # A clone each: safetensors refuses tensors that share memory, as tied ones do.
    state = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in state.items()}
    save_file(state, str(folder / WEIGHTS), metadata={"format": "pt"})
    config.save_pretrained(str(folder))
    changed = starts.changed_by(configs[adapter], state, model)
    base: dict = {"name": base_name(model), "fingerprint": fingerprint(model, without=changed)}
    if changed:
        base["changed"] = sorted(changed)
    starts.save_changed(configs[adapter], changed, model, folder)
    (folder / BASE).write_text(json.dumps(base, indent=2) + "\n", encoding="utf-8")
    return folder


def load_adapter(model, folder: str | Path, name: str = "default", any_base: bool = False):
    """The model with the adapter of `folder` added under `name`: a PEFT model, frozen, in eval mode.

    `model` is a plain model or one that has adapters already; which adapter is active does not
    change in the second case. `any_base=True` skips the question whether the base is the right
    one, not whether the shapes fit. An adapter whose start changed the base (see `save_adapter`)
    changes it here too, and is refused beside others.

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
    starts.refuse_beside_others(config, model, folder)
    changed = starts.read_changed(config, folder)
    if not any_base:
        starts.refuse_lost(config, changed, folder)
        _refuse_other_base(model, folder, config)
    _refuse_other_shapes(model, folder, config, shapes)
    from peft import PeftModel

    options = {"adapter_name": name, "torch_device": str(core(model).device)}
    if isinstance(model, PeftModel):
        model.load_adapter(str(folder), **options)
    elif changed is None:
        model = PeftModel.from_pretrained(model, str(folder), **options)
    else:
        model = starts.load_changed(model, folder, config, changed, options)
    return model.eval()


def written_bases(folder: Path) -> list[str]:
    """What the files of an adapter say that its base is, as they say it: names, ids and paths.

    Raises `CourseError` for a folder without a whole adapter.
    """
    config, _ = _read(folder)
    written = (config.base_model_name_or_path, _read_base(folder).get("name"))
    return list(dict.fromkeys(str(where) for where in written if where))


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
            f=tr(reason) if pickled else tr("has no {WEIGHTS}", WEIGHTS=WEIGHTS),
            pickled=tr("ask its author for safetensors" if pickled else "fetch or save it again"),
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


def _read_base(folder: Path) -> dict:
    """What `save_adapter` wrote of the base; empty for an adapter that PEFT saved."""
    try:
        base = json.loads(read_text(folder / BASE))
        return {
            "name": base["name"],
            "fingerprint": base["fingerprint"],
            "changed": [str(name) for name in base.get("changed", [])],
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            "{BASE} in '{name}' is damaged; fetch the adapter again.", BASE=BASE, name=folder.name
        ) from error


def _refuse_other_base(model, folder: Path, config) -> None:
    """The fingerprint decides; where an adapter brings none, the names do."""
    base = _read_base(folder)
    trained_on = base.get("name", config.base_model_name_or_path)
    wanted, changed = base.get("fingerprint"), base.get("changed", [])
    here = fingerprint(model, without=changed) if wanted else None
    trained_on, own = called(trained_on), base_name(model)
    same = same_base(trained_on, own)
    other = wanted != here if wanted and here else bool(trained_on and own and not same)
    if not other:
        return
    what = tr("this model has other weights")
    if own and not same:
        what = tr("this model is {own}", own=own)
    raise CourseError(
        "The adapter in '{name}' was trained on {trained_on}, and {what}{trained_on_}; load it onto the base that it was trained on.",
        name=folder.name,
        trained_on=trained_on or tr("another base"),
        what=what,
        trained_on_=tr(" (was it fine-tuned, or an adapter merged into it?)") if same else "",
    )


def _refuse_other_shapes(model, folder: Path, config, shapes: dict) -> None:
    """Each pair of LoRA matrices has a layer that it fits, and each layer that wants one has it."""
    from peft import PeftType
    from peft.tuners.tuners_utils import check_target_module_exists

    if config.peft_type != PeftType.LORA or getattr(config, "layer_replication", None):
        return  # prompts and other small things: PEFT compares their shapes itself
    layers = _layers(model)
    problem, adapted = None, set()
    for key, shape in shapes.items():
        layer, _, part = key.removeprefix(starts.PREFIX).partition(".lora_")
        if not part.startswith(("A.", "B.")):
            continue
        adapted.add(layer)
        if layer not in layers:
            problem = tr("it has weights for {layer}, which this model lacks", layer=layer)
        else:
            out, into = layers[layer]
            own, theirs = (into, shape[-1]) if part.startswith("A.") else (out, shape[0])
            if own != theirs:
                side = tr("takes" if part.startswith("A.") else "gives")
                problem = tr(
                    "{layer} {side} {own} numbers here and {theirs} in the adapter",
                    layer=layer,
                    side=side,
                    own=own,
                    theirs=theirs,
                )
        if problem:
            break
    bare = [n for n in layers if n not in adapted and check_target_module_exists(config, n)]
    if not problem and bare:
        problem = tr("it has no weights for {layer}", layer=bare[0])
    if problem:
        raise CourseError(
            "The adapter in '{name}' does not fit this model: {problem}; load it onto its own base ({base_model_name_or_path}).",
            name=folder.name,
            problem=problem,
            base_model_name_or_path=called(config.base_model_name_or_path) or tr("not named in it"),
        )


# ---------------------------------------------------------------- looking into models


def _layers(model) -> dict[str, tuple[int, int]]:
    """{name in the base: (out, in)} of the linear layers."""
    import torch

    return {
        name: (module.out_features, module.in_features)
        for name, module in base_modules(model)
        if isinstance(module, torch.nn.Linear)
    }


def _refuse_merged(model, what: str) -> None:
    if any(getattr(module, "merged", False) is True for module in model.modules()):
        raise CourseError(
            "An adapter is merged into this model, so no adapter can be {what}: call model.unmerge_adapter() first, or load the base afresh.",
            what=tr(what),
        )
