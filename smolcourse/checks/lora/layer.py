"""lora.layer: a LoRA module around a linear layer: what it holds, what it computes, what learns."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type, normal
from smolcourse.checks.lora.common import refuses_ranks


def cases(rng):
    drawn = []
    for n, m, r, alpha, bias in ((8, 4, 2, 6, False), (6, 10, 4, 6, True), (5, 5, 1, 3, True)):
        drawn.append(
            {
                "weight": normal(rng, m, n),
                "bias": normal(rng, m) if bias else None,
                "r": r,
                "alpha": alpha,
                "x": normal(rng, 2, 5, n),
                "A": normal(rng, r, n),
                "B": normal(rng, m, r),
                "upstream": normal(rng, 2, 5, m),
            }
        )
    return drawn


def observe(answer, case):
    made = answer(_linear(case), case["r"], case["alpha"])
    if not isinstance(made, torch.nn.Module):
        raise Wrong("not_module", got=type(made).__name__)
    _look_at_parameters(made, case)
    x = case["x"].clone().requires_grad_()
    shape = case["upstream"].shape
    start = _tensor(made(x), shape)
    with torch.no_grad():
        made.A.copy_(case["A"])
        made.B.copy_(case["B"])
    output = _tensor(made(x), shape)
    if not output.requires_grad:
        raise Wrong("no_gradient", name="A, B")
    wanted = (made.A, made.B, x)
    slopes = torch.autograd.grad((output * case["upstream"]).sum(), wanted, allow_unused=True)
    seen = Seen(start_differs=start, output_value=output)
    if torch.equal(*(answer(_linear(case), case["r"], case["alpha"]).A for _ in range(2))):
        raise Wrong("a_constant")
    refuses_ranks(lambda r: answer(torch.nn.Linear(4, 3), r, 8))
    return Seen(seen | {f"no_gradient:{n}": g for n, g in zip("ABx", slopes, strict=True)})


def _linear(case):
    m, n = case["weight"].shape
    linear = torch.nn.Linear(n, m, bias=case["bias"] is not None)
    with torch.no_grad():
        linear.weight.copy_(case["weight"])
        if case["bias"] is not None:
            linear.bias.copy_(case["bias"])
    return linear


def _tensor(output, shape):
    expect_shape(expect_type(output, torch.Tensor), shape, "output_shape")
    return output


def _look_at_parameters(made, case) -> None:
    """The layer before training: parameters, their shapes, and what is trained."""
    parameters = dict(made.named_parameters())
    for name in "AB":
        value, shape = getattr(made, name, None), tuple(case[name].shape)
        if value is None:
            raise Wrong("missing_parameter", name=name)
        if isinstance(value, torch.nn.Module):
            raise Wrong("module_instead", name=name, got=type(value).__name__, expected=shape)
        if not any(value is p for p in parameters.values()):
            raise Wrong("not_parameter", name=name, got=type(value).__name__)
        if tuple(value.shape) != shape:
            raise Wrong("parameter_shape", name=name, got=tuple(value.shape), expected=shape)
        if not value.requires_grad:
            raise Wrong("frozen", name=name)
    a, b = made.A, made.B
    if not bool(b.any()) and not bool(a.any()):
        raise Wrong("both_zero")
    if bool(b.any()):
        raise Wrong("b_not_zero")
    if not bool(torch.isfinite(a).all()):
        raise Wrong("a_not_finite")
    if a.numel() > 1 and bool((a == a.flatten()[0]).all()):
        raise Wrong("a_constant")
    own = [n for n, p in parameters.items() if p.requires_grad and p is not a and p is not b]
    if own:
        raise Wrong("base_not_frozen", names=", ".join(own))


def _scaled(scale):
    """A mistake: the layer with another scale, `scale(alpha, r)`."""

    def make(right):
        class Layer(right):
            def __init__(self, base, r, alpha):
                super().__init__(base, r, alpha)
                self.scale = scale(alpha, r)

        return Layer

    return make


def _forward(forward):
    """A mistake: the layer with another `forward(layer, x, change)`, `change` without its scale."""

    def make(right):
        def wrong(self, x):
            return forward(self, x, x @ self.A.T @ self.B.T)

        return type("Layer", (right,), {"forward": wrong})

    return make


def _bias(layer):
    return 0 if layer.base.bias is None else layer.base.bias


mistakes = {
    "scale_rounded": _scaled(lambda alpha, r: alpha // r),
    "scale_forgotten": _scaled(lambda alpha, r: 1),
    "root_of_rank": _scaled(lambda alpha, r: alpha / r**0.5),
    "alpha_only": _scaled(lambda alpha, r: alpha),
    "scale_inverted": _scaled(lambda alpha, r: r / alpha),
    "scale_twice": _scaled(lambda alpha, r: (alpha / r) ** 2),
    "subtracted": _scaled(lambda alpha, r: -alpha / r),
    "base_scaled": _forward(lambda layer, x, change: layer.scale * (layer.base(x) + change)),
    "delta_only": _forward(lambda layer, x, change: layer.scale * change),
    "change_missing": _forward(lambda layer, x, change: layer.base(x) + 0 * change),
    "bias_forgotten": _forward(
        lambda layer, x, change: layer.base(x) + layer.scale * change - _bias(layer)
    ),
    "bias_twice": _forward(
        lambda layer, x, change: layer.base(x) + layer.scale * change + _bias(layer)
    ),
}
