"""Wrong and right answers to resources.plan."""

from answers import answers

wrong, right, good = answers("resources.plan")


def planner(
    fits=lambda need, budget: need <= budget,
    sizes_of=lambda rows: [n for n in range(rows, 0, -1) if rows % n == 0],
    strategies=("full", "checkpointing", "lora", "qlora"),
    fixed_counts=True,
    none=("too big", 0, 0),
    **other,
):
    """A parametrised answer; right as it stands."""

    def answer(sizes, rows, budget):
        w, t, row = sizes["weights"], sizes["gradients"] + sizes["optimizer"], sizes["row"]
        costs = {
            "full": (w + t, row),
            "checkpointing": (w + t, row / 4),
            "lora": (w + 0.02 * t, row / 4),
            "qlora": (w * 4.5 / 32 + 0.02 * t, row / 4),
        }
        costs |= {name: cost(sizes) for name, cost in other.items()}
        for name in strategies:
            fixed, one = costs[name]
            for size in sizes_of(rows):
                if fits(fixed * fixed_counts + size * one, budget):
                    return {"strategy": name, "rows": size, "passes": rows // size}
        return dict(zip(("strategy", "rows", "passes"), none, strict=True))

    return answer


wrong("missing_part")(lambda *args: {"strategy": "full", "rows": 4})
wrong("return_type")(lambda *args: ("full", 4, 2))
wrong("none")(lambda *args: None)
right(planner())
right(planner(sizes_of=lambda rows: sorted({n for n in range(1, rows + 1) if rows % n == 0})[::-1]))
