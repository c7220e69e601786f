"""Checks of ``lora.layer`` and ``lora.inject``: a LoRA module, and putting it into a model."""

import copy

from smolcourse.check import Wrong, checker
from smolcourse.checks.peft_lora import _refuses_ranks

CLOSE = 1e-5


@checker("lora.layer")
def layer(answer, reference):
    import torch

    for inputs, outputs, r, alpha, bias in (
        (8, 4, 2, 6, False),
        (6, 10, 4, 6, True),
        (5, 5, 1, 3, True),
    ):
        linear = torch.nn.Linear(inputs, outputs, bias=bias)
        kept = copy.deepcopy(linear)
        made = answer(linear, r, alpha)
        if not isinstance(made, torch.nn.Module):
            raise Wrong("not_module", got=type(made).__name__)
        _layer_start(made, kept, r)
        _layer_values(made, kept, r, alpha)
    twins = [answer(torch.nn.Linear(8, 4), 2, 6).A for _ in range(2)]
    if torch.equal(*twins):
        raise Wrong("a_constant")
    _refuses_ranks(lambda r: answer(torch.nn.Linear(4, 3), r, 8))


def _layer_start(made, linear, r: int) -> None:
    """The layer before training: parameters, shapes, what is trained, the same output."""
    import torch

    parameters = dict(made.named_parameters())
    for name, shape in (("A", (r, linear.in_features)), ("B", (linear.out_features, r))):
        value = getattr(made, name, None)
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
    if not bool(a.any()) and not bool(b.any()):
        raise Wrong("both_zero")
    if bool(b.any()):
        raise Wrong("b_not_zero")
    if not bool(torch.isfinite(a).all()):
        raise Wrong("a_not_finite")
    if a.numel() > 1 and bool((a == a.flatten()[0]).all()):
        raise Wrong("a_constant")
    trained = [
        name for name, p in parameters.items() if p.requires_grad and p is not a and p is not b
    ]
    if trained:
        raise Wrong("base_not_frozen", names=", ".join(trained))


