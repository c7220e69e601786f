# generated from 3_parameter_efficient_finetuning/notebooks/source/resource_strategies.py by smolcourse build; do not edit
"""Reference answer of exercise resources.plan."""
# ruff: noqa

def plan(sizes: dict, rows: int, budget: float) -> dict:
    """The first strategy that fits, and how to split the rows.

    >>> plan({"weights": 10, "gradients": 10, "optimizer": 20, "row": 5}, 8, 60)
    {'strategy': 'full', 'rows': 4, 'passes': 2}
    """
    weights, training, row = sizes["weights"], sizes["gradients"] + sizes["optimizer"], sizes["row"]
    strategies = [
        ("full", weights + training, row),
        ("checkpointing", weights + training, row / 4),
        ("lora", weights + 0.02 * training, row / 4),
        ("qlora", weights * 4.5 / 32 + 0.02 * training, row / 4),
    ]
    for name, fixed, one in strategies:
        for size in range(rows, 0, -1):
            if rows % size == 0 and fixed + size * one <= budget:
                return {"strategy": name, "rows": size, "passes": rows // size}
    return {"strategy": "too big", "rows": 0, "passes": 0}

answer = plan
