"""adapters.state: the tensors of one adapter out of a whole model's state dict."""

import torch

from smolcourse.checks.core import Wrong, expect_type, normal, short

pure = True


def cases(rng):
    # Names that are pieces of one another; alone first, where a mistake says the most.
    several = ("impolite", "polite", "polite2")
    asked = ((("default",), "default"), (several, "polite"), (several, "impolite"))
    return [(_state(rng, adapters), name) for adapters, name in asked]


def _state(rng, adapters) -> dict:
    """The state dict of a small model with LoRA adapters, in PEFT's names."""
    state = {"base_model.model.model.embed_tokens.weight": normal(rng, 4, 2)}
    for layer, module in ((0, "q_proj"), (0, "v_proj"), (1, "q_proj")):
        stem = f"base_model.model.model.layers.{layer}.self_attn.{module}"
        state[f"{stem}.base_layer.weight"] = normal(rng, 2, 2)
        for name in adapters:
            state[f"{stem}.lora_A.{name}.weight"] = normal(rng, 1, 2)
            state[f"{stem}.lora_B.{name}.weight"] = normal(rng, 2, 1)
    state["base_model.model.model.norm.weight"] = normal(rng, 2)
    # What LoraConfig(modules_to_save=["score"]) adds: a whole trained copy of a layer, no A and B.
    state["base_model.model.score.original_module.weight"] = normal(rng, 2, 2)
    for name in adapters:
        state[f"base_model.model.score.modules_to_save.{name}.weight"] = normal(rng, 2, 2)
    return state


def observe(answer, case):
    return expect_type(answer(*case), dict)


def judge(seen, wanted, case):
    if seen.keys() != wanted.keys():
        _judge_keys([str(key) for key in seen], wanted, case)
    for key, tensor in wanted.items():
        got = expect_type(seen[key], torch.Tensor, where=f"[{key!r}]", outer="dict")
        if not torch.equal(got, tensor):
            raise Wrong("tensor_changed", place=key)


def _judge_keys(keys, wanted, case) -> None:
    """Raise Wrong with what is the matter with these keys."""
    state, name = case
    base = [key for key in keys if "lora_" not in key and "modules_to" not in key]
    if base:
        raise Wrong("whole_model", count=len(base))
    adapters = {key.split(".")[-2] for key in state if "lora_" in key} - {name}
    others = [other for other in sorted(adapters) if any(f".{other}." in key for key in keys)]
    if others:
        raise Wrong("other_adapter", name=name, other=others[0])
    if any(f".{name}." in key for key in keys):
        raise Wrong("name_kept", name=name)
    copies = [key for key in keys if "modules_to" in key]
    if copies:
        raise Wrong("no_pair", place=copies[0])
    if set(keys) < wanted.keys() and len({key.split("lora_")[1][0] for key in keys}) == 1:
        raise Wrong("half")
    raise Wrong("keys", got=short(sorted(keys)), expected=short(sorted(wanted)))


def _chosen(keep, rename=lambda key, name: key.replace(f".{name}.", ".")):
    """A mistake: other keys chosen, or renamed in another way."""
    return lambda right, state, name: {
        rename(key, name): tensor for key, tensor in state.items() if keep(key, name)
    }


mistakes = {
    "whole_model": [
        lambda right, state, name: state,
        lambda right, state, name: (
            right(state, name) | {key: t for key, t in state.items() if "lora_" not in key}
        ),
    ],
    "other_adapter": _chosen(lambda key, name: "lora_" in key and name in key),
    "name_kept": _chosen(
        lambda key, name: "lora_" in key and f".{name}." in key, lambda key, name: key
    ),
    "no_pair": _chosen(lambda key, name: f".{name}." in key),
    "half": _chosen(lambda key, name: f".lora_A.{name}." in key),
    "tensor_changed": _chosen(  # the name out of every adapter's keys: the last one wins
        lambda key, name: "lora_" in key,
        lambda key, name: ".".join([*key.split(".")[:-2], "weight"]),
    ),
}
