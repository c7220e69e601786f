# generated from 3_parameter_efficient_finetuning/notebooks/source/lora.py by smolcourse build; do not edit
"""Reference answer of exercise lora.plan."""
# ruff: noqa

from smolcourse.reference.lora.count import count_lora

def plan(config: dict, budget: int) -> dict:
    """Where to put LoRA, and how large, with at most `budget` trained parameters.

    Example (yours may differ): for a budget of ten times what all seven projections cost at rank 1, a plan may be
    {"targets": [all seven], "r": 10, "alpha": 8, "learning_rate": 0.01}.
    """
    attention, mlp = ["q_proj", "k_proj", "v_proj", "o_proj"], ["gate_proj", "up_proj", "down_proj"]
    singles = sorted(
        ([name] for name in attention + mlp), key=lambda targets: count_lora(config, targets, 1)
    )
    for targets in (attention + mlp, mlp, attention, ["q_proj", "v_proj"], *reversed(singles)):
        r = budget // count_lora(config, targets, 1)
        if r >= 1:
            return {"targets": targets, "r": r, "alpha": 8, "learning_rate": 0.01}
    raise ValueError(f"A budget of {budget} parameters is too small for any projection at rank 1.")

answer = plan
