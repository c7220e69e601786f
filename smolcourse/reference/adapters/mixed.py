# generated from 3_parameter_efficient_finetuning/notebooks/source/adapters.py by smolcourse build; do not edit
"""Reference answer of exercise adapters.mixed."""
# ruff: noqa

def mixed_forward(x, weight, adapters: dict, names: list[str]):
    """Each row through the base and through its own adapter.

    Example: weight [[1.0]], adapters {"loud": ([[1.0]], [[1.0]], 2.0)}, x [[[1.0]], [[1.0]]] and names
    ["loud", "__base__"] give [[[3.0]], [[1.0]]].
    """
    y = x @ weight.T
    for name, (a, b, scale) in adapters.items():
        rows = [i for i, wanted in enumerate(names) if wanted == name]
        y[rows] = y[rows] + scale * (x[rows] @ a.T) @ b.T
    return y

answer = mixed_forward
