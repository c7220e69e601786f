"""Wrong and right answers to adapters.layer."""

import torch
from answers import answers

wrong, right, good = answers("adapters.layer")


class Layer:
    """Right as it stands; the variants below change one line each."""

    def __init__(self, weight, a, b, alpha):
        self.weight, self.a, self.b, self.scale = weight, a, b, alpha / a.shape[0]
        self.merged = False

    def __call__(self, x):
        base = x @ self.weight.T
        return base if self.merged else base + self.scale * (x @ self.a.T) @ self.b.T

    def merge(self):
        if not self.merged:
            self.weight = self.weight + self.scale * self.b @ self.a
            self.merged = True

    def unmerge(self):
        if self.merged:
            self.weight = self.weight - self.scale * self.b @ self.a
            self.merged = False


right(Layer)


@right
class Keeps(Layer):
    def __init__(self, weight, a, b, alpha):
        super().__init__(weight.clone(), a, b, alpha)
        self.base = weight

    def __call__(self, x):
        return torch.nn.functional.linear(x, self.base + self.scale * self.b @ self.a)

    def merge(self):
        self.weight = self.base + self.scale * self.b @ self.a

    def unmerge(self):
        self.weight = self.base


@wrong("no_weight")
class _(Layer):
    def __init__(self, *args):
        super().__init__(*args)
        del self.weight


@wrong("forward_value")
class _(Layer):
    def __call__(self, x):
        return super().__call__(x) * 2


@wrong("none")
class _(Layer):
    def __call__(self, x):
        print(super().__call__(x))


@wrong("not_class")
def _(weight, a, b, alpha):
    return Layer(weight, a, b, alpha)
