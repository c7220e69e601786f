"""Wrong and right answers to lora.layer and lora.inject."""

import math

import torch
from torch import nn

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- lora.layer


class Good(nn.Module):
    """A right answer whose pieces the wrong ones replace."""

    def __init__(self, base, r, alpha):
        super().__init__()
        self.check(r)
        self.base, self.r, self.alpha = base, r, alpha
        self.freeze()
        self.A = nn.Parameter(self.first(r, base.in_features))
        self.B = nn.Parameter(self.second(base.out_features, r))

    def check(self, r):
        if r < 1:
            raise ValueError(f"The rank is {r}; it must be at least 1.")

    def freeze(self):
        for parameter in self.base.parameters():
            parameter.requires_grad = False

    def first(self, *shape):
        return torch.randn(shape) / shape[1] ** 0.5

    def second(self, *shape):
        return torch.zeros(shape)

    def scale(self):
        return self.alpha / self.r

    def change(self, x):
        return x @ self.A.T @ self.B.T

    def forward(self, x):
        return self.base(x) + self.scale() * self.change(x)


def but(**pieces):
    """`Good` with some of its methods replaced."""
    return type("LoRALinear", (Good,), pieces)


def zeros(self, *shape):
    return torch.zeros(shape)


wrong("lora.layer", "b_not_zero")(but(second=Good.first))
wrong("lora.layer", "b_not_zero")(but(second=Good.first, first=zeros))
wrong("lora.layer", "both_zero")(but(first=zeros))
wrong("lora.layer", "a_constant")(but(first=lambda self, *shape: torch.full(shape, 0.1)))
wrong("lora.layer", "a_constant")(
    but(first=lambda self, *shape: torch.arange(math.prod(shape)).view(shape) / 10)
)
wrong("lora.layer", "a_not_finite")(but(first=lambda self, *s: torch.full(s, float("nan"))))
wrong("lora.layer", "parameter_shape")(but(first=lambda self, r, n: torch.randn(n, r)))
wrong("lora.layer", "parameter_shape")(but(second=lambda self, n, r: torch.zeros(r, n)))
wrong("lora.layer", "base_not_frozen")(but(freeze=lambda self: None))
wrong("lora.layer", "base_not_frozen")(
    but(freeze=lambda self: self.base.weight.requires_grad_(False))
)
wrong("lora.layer", "frozen")(
    but(forward=Good.forward, __init__=lambda self, *args: _frozen(self, *args))
)
wrong("lora.layer", "scale_forgotten")(but(scale=lambda self: 1.0))
wrong("lora.layer", "scale_rounded")(but(scale=lambda self: self.alpha // self.r))
wrong("lora.layer", "scale_rounded")(but(scale=lambda self: int(self.alpha / self.r)))
wrong("lora.layer", "root_of_rank")(but(scale=lambda self: self.alpha / self.r**0.5))
wrong("lora.layer", "alpha_only")(but(scale=lambda self: self.alpha))
wrong("lora.layer", "scale_inverted")(but(scale=lambda self: self.r / self.alpha))
wrong("lora.layer", "scale_twice")(but(scale=lambda self: (self.alpha / self.r) ** 2))
wrong("lora.layer", "subtracted")(but(scale=lambda self: -self.alpha / self.r))
wrong("lora.layer", "base_scaled")(
    but(forward=lambda self, x: self.scale() * (self.base(x) + self.change(x)))
)
wrong("lora.layer", "delta_only")(but(forward=lambda self, x: self.scale() * self.change(x)))
wrong("lora.layer", "change_missing")(but(forward=lambda self, x: self.base(x)))
wrong("lora.layer", "bias_forgotten")(
    but(forward=lambda s, x: x @ (s.base.weight + s.scale() * s.B @ s.A).T)
)
wrong("lora.layer", "bias_twice")(
    but(forward=lambda s, x: Good.forward(s, x) + (0 if s.base.bias is None else s.base.bias))
)
wrong("lora.layer", "start_differs")(but(forward=lambda s, x: 1.01 * Good.forward(s, x)))
wrong("lora.layer", "start_differs")(but(forward=lambda s, x: Good.forward(s, x) + (s.r > 3)))
wrong("lora.layer", "output_value")(but(change=lambda s, x: (x @ s.A.T).relu() @ s.B.T))
wrong("lora.layer", "output_shape")(but(forward=lambda s, x: Good.forward(s, x).flatten(0, 1)))
wrong("lora.layer", "no_gradient")(but(change=lambda s, x: x @ s.A.T.detach() @ s.B.T))
wrong("lora.layer", "no_gradient")(but(change=lambda s, x: x @ s.A.data.T @ s.B.data.T))
wrong("lora.layer", "no_gradient")(
    but(forward=lambda s, x: s.base(x).detach() + s.scale() * s.change(x))
)
wrong("lora.layer", "none")(but(forward=lambda self, x: None))
wrong("lora.layer", "return_type")(but(forward=lambda self, x: (Good.forward(self, x),)))
wrong("lora.layer", "rank_accepted")(but(check=lambda self, r: None, scale=lambda s: s.alpha / s.r))
wrong("lora.layer", "rank_error")(but(check=lambda self, r: 1 / r if r else 1 / 0))
wrong("lora.layer", "rank_error")(but(check=lambda self, r: [0][0 if r > 0 else 1]))
wrong("lora.layer", "exception")(but(change=lambda self, x: x @ self.A @ self.B))


def _frozen(self, *args):
    Good.__init__(self, *args)
    self.requires_grad_(False)


@wrong("lora.layer", "rank_sentence")
class _(Good):
    def check(self, r):
        if r < 1:
            raise ValueError(r)


@wrong("lora.layer", "not_module")
class _:
    def __init__(self, base, r, alpha):
        self.A, self.B = torch.randn(r, 4), torch.zeros(4, r)


@wrong("lora.layer", "missing_parameter")
class _(nn.Module):
    def __init__(self, base, r, alpha):
        super().__init__()
        self.lora_A = nn.Linear(base.in_features, r, bias=False)


@wrong("lora.layer", "module_instead")
class _(nn.Module):  # as PEFT keeps them
    def __init__(self, base, r, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Linear(base.in_features, r, bias=False)
        self.B = nn.Linear(r, base.out_features, bias=False)


@wrong("lora.layer", "not_parameter")
class _(nn.Module):
    def __init__(self, base, r, alpha):
        super().__init__()
        self.A = torch.randn(r, base.in_features, requires_grad=True)
        self.B = torch.zeros(base.out_features, r, requires_grad=True)


right("lora.layer")(Good)
right("lora.layer")(but(second=lambda self, *s: torch.randn(s) * 0))
right("lora.layer")(
    but(
        forward=lambda s, x: nn.functional.linear(
            x, s.base.weight + s.scale() * s.B @ s.A, s.base.bias
        )
    )
)


@right("lora.layer")
class _(nn.Module):  # initialised with nn's own functions, the factor on A
    def __init__(self, base, r, alpha):
        super().__init__()
        if not r > 0:
            raise ValueError("a rank below one is no rank")
        self.linear = base
        self.linear.weight.requires_grad = False
        if base.bias is not None:
            self.linear.bias.requires_grad = False
        self.A = nn.Parameter(torch.empty(r, base.in_features))
        self.B = nn.Parameter(torch.empty(base.out_features, r))
        nn.init.normal_(self.A, std=1 / r)
        nn.init.zeros_(self.B)
        self.register_buffer("factor", torch.tensor(alpha / r))

    def forward(self, x):
        low = nn.functional.linear(x, self.factor * self.A)
        return nn.functional.linear(low, self.B) + self.linear(x)


# ---------------------------------------------------------------- lora.inject


def injected(
    matches=lambda name, targets: name.rpartition(".")[2] in targets,
    freeze=lambda model: model.requires_grad_(False),
    after=lambda model: None,
    names=lambda chosen: chosen,
    strict=True,
    make=lambda wrap, linear: wrap(linear),
    kind=nn.Linear,
):
    """A parametrised injection; right as it stands."""

    def inject(model, targets, wrap):
        freeze(model)
        chosen = [
            name
            for name, module in model.named_modules()
            if isinstance(module, kind) and matches(name, targets)
        ]
        if strict and {name.split(".")[-1] for name in chosen} < set(targets):
            raise ValueError("A target has no layer.")
        for name in chosen:
            *parents, own = name.split(".")
            parent = model
            for step in parents:
                parent = getattr(parent, step)
            setattr(parent, own, make(wrap, getattr(parent, own)))
        after(model)
        return names(chosen)

    return inject


def contains(name, targets):
    return any(target in name for target in targets)


def by_end(name, targets):
    return any(name.endswith(target) for target in targets)


def without_narrow(name, targets):
    own = name.split(".")[-1]
    return own in targets and own not in ("k_proj", "v_proj")


def only_trained_weights(model):
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "proj" not in name


def reset(wrap, linear):
    linear.reset_parameters()
    return wrap(linear)


wrong("lora.inject", "substring")(injected(by_end))
wrong("lora.inject", "substring")(injected(contains))
wrong("lora.inject", "key_value_skipped")(injected(without_narrow, strict=False))
wrong("lora.inject", "missed")(
    injected(lambda name, targets: "layers.0." in name and "q_proj" in name)
)
wrong("lora.inject", "too_many")(injected(lambda name, targets: True, strict=False))
wrong("lora.inject", "base_not_frozen")(injected(freeze=lambda model: None))
wrong("lora.inject", "base_not_frozen")(injected(freeze=only_trained_weights))
wrong("lora.inject", "adapter_frozen")(
    injected(freeze=lambda model: None, after=lambda model: model.requires_grad_(False))
)
wrong("lora.inject", "names")(injected(names=lambda chosen: [c.split(".")[-1] for c in chosen]))
wrong("lora.inject", "names")(injected(names=lambda chosen: []))
wrong("lora.inject", "return_type")(injected(names=len))
wrong("lora.inject", "none")(injected(names=lambda chosen: None))
wrong("lora.inject", "output_value")(injected(make=reset))
wrong("lora.inject", "unknown_target")(injected(strict=False))
wrong("lora.inject", "exception")(lambda model, targets, wrap: model.q_proj)


@wrong("lora.inject", "nothing_replaced")
def _(model, targets, wrap):
    names = []
    for name, module in model.named_modules():
        if name.split(".")[-1] in targets:
            module = wrap(module)  # noqa: PLW2901
            names.append(name)
    return names


@wrong("lora.inject", "dotted_child")
def _(model, targets, wrap):  # setattr takes a dotted name without a word
    model.requires_grad_(False)
    layers = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.split(".")[-1] in targets
    ]
    for name, linear in layers:
        setattr(model, name, wrap(linear))
    return [name for name, _ in layers]


@wrong("lora.inject", "names")
def _(model, targets, wrap):  # a layer at the top of the model is ".lm_head" for it
    names = []
    for path, parent in list(model.named_modules()):
        for own, child in list(parent.named_children()):
            if own in targets and isinstance(child, nn.Linear):
                names.append(f"{path}.{own}")
    if {name.split(".")[-1] for name in names} < set(targets):
        raise ValueError("A target has no layer.")
    model.requires_grad_(False)
    for name in names:
        path, _, own = name.rpartition(".")
        parent = model.get_submodule(path)
        setattr(parent, own, wrap(getattr(parent, own)))
    return names


@wrong("lora.inject", "unknown_error")
def _(model, targets, wrap):
    known = {
        name.split(".")[-1] for name, module in model.named_modules() if type(module) is nn.Linear
    }
    assert known >= set(targets)
    return injected()(model, targets, wrap)


right("lora.inject")(injected())
right("lora.inject")(injected(names=tuple))


@right("lora.inject")
def _(model, targets, wrap):  # from parent to parent
    for parameter in model.parameters():
        parameter.requires_grad = False
    found = []
    for path, parent in list(model.named_modules()):
        for own, child in list(parent.named_children()):
            if own in targets and isinstance(child, nn.Linear):
                setattr(parent, own, wrap(child))
                found.append(f"{path}.{own}" if path else own)
    absent = [target for target in targets if not any(f".{target}" in f".{n}" for n in found)]
    if absent:
        raise ValueError(f"no layer is called {absent}")
    return found
