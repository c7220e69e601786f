"""Wrong and right answers to adapters.merge, .state and .layer, as learners write them."""

import torch

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- adapters.merge

wrong("adapters.merge", "scale_forgotten")(lambda w, a, b, alpha: w + b @ a)
wrong("adapters.merge", "alpha_not_divided")(lambda w, a, b, alpha: w + alpha * b @ a)
wrong("adapters.merge", "scale_inverted")(lambda w, a, b, alpha: w + a.shape[0] / alpha * b @ a)
wrong("adapters.merge", "wrong_rank")(lambda w, a, b, alpha: w + alpha / a.shape[1] * b @ a)
wrong("adapters.merge", "wrong_rank")(lambda w, a, b, alpha: w + alpha / len(b) * b @ a)
wrong("adapters.merge", "transposed")(lambda w, a, b, alpha: w + alpha / len(a) * (b @ a).T)
wrong("adapters.merge", "transposed")(lambda w, a, b, alpha: w + alpha / len(a) * a.T @ b.T)
wrong("adapters.merge", "subtracted")(lambda w, a, b, alpha: w - alpha / len(a) * b @ a)
wrong("adapters.merge", "delta_only")(lambda w, a, b, alpha: alpha / len(a) * b @ a)
wrong("adapters.merge", "averaged")(lambda w, a, b, alpha: w + (alpha / len(a) * b @ a - w) / 2)
wrong("adapters.merge", "mutated")(lambda w, a, b, alpha: w.add_(b @ a, alpha=alpha / len(a)))
wrong("adapters.merge", "exception")(lambda w, a, b, alpha: w + alpha / len(a) * a @ b)
wrong("adapters.merge", "return_type")(lambda w, a, b, alpha: (w + b @ a).tolist())

right("adapters.merge")(lambda w, a, b, alpha: w + alpha / len(a) * b @ a)
right("adapters.merge")(lambda w, a, b, alpha: w.addmm(b, a, alpha=alpha / b.shape[1]))
right("adapters.merge")(lambda w, a, b, alpha: (w.T + a.T @ (b.T * (alpha / len(a)))).T)


# ---------------------------------------------------------------- adapters.state


def chosen(keep, rename=lambda key, name: key.replace(f".{name}.weight", ".weight")):
    return lambda state, name: {rename(k, name): t for k, t in state.items() if keep(k, name)}


def mine(key, name):
    return "lora_" in key and f".{name}." in key


wrong("adapters.state", "whole_model")(lambda state, name: state)
wrong("adapters.state", "whole_model")(chosen(lambda k, name: "lora_" not in k or mine(k, name)))
wrong("adapters.state", "other_adapter")(chosen(lambda k, name: "lora_" in k and name in k))
wrong("adapters.state", "name_kept")(chosen(mine, lambda k, name: k))
wrong("adapters.state", "half")(chosen(lambda k, name: mine(k, name) and "lora_A" in k))
wrong("adapters.state", "keys")(chosen(mine, lambda k, name: k.replace(f"{name}.", "")[17:]))
wrong("adapters.state", "keys")(chosen(lambda k, name: mine(k, name) and "v_proj" in k))
wrong("adapters.state", "return_type")(lambda state, name: [k for k in state if mine(k, name)])


wrong("adapters.state", "no_pair")(
    lambda state, n: {k.replace(f".{n}.", "."): t for k, t in state.items() if f".{n}." in k}
)


@wrong("adapters.state", "tensor_changed")
def _(state, name):  # takes the name out of every adapter's keys: the last one wins
    return {".".join(k.split(".")[:-2]) + ".weight": t for k, t in state.items() if "lora_" in k}


@wrong("adapters.state", "mutated")
def _(state, name):
    for key in [k for k in state if not mine(k, name)]:
        del state[key]
    return {k.replace(f".{name}.", "."): t for k, t in state.items()}


right("adapters.state")(chosen(mine))


@right("adapters.state")
def _(state, name):
    found = {}
    for key in state:
        *stem, side, own, last = key.split(".")
        if own == name and side in ("lora_A", "lora_B"):
            found[".".join([*stem, side, last])] = state[key].clone()
    return found


# ---------------------------------------------------------------- adapters.layer


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


right("adapters.layer")(Layer)


@right("adapters.layer")
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


@wrong("adapters.layer", "no_weight")
class _(Layer):
    def __init__(self, *args):
        super().__init__(*args)
        del self.weight


@wrong("adapters.layer", "merged_at_birth")
class _(Layer):
    def __init__(self, *args):
        super().__init__(*args)
        self.merge()


@wrong("adapters.layer", "adapter_unused")
class _(Layer):
    def __call__(self, x):
        return x @ self.weight.T


@wrong("adapters.layer", "scale_forgotten")
class _(Layer):
    def __init__(self, *args):
        super().__init__(*args)
        self.scale = 1.0


@wrong("adapters.layer", "base_forgotten")
class _(Layer):
    def __call__(self, x):
        return self.scale * (x @ self.a.T) @ self.b.T


@wrong("adapters.layer", "forward_value")
class _(Layer):
    def __call__(self, x):
        return super().__call__(x) * 2


@wrong("adapters.layer", "unmerged_early")
class _(Layer):
    def unmerge(self):
        self.weight = self.weight - self.scale * self.b @ self.a


@wrong("adapters.layer", "base_overwritten")
class _(Layer):
    def merge(self):
        if not self.merged:
            self.weight += self.scale * self.b @ self.a
            self.merged = True


@wrong("adapters.layer", "not_merged")
class _(Layer):
    def merge(self):
        self.merged = False


@wrong("adapters.layer", "merged_twice")
class _(Layer):
    def merge(self):
        self.weight = self.weight + self.scale * self.b @ self.a
        self.merged = True


@wrong("adapters.layer", "weight_value")
class _(Layer):
    def merge(self):
        self.weight = self.weight + self.b @ self.a
        self.merged = True


@wrong("adapters.layer", "counted_twice")
class _(Layer):
    def __call__(self, x):
        return x @ self.weight.T + self.scale * (x @ self.a.T) @ self.b.T


@wrong("adapters.layer", "output_moved")
class _(Layer):
    off = False

    def unmerge(self):
        if self.merged and not self.off:
            self.weight = self.weight - self.scale * self.b @ self.a
            self.off = True  # and still marked as merged


@wrong("adapters.layer", "not_unmerged")
class _(Layer):
    def unmerge(self):
        self.merged = False


@wrong("adapters.layer", "none")
class _(Layer):
    def __call__(self, x):
        print(super().__call__(x))


@wrong("adapters.layer", "not_class")
def _(weight, a, b, alpha):
    return Layer(weight, a, b, alpha)
