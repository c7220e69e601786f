"""lora.inject: wrap the linear layers of given names, freeze the rest, say which."""

import torch
from torch import nn

from smolcourse.checks.core import Seen, Wrong, expect_type, integers, normal, outcome, seeded

EVERY = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Wrapped(nn.Module):
    """Marks what was replaced; its output differs from the layer's by one."""

    def __init__(self, linear):
        super().__init__()
        self.base = linear
        self.extra = nn.Parameter(torch.ones(linear.out_features))

    def forward(self, x):
        return self.base(x) + self.extra


def cases(rng):
    seed, pair = rng.randrange(1000), rng.sample(EVERY, 2)
    ids = integers(rng, 0, 11, 1, 4)
    known = [["q_proj"], EVERY, ["k_proj", "v_proj"], pair, ["lm_head"]]  # the last has no dot
    found = [{"model": "llama", "seed": seed, "targets": t, "x": ids} for t in known]
    found.append({"model": "toy", "seed": seed, "targets": ["up_proj"], "x": normal(rng, 2, 6)})
    unknown = (["q_proj", "query_proj"], ["embed_tokens"])
    return found + [{"model": "llama", "seed": seed, "targets": t, "x": None} for t in unknown]


def observe(answer, case):
    with seeded(case["seed"]):
        model = _transformer() if case["model"] == "llama" else _toy()
    if case["x"] is None:
        return Seen(unknown_target=outcome(answer, model, list(case["targets"]), Wrapped))
    calls, own = [], set(model.modules())

    def wrap(linear):
        calls.append(linear)
        return Wrapped(linear)

    returned = answer(model, list(case["targets"]), wrap)
    dotted = [own for module in model.modules() for own in module._modules if "." in own]
    if dotted:  # named_modules() would show it under the very name of the layer to replace
        raise Wrong("dotted_child", name=dotted[0])
    if any(linear not in own for linear in calls):
        raise Wrong("new_layer")
    replaced = sorted(n for n, module in model.named_modules() if isinstance(module, Wrapped))
    if not replaced:
        raise Wrong("nothing_replaced", calls=len(calls))
    return Seen(
        replaced=replaced,
        returned=returned,
        trained=sorted(name for name, p in model.named_parameters() if p.requires_grad),
        output_value=model(case["x"]),
    )


def judge(seen, wanted, case):
    if case["x"] is None:
        raised = seen["unknown_target"].get("raised")
        if raised != "ValueError":
            target = case["targets"][-1]
            raise (
                Wrong("unknown_error", got=raised)
                if raised
                else Wrong("unknown_target", target=target)
            )
        return
    _replaced(seen["replaced"], wanted["replaced"])
    names = expect_type(seen["returned"], (list, tuple))
    if sorted(map(str, names)) != sorted(wanted["returned"]):
        got = ", ".join(map(str, names[:2])) or "[]"
        raise Wrong("names", got=got, want=wanted["returned"][0])
    trained, own = set(seen["trained"]), set(wanted["trained"])
    if not trained or trained < own:
        raise Wrong("adapter_frozen")
    if trained - own:
        raise Wrong("base_not_frozen", name=sorted(trained - own)[0], count=len(trained - own))
    if not torch.allclose(seen["output_value"], wanted["output_value"], atol=1e-5):
        raise Wrong("output_value")


def _replaced(got: list[str], want: list[str]) -> None:
    missing = [name for name in want if name not in got]
    extra = [name for name in got if name not in want]
    narrow = [name for name in missing if name.endswith(("k_proj", "v_proj"))]
    if narrow and len(narrow) == len(missing):
        raise Wrong("key_value_skipped", name=narrow[0])
    if missing:
        raise Wrong("missed", name=missing[0], count=len(missing))
    if extra and all(name.endswith("group_proj") for name in extra):
        raise Wrong("substring", name=extra[0])
    if extra:
        raise Wrong("too_many", name=extra[0], count=len(extra))


def _toy():
    """Names that contain each other: `up_proj` is not `group_proj`."""

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


def _after(change):
    """A mistake: something done to the model once the right answer has been given."""

    def wrong(right, model, targets, wrap):
        names = right(model, targets, wrap)
        change(model)
        return names

    return wrong


mistakes = {
    "adapter_frozen": _after(lambda model: model.requires_grad_(False)),
    "base_not_frozen": _after(lambda model: model.requires_grad_(True)),
    "names": [
        lambda right, *case: [name.split(".")[-1] for name in right(*case)],
        lambda right, *case: right(*case)[:0],
    ],
    "output_value": lambda right, model, targets, wrap: right(
        model, targets, lambda linear: linear.reset_parameters() or wrap(linear)
    ),
    "new_layer": lambda right, model, targets, wrap: right(
        model, targets, lambda linear: wrap(nn.Linear(*reversed(linear.weight.shape)))
    ),
    "nothing_replaced": lambda right, model, targets, wrap: [*targets],
}
