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


@wrong("merged_at_birth")
class _(Layer):
    def __init__(self, *args):
        super().__init__(*args)
        self.merge()


@wrong("adapter_unused")
class _(Layer):
    def __call__(self, x):
        return x @ self.weight.T


@wrong("scale_forgotten")
class _(Layer):
    def __init__(self, *args):
        super().__init__(*args)
        self.scale = 1.0


@wrong("base_forgotten")
class _(Layer):
    def __call__(self, x):
        return self.scale * (x @ self.a.T) @ self.b.T


@wrong("forward_value")
class _(Layer):
    def __call__(self, x):
        return super().__call__(x) * 2


@wrong("unmerged_early")
class _(Layer):
    def unmerge(self):
        self.weight = self.weight - self.scale * self.b @ self.a


@wrong("base_overwritten")
class _(Layer):
    def merge(self):
        if not self.merged:
            self.weight += self.scale * self.b @ self.a
            self.merged = True


@wrong("not_merged")
class _(Layer):
    def merge(self):
        self.merged = False


@wrong("merged_twice")
class _(Layer):
    def merge(self):
        self.weight = self.weight + self.scale * self.b @ self.a
        self.merged = True


@wrong("weight_value")
class _(Layer):
    def merge(self):
        self.weight = self.weight + self.b @ self.a
        self.merged = True


@wrong("counted_twice")
class _(Layer):
    def __call__(self, x):
        return x @ self.weight.T + self.scale * (x @ self.a.T) @ self.b.T


@wrong("output_moved")
class _(Layer):
    off = False

    def unmerge(self):
        if self.merged and not self.off:
            self.weight = self.weight - self.scale * self.b @ self.a
            self.off = True  # and still marked as merged


@wrong("not_unmerged")
class _(Layer):
    def unmerge(self):
        self.merged = False


@wrong("none")
class _(Layer):
    def __call__(self, x):
        print(super().__call__(x))


@wrong("not_class")
def _(weight, a, b, alpha):
    return Layer(weight, a, b, alpha)
