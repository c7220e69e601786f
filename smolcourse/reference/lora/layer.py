# generated from 3_parameter_efficient_finetuning/notebooks/source/lora.py by smolcourse build; do not edit
"""Reference answer of exercise lora.layer."""
# ruff: noqa

import torch


class LoRALinear(torch.nn.Module):
    """A frozen linear layer with a trained change of low rank.

    Example: LoRALinear(torch.nn.Linear(8, 4), r=2, alpha=6) has A of shape (2, 8), B of shape (4, 2) and the scale 3.
    """

    def __init__(self, base: torch.nn.Linear, r: int, alpha: float):
        import math

        super().__init__()
        if r < 1:
            raise ValueError(f"The rank of LoRA must be at least 1, not {r}.")
        self.base = base.requires_grad_(False)
        self.scale = alpha / r
        like = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.A = torch.nn.Parameter(torch.empty(r, base.in_features, **like))
        self.B = torch.nn.Parameter(torch.zeros(base.out_features, r, **like))
        torch.nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)

answer = LoRALinear
