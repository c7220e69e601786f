"""Wrong and right answers to lora.layer."""

import math

import torch
from answers import answers
from torch import nn

wrong, right, good = answers("lora.layer")


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


wrong("b_not_zero")(but(second=Good.first))
wrong("b_not_zero")(but(second=Good.first, first=zeros))
wrong("both_zero")(but(first=zeros))
wrong("a_constant")(but(first=lambda self, *shape: torch.full(shape, 0.1)))
wrong("a_constant")(but(first=lambda self, *shape: torch.arange(math.prod(shape)).view(shape) / 10))
wrong("a_not_finite")(but(first=lambda self, *s: torch.full(s, float("nan"))))
wrong("parameter_shape")(but(first=lambda self, r, n: torch.randn(n, r)))
wrong("parameter_shape")(but(second=lambda self, n, r: torch.zeros(r, n)))
wrong("base_not_frozen")(but(freeze=lambda self: None))
wrong("base_not_frozen")(but(freeze=lambda self: self.base.weight.requires_grad_(False)))
wrong("frozen")(but(forward=Good.forward, __init__=lambda self, *args: _frozen(self, *args)))
wrong("start_differs")(but(forward=lambda s, x: 1.01 * Good.forward(s, x)))
wrong("start_differs")(but(forward=lambda s, x: Good.forward(s, x) + (s.r > 3)))
wrong("output_value")(but(change=lambda s, x: (x @ s.A.T).relu() @ s.B.T))
wrong("output_shape")(but(forward=lambda s, x: Good.forward(s, x).flatten(0, 1)))
wrong("no_gradient")(but(change=lambda s, x: x @ s.A.T.detach() @ s.B.T))
wrong("no_gradient")(but(change=lambda s, x: x @ s.A.data.T @ s.B.data.T))
wrong("no_gradient")(but(forward=lambda s, x: s.base(x).detach() + s.scale() * s.change(x)))
wrong("none")(but(forward=lambda self, x: None))
wrong("return_type")(but(forward=lambda self, x: (Good.forward(self, x),)))
wrong("rank_accepted")(but(check=lambda self, r: None, scale=lambda s: s.alpha / s.r))
wrong("rank_error")(but(check=lambda self, r: 1 / r if r else 1 / 0))
wrong("rank_error")(but(check=lambda self, r: [0][0 if r > 0 else 1]))
wrong("exception")(but(change=lambda self, x: x @ self.A @ self.B))


def _frozen(self, *args):
    Good.__init__(self, *args)
    self.requires_grad_(False)


@wrong("rank_sentence")
class _(Good):
    def check(self, r):
        if r < 1:
            raise ValueError(r)


@wrong("not_module")
class _:
    def __init__(self, base, r, alpha):
        self.A, self.B = torch.randn(r, 4), torch.zeros(4, r)


@wrong("missing_parameter")
class _(nn.Module):
    def __init__(self, base, r, alpha):
        super().__init__()
        self.lora_A = nn.Linear(base.in_features, r, bias=False)


@wrong("module_instead")
class _(nn.Module):  # as PEFT keeps them
    def __init__(self, base, r, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.A = nn.Linear(base.in_features, r, bias=False)
        self.B = nn.Linear(r, base.out_features, bias=False)


@wrong("not_parameter")
class _(nn.Module):
    def __init__(self, base, r, alpha):
        super().__init__()
        self.A = torch.randn(r, base.in_features, requires_grad=True)
        self.B = torch.zeros(base.out_features, r, requires_grad=True)


right(Good)
right(but(second=lambda self, *s: torch.randn(s) * 0))
right(
    but(
        forward=lambda s, x: nn.functional.linear(
            x, s.base.weight + s.scale() * s.B @ s.A, s.base.bias
        )
    )
)


@right
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
