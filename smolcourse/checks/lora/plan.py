"""lora.plan: any targets and rank that use a budget as far as it goes."""

import math

from smolcourse.checks.core import Wrong, expect_type, outcome
from smolcourse.checks.lora.common import ALL, ODD, PLAIN, TINY, WIDE, sides_of

pure = True


def cases(rng):
    found = []
    for sizes in (TINY, PLAIN, ODD, WIDE):
        cheapest, everything = _cheapest(sizes), _cost(sizes, ALL, 1)
        drawn = rng.randrange(cheapest, 5 * everything)
        budgets = (10 * everything, 3 * everything + 7, everything, everything - 1, cheapest, drawn)
        found += [(sizes, budget) for budget in (*budgets, cheapest - 1)]
    return [*found, (WIDE, 100 * _cost(WIDE, ALL, 1))]  # a rank has no ceiling but its budget


def _cost(sizes, targets, r) -> int:
    sides = sides_of(sizes)
    return sizes["num_hidden_layers"] * r * sum(sum(sides[name]) for name in targets)


def _cheapest(sizes) -> int:
    return min(_cost(sizes, [name], 1) for name in ALL)


def observe(answer, case):
    found = outcome(answer, *case)
    if "returned" not in found:
        return found
    plan = expect_type(found["returned"], dict)
    for name in ("targets", "r", "alpha", "learning_rate"):
        if name not in plan:
            raise Wrong("missing_key", name=name)
    return {name: plan[name] for name in ("targets", "r", "alpha", "learning_rate")}


def judge(seen, wanted, case):
    sizes, budget = case
    cheapest = _cheapest(sizes)
    if budget < cheapest:
        if seen.get("raised") != "ValueError":
            raised = seen.get("raised")
            raise (
                Wrong("too_small_error", got=raised)
                if raised
                else Wrong("too_small", budget=budget)
            )
        return
    if "raised" in seen:
        if seen["raised"] == "ValueError":
            raise Wrong("refused", budget=budget, cheapest=cheapest)
        raise Wrong("exception", error=seen["raised"])
    targets, r = _targets_and_rank(seen)
    used = _cost(sizes, targets, r)
    if used > budget:
        raise Wrong("over_budget", used=used, budget=budget)
    if used + _cost(sizes, targets, 1) <= budget:
        raise Wrong("wasted", used=used, budget=budget, r=r)


def _targets_and_rank(plan: dict) -> tuple[list[str], int]:
    """The targets and the rank of a plan, or Wrong."""
    targets, r = plan["targets"], plan["r"]
    if isinstance(targets, str) or not isinstance(targets, list | tuple) or not targets:
        raise Wrong("targets_list", got=repr(targets)[:60])
    for name in targets:
        if name not in ALL:
            raise Wrong("unknown_target", got=repr(name)[:60])
    if len(set(targets)) < len(targets):
        raise Wrong("target_twice")
    if isinstance(r, bool) or not isinstance(r, int) or r < 1:
        raise Wrong("rank_value", got=repr(r)[:40])
    for name, top in (("alpha", math.inf), ("learning_rate", 1.0)):
        value = plan[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < top:
            raise Wrong("number_range", name=name, got=repr(value)[:40])
    return list(targets), r


def _but(**changed):
    """A mistake: the right plan with some fields changed; a function gets the field's value."""

    def wrong(right, sizes, budget):
        plan = right(sizes, budget)
        return plan | {k: v(plan[k]) if callable(v) else v for k, v in changed.items()}

    return wrong


mistakes = {
    "over_budget": [_but(r=lambda r: r + 1), lambda right, c, b: right(c, b) | {"targets": [*ALL]}],
    "wasted": [_but(r=lambda r: max(1, r // 2)), _but(r=1), _but(r=lambda r: min(r, 64))],
    "unknown_target": _but(targets=["attention"]),
    "targets_list": [_but(targets="q_proj"), _but(targets=[])],
    "target_twice": _but(targets=["q_proj", "q_proj"]),
    "rank_value": [_but(r=0), _but(r=float)],
    "number_range": [_but(alpha=0), _but(learning_rate=3), _but(learning_rate="1e-3")],
}
