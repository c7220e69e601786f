"""resources.plan: the first strategy that fits, and the largest micro-batch that divides the rows."""

from smolcourse.checks.core import Wrong, expect_type

pure = True
STRATEGIES = ("full", "checkpointing", "lora", "qlora", "too big")
EVEN = {"weights": 10, "gradients": 10, "optimizer": 20, "row": 5}
LARGE = {"weights": 64, "gradients": 64, "optimizer": 128, "row": 16}
FULL = (EVEN, 8, 80)  # exactly full


def cases(rng):
    return [
        (EVEN, 8, 61),
        (EVEN, 8, 79),  # seven rows would fit, but eight rows are not seven and one
        (EVEN, 12, 62),
        (EVEN, 8, 44),
        (EVEN, 9, 43),
        (LARGE, 16, 200),
        (LARGE, 16, 90),
        (LARGE, 16, 20),
        (LARGE, 16, 10),
        (LARGE, 7, 283),
        (LARGE, rng.choice([6, 12, 24]), rng.randrange(300, 420)),
        FULL,
    ]


def observe(answer, case):
    found = expect_type(answer(*case), dict)
    for key in ("strategy", "rows", "passes"):
        if key not in found:
            raise Wrong("missing_part", part=key)
    if found["strategy"] not in STRATEGIES:
        raise Wrong("unknown_name", got=str(found["strategy"]))
    return {key: found[key] for key in ("strategy", "rows", "passes")}


def judge(seen, wanted, case):
    if seen == wanted:
        return
    _, rows, budget = case
    facts = {"rows": rows, "budget": budget, "got": seen, "want": wanted}
    mine, right = (STRATEGIES.index(each["strategy"]) for each in (seen, wanted))
    if case == FULL and seen["rows"] < wanted["rows"]:  # all else was right
        raise Wrong("exactly_full", **facts)
    if mine != right:
        raise Wrong("too_late" if mine > right else "does_not_fit", **facts)
    if wanted["strategy"] == "too big":
        raise Wrong("too_big_has_no_rows", **facts)
    size = seen["rows"]
    if not isinstance(size, int) or size < 1 or size > rows:
        raise Wrong("split", **facts)
    if rows % size:
        raise Wrong("not_a_divisor", **facts)
    if seen["passes"] != rows // size:
        raise Wrong("split", **facts)
    raise Wrong("not_the_largest" if size < wanted["rows"] else "does_not_fit", **facts)


def _planner(fits=lambda need, budget: need <= budget, sizes=None, order=STRATEGIES[:4], **costs):
    """A mistake: another test, other micro-batches, another order, or other costs of strategies."""

    def wrong(right, parts, rows, budget):
        w, t, row = parts["weights"], parts["gradients"] + parts["optimizer"], parts["row"]
        cost = {
            "full": (w + t, row),
            "checkpointing": (w + t, row / 4),
            "lora": (w + 0.02 * t, row / 4),
            "qlora": (w * 4.5 / 32 + 0.02 * t, row / 4),
        } | {name: change(parts) for name, change in costs.items()}
        for name in order:
            for size in sizes(rows) if sizes else (n for n in range(rows, 0, -1) if not rows % n):
                if fits(cost[name][0] + size * cost[name][1], budget):
                    return {"strategy": name, "rows": size, "passes": rows // size}
        return {"strategy": "too big", "rows": 0, "passes": 0}

    return wrong


def _but(**changed):
    return lambda right, *case: right(*case) | changed


mistakes = {
    "exactly_full": _planner(fits=lambda need, budget: need < budget),
    "too_late": [
        _planner(sizes=lambda rows: [rows]),
        _planner(order=STRATEGIES[3::-1]),
        _planner(
            lora=lambda p: (p["weights"] + p["gradients"] + 0.02 * p["optimizer"], p["row"] / 4)
        ),
    ],
    "not_the_largest": [
        _planner(sizes=lambda rows: [1]),
        _planner(checkpointing=lambda p: (sum(p.values()) - p["row"], 0.75 * p["row"])),
    ],
    "not_a_divisor": _planner(sizes=lambda rows: range(rows, 0, -1)),
    "does_not_fit": lambda right, parts, rows, budget: right(
        parts | dict.fromkeys(("weights", "gradients", "optimizer"), 0), rows, budget
    ),
    "too_big_has_no_rows": lambda right, *case: (
        plan if (plan := right(*case))["rows"] else plan | {"rows": 1, "passes": 16}
    ),
    "split": _but(passes=1),
    "swapped": lambda right, *case: (
        (plan := right(*case)) | {"rows": plan["passes"], "passes": plan["rows"]}
    ),
    "unknown_name": _but(strategy="LoRA"),
}