def _layer_values(made, linear, r: int, alpha: float) -> None:
    """Outputs and gradients with A and B that are not zero, against the formula."""
    import torch

    x = torch.randn(2, 5, linear.in_features)
    start = linear(x)
    mistakes = [("delta_only", torch.zeros_like(start)), ("base_scaled", alpha / r * start)]
    _expect(made(x), start, mistakes + _bias_mistakes(start, linear), "start_differs")
    a, b = torch.randn_like(made.A), torch.randn_like(made.B)
    with torch.no_grad():
        made.A.copy_(a)
        made.B.copy_(b)
    a.requires_grad_()
    b.requires_grad_()
    x.requires_grad_()
    base, delta = linear(x), x @ a.T @ b.T
    want = base + alpha / r * delta
    mistakes = [
        ("scale_rounded", base + alpha // r * delta),
        ("scale_forgotten", base + delta),
        ("root_of_rank", base + alpha / r**0.5 * delta),
        ("alpha_only", base + alpha * delta),
        ("scale_inverted", base + r / alpha * delta),
        ("scale_twice", base + (alpha / r) ** 2 * delta),
        ("base_scaled", alpha / r * (base + delta)),
        ("delta_only", alpha / r * delta),
        ("change_missing", base),
        ("subtracted", base - alpha / r * delta),
    ]
    mistakes += _bias_mistakes(want, linear)
    got = made(x)
    _expect(got, want, mistakes, "output_value")
    if not got.requires_grad:
        raise Wrong("no_gradient", name="A, B")
    weights = torch.randn_like(want)
    wanted = torch.autograd.grad((want * weights).sum(), (a, b, x))
    found = torch.autograd.grad((got * weights).sum(), (made.A, made.B, x), allow_unused=True)
    for name, mine, right in zip(("A", "B", "x"), found, wanted, strict=True):
        if mine is None or not torch.allclose(mine, right, atol=1e-4, rtol=1e-4):
            raise Wrong("no_gradient", name=name)


def _bias_mistakes(want, linear) -> list[tuple]:
    """What becomes of the right output `want` without the layer's bias, or with it twice."""
    if linear.bias is None:
        return []
    return [("bias_forgotten", want - linear.bias), ("bias_twice", want + linear.bias)]


def _expect(got, want, mistakes: list[tuple], key: str) -> None:
    """`got` is a tensor close to `want`, or Wrong with the first mistake that gives it."""
    import torch

    if got is None:
        raise Wrong("none", expected="Tensor", got="None")
    if not isinstance(got, torch.Tensor):
        raise Wrong("return_type", expected="Tensor", got=type(got).__name__)
    if got.shape != want.shape:
        raise Wrong("output_shape", got=tuple(got.shape), expected=tuple(want.shape))
    if torch.allclose(got, want, atol=CLOSE, rtol=CLOSE):
        return
    for known, value in mistakes:
        if torch.allclose(got, value, atol=CLOSE, rtol=CLOSE):
            raise Wrong(known)
    raise Wrong(key)


def _toy():
    """Names that contain each other: `up_proj` is not `group_proj`."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.up_proj = nn.Linear(6, 4)
            self.group_proj = nn.Linear(4, 6)
            self.up_proj_norm = nn.LayerNorm(6)

        def forward(self, x):
            return self.up_proj_norm(x + self.group_proj(self.up_proj(x)))

    return nn.Sequential(Block(), Block(), nn.Linear(6, 3))


def _transformer():
    """A small model with the names of a Llama's layers: 4 query heads, 1 key-value head."""
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj = nn.Linear(16, 24, bias=False)
            self.k_proj = nn.Linear(16, 6, bias=False)
            self.v_proj = nn.Linear(16, 6, bias=False)
            self.o_proj = nn.Linear(24, 16, bias=False)

        def forward(self, x):
            keys, values = self.k_proj(x).repeat(1, 1, 4), self.v_proj(x).repeat(1, 1, 4)
            return self.o_proj(torch.tanh(self.q_proj(x) * keys) * values)

    class MLP(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate_proj = nn.Linear(16, 20, bias=False)
            self.up_proj = nn.Linear(16, 20, bias=False)
            self.down_proj = nn.Linear(20, 16, bias=False)

        def forward(self, x):
            return self.down_proj(torch.relu(self.gate_proj(x)) * self.up_proj(x))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.self_attn, self.mlp, self.norm = Attention(), MLP(), nn.LayerNorm(16)

        def forward(self, x):
            return x + self.mlp(self.norm(x + self.self_attn(x)))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed_tokens = nn.Embedding(11, 16)
            self.layers = nn.ModuleList([Block(), Block()])
            self.lm_head = nn.Linear(16, 11, bias=False)
            self.lm_head.weight = self.embed_tokens.weight  # tied, as in SmolLM2

        def forward(self, ids):
            x = self.embed_tokens(ids)
            for block in self.layers:
                x = block(x)
            return self.lm_head(x)

    return Model()


@checker("lora.inject")
def inject(answer, reference):
    import torch
    from torch import nn

    class Wrapped(nn.Module):
        """Marks what was replaced; its output differs from the layer's by one."""

        def __init__(self, linear):
            super().__init__()
            self.base = linear
            self.extra = nn.Parameter(torch.ones(linear.out_features))

        def forward(self, x):
            return self.base(x) + self.extra

    every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    ids, x = torch.tensor([[1, 5, 3, 2]]), torch.randn(2, 6)
    cases = [
        (_transformer, ["q_proj"], ids),
        (_transformer, every, ids),
        (_transformer, ["k_proj", "v_proj"], ids),
        (_transformer, ["lm_head"], ids),  # at the top: its name has no dot
        (_toy, ["up_proj"], x),
    ]
    for make, targets, inputs in cases:
        model = make()
        twin, calls = copy.deepcopy(model), []

        def wrap(linear, calls=calls):
            calls.append(linear)
            return Wrapped(linear)

        got = answer(model, list(targets), wrap)
        want = reference(twin, list(targets), Wrapped)
        _injected(model, got, want, calls, Wrapped)
        if not torch.allclose(model(inputs), twin(inputs), atol=CLOSE):
            raise Wrong("output_value")
    for targets in (["q_proj", "query_proj"], ["embed_tokens"]):
        try:
            answer(_transformer(), targets, Wrapped)
        except ValueError:
            continue
        except Exception as error:
            raise Wrong("unknown_error", got=type(error).__name__) from error
        raise Wrong("unknown_target", target=targets[-1])


def _injected(model, got, want: list[str], calls: list, kind: type) -> None:
    """The right layers were replaced, and only what `wrap` made is trained."""
    dotted = [own for module in model.modules() for own in module._modules if "." in own]
    if dotted:  # named_modules() would show it under the very name of the layer to replace
        raise Wrong("dotted_child", name=dotted[0])
    replaced = [name for name, module in model.named_modules() if isinstance(module, kind)]
    missing = [name for name in want if name not in replaced]
    extra = [name for name in replaced if name not in want]
    if missing and not replaced:
        raise Wrong("nothing_replaced", calls=len(calls))
    narrow = [name for name in missing if name.endswith(("k_proj", "v_proj"))]
    if narrow and len(narrow) == len(missing):
        raise Wrong("key_value_skipped", name=narrow[0])
    if missing:
        raise Wrong("missed", name=missing[0], count=len(missing))
    if extra and all(name.endswith("group_proj") for name in extra):
        raise Wrong("substring", name=extra[0])
    if extra:
        raise Wrong("too_many", name=extra[0], count=len(extra))
    if got is None:
        raise Wrong("none", expected="list", got="None")
    if not isinstance(got, list | tuple) or not all(isinstance(name, str) for name in got):
        raise Wrong("return_type", expected="list of names", got=type(got).__name__)
    if sorted(got) != sorted(want):
        raise Wrong("names", got=", ".join(map(str, list(got)[:2])) or "[]", want=want[0])
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    own = {f"{name}.extra" for name in want}
    if not trained:
        raise Wrong("adapter_frozen")
    if trained - own:
        raise Wrong("base_not_frozen", name=sorted(trained - own)[0], count=len(trained - own))
    if own - trained:
        raise Wrong("adapter_frozen")
