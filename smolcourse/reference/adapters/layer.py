# generated from 3_parameter_efficient_finetuning/notebooks/source/adapters.py by smolcourse build; do not edit
"""Reference answer of exercise adapters.layer."""
# ruff: noqa

class AdapterLayer:
    """A linear layer without bias, with one LoRA adapter that can be merged.

    Example: weight [[1.0]], a [[2.0]], b [[3.0]], alpha 1.0. Called with [[1.0]] it returns [[7.0]], before
    merge(), after it, and after unmerge().
    """

    def __init__(self, weight, a, b, alpha: float):
        self.weight, self.a, self.b = weight, a, b
        self.scale = alpha / a.shape[0]
        self.merged = False

    def __call__(self, x):
        y = x @ self.weight.T
        return y if self.merged else y + self.scale * (x @ self.a.T) @ self.b.T

    def merge(self):
        if not self.merged:
            self.weight = self.weight + self.scale * (self.b @ self.a)
            self.merged = True

    def unmerge(self):
        if self.merged:
            self.weight = self.weight - self.scale * (self.b @ self.a)
            self.merged = False

answer = AdapterLayer
