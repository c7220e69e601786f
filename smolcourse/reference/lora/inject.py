# generated from 3_parameter_efficient_finetuning/notebooks/source/lora.py by smolcourse build; do not edit
"""Reference answer of exercise lora.inject."""
# ruff: noqa

def inject(model, targets: list[str], wrap) -> list[str]:
    """Freeze `model`, wrap the targeted linear layers, return their names.

    Example: inject(model, ["q_proj"], lambda linear: LoRALinear(linear, 4, 8)) on a model of two blocks returns
    ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"].
    """
    import torch

    model.requires_grad_(False)
    linears = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    chosen = [name for name in linears if name.rpartition(".")[2] in targets]
    missing = set(targets) - {name.rpartition(".")[2] for name in chosen}
    if missing:
        raise ValueError(f"The model has no linear layer named {', '.join(sorted(missing))}.")
    for name in chosen:
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, wrap(linears[name]))
    return chosen

answer = inject
