"""orpo.log_odds: log(p / (1 - p)) from log p, with a value and a gradient at both ends."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type, normal

pure = True
# The kinds of case by their message: p is 1 to six digits at the one end, no float at the other; at
# -1e-8, exp(logp) is 1 in float32, and torch.where sends nan through a branch it did not take.
KINDS = ("log_odds_value", "near_one", "near_zero", "gradient_not_finite")


def cases(rng):
    ordinary = -normal(rng, 5).abs() - 0.05
    table = -3 * normal(rng, 2, 3).abs() - 0.05
    ends = {
        "near_one": torch.tensor([-1e-4, -1e-7]),
        "near_zero": torch.tensor([-30.0, -120.0]),
        "gradient_not_finite": torch.tensor([-1e-8, -120.0]),
    }
    ordinary = [{"kind": "log_odds_value", "logp": logp} for logp in (ordinary, table)]
    return ordinary + [{"kind": kind, "logp": logp} for kind, logp in ends.items()]


def observe(answer, case):
    logp = case["logp"].clone().requires_grad_()
    got = answer(logp)
    expect_shape(expect_type(got, torch.Tensor), tuple(logp.shape))
    slope = torch.zeros(0)
    if got.requires_grad:
        slope = torch.autograd.grad(got.sum(), logp, allow_unused=True)[0]
    if case["kind"] == "gradient_not_finite":
        return Seen(
            gradient_not_finite=bool(torch.isfinite(slope).all()), slope=str(slope.tolist())
        )
    if case["kind"] == "log_odds_value":
        return Seen(log_odds_value=got.double(), no_gradient=slope)
    return Seen({case["kind"]: got.double()})


def judge(seen, wanted, case):
    kind, logp = case["kind"], case["logp"].flatten()
    if kind == "gradient_not_finite":
        if not seen[kind]:
            raise Wrong(kind, got=seen["slope"])
        return
    got, want = seen[kind].flatten(), wanted[kind].flatten()
    # The first that is off; nan is off everywhere.
    share = 1e-3 if kind == "near_one" else 1e-4
    off = ~((got - want).abs() <= share * (1 + want.abs()))
    if bool(off.any()):
        if bool(got.isnan().all()):
            raise Wrong("nan")
        at = int(off.int().argmax())
        found = {"logp": logp[at], "got": got[at], "want": want[at]}
        raise Wrong(kind, **{name: f"{value.item():.6g}" for name, value in found.items()})
    if kind == "log_odds_value":
        slope, right = seen["no_gradient"], wanted["no_gradient"]
        if (
            slope is None
            or slope.shape != right.shape
            or not torch.allclose(slope, right, rtol=1e-3)
        ):
            raise Wrong("no_gradient")


mistakes = {
    "odds": lambda right, x: right(x).exp(),
    "log_ratio": lambda right, x: x + 0,
    "log_rest": lambda right, x: x - right(x),
    "sign": lambda right, x: -right(x),
    "plus": lambda right, x: x - x.exp().log1p(),
    "added": lambda right, x: x + (-x.expm1()).log(),
    "takes_probability": lambda right, x: x - (-x).log1p(),
    "sigmoid": lambda right, x: x.sigmoid(),
    "nan": lambda right, x: (x / (1 - x)).log(),
    "near_one": lambda right, x: x - (1 - x.exp() + 1e-6).log(),
    "near_zero": lambda right, x: right(x.clamp(min=-20)),
}
