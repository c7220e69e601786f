# generated from 3_parameter_efficient_finetuning/notebooks/source/adapters.py by smolcourse build; do not edit
"""Reference answer of exercise adapters.state."""
# ruff: noqa

def adapter_state(state: dict, name: str) -> dict:
    """The tensors of one adapter, under the keys that a file has.

    Example: of {"q.base_layer.weight": w, "q.lora_A.polite.weight": a, "q.lora_B.polite.weight": b}
    and the name "polite", what is left is {"q.lora_A.weight": a, "q.lora_B.weight": b}.
    """
    found = {}
    for key, tensor in state.items():
        parts = key.split(".")
        if parts[-3:-2] in (["lora_A"], ["lora_B"]) and parts[-2] == name:
            found[".".join(parts[:-2] + parts[-1:])] = tensor
    return found

answer = adapter_state
