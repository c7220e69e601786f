"""adapters.layer: a linear layer whose adapter is merged and taken out again."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_type, normal

tolerance = 1e-4


def cases(rng):
    return [
        {
            "weight": normal(rng, out, into),
            "a": normal(rng, rank, into),
            "b": normal(rng, out, rank),
            "alpha": alpha,
            "x": normal(rng, 2, 3, into),
        }
        for out, into, rank, alpha in ((4, 4, 2, 6.0), (3, 5, 1, 2.0))
    ]


def observe(answer, case):
    given = case["weight"].clone()  # by itself and not through `answer`, which copies: is it kept?
    layer = answer.unwrapped(given, case["a"].clone(), case["b"].clone(), case["alpha"])
    seen = Seen(merged_at_birth=_weight(layer), forward_value=_said(layer, case))
    layer.unmerge()  # nothing is merged yet: nothing to take out
    seen["unmerged_early"] = _weight(layer)
    done = []
    for name in ("merge", "merge", "unmerge", "unmerge"):
        getattr(layer, name)()
        done.append(f"{name}()")
        so_far = ", ".join(done)
        seen[f"base_overwritten:{so_far}"] = given.clone()
        seen[f"weight_value:{so_far}"] = _weight(layer)
        seen[f"output_moved:{so_far}"] = _said(layer, case)
    return seen


def _weight(layer):
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, torch.Tensor):
        raise Wrong("no_weight")
    return weight.detach().clone()


def _said(layer, case):
    return expect_type(layer(case["x"].clone()), torch.Tensor)


def _but(**pieces):
    """A mistake: the right class with some methods replaced."""
    return lambda right: type("Layer", (right,), pieces)


def _alpha(change):
    """A mistake: the right class with another alpha, `change(alpha, rank)`."""

    def make(right):
        class Layer(right):
            def __init__(self, weight, a, b, alpha):
                super().__init__(weight, a, b, change(alpha, len(a)))

        return Layer

    return make


def _merged_at_birth(right):
    class Layer(right):
        def __init__(self, *args):
            super().__init__(*args)
            self.merge()

    return Layer


def _put(layer, weight, merged):
    layer.weight, layer.merged = weight, merged


def _delta(layer):
    return layer.scale * layer.b @ layer.a


mistakes = {
    "merged_at_birth": _merged_at_birth,
    "adapter_unused": _but(__call__=lambda layer, x: x @ layer.weight.T),
    "scale_forgotten": [_alpha(lambda alpha, r: r), _alpha(lambda alpha, r: alpha * r)],
    "base_forgotten": _but(__call__=lambda layer, x: x @ _delta(layer).T),
    "transposed": _but(__call__=lambda layer, x: x @ (layer.weight.T + _delta(layer))),
    "unmerged_early": _but(unmerge=lambda layer: _put(layer, layer.weight - _delta(layer), False)),
    "base_overwritten": _but(
        merge=lambda layer: layer.merged or _put(layer, layer.weight.add_(_delta(layer)), True)
    ),
    "not_merged": _but(merge=lambda layer: None),
    "merged_twice": _but(merge=lambda layer: _put(layer, layer.weight + _delta(layer), True)),
    "weight_value": _but(
        merge=lambda layer: layer.merged or _put(layer, layer.weight + layer.b @ layer.a, True)
    ),
    "counted_twice": _but(__call__=lambda layer, x: x @ (layer.weight + _delta(layer)).T),
    "output_moved": _but(  # and still marked as merged
        unmerge=lambda layer: layer.merged and _put(layer, layer.weight - _delta(layer), True)
    ),
    "not_unmerged": [
        _but(unmerge=lambda layer: _put(layer, layer.weight, False)),
        _but(unmerge=lambda layer: None),
    ],
}
