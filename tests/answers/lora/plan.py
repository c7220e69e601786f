"""Wrong and right answers to lora.plan."""

from answers import answers

wrong, right, good = answers("lora.plan")

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]

MLP = ["gate_proj", "up_proj", "down_proj"]


def counted(cost=lambda i, o, r: r * (i + o), blocks=True, kv=True, head_dim=True, sides=None):
    """A parametrised count; right as it stands.

    `sides(config)` gives (inputs, outputs) of some projections that are to be wrong.
    """

    def count(config, targets, r):
        if r < 1:
            raise ValueError(f"The rank is {r} and must be at least 1.")
        hidden, middle = config["hidden_size"], config["intermediate_size"]
        heads = config["num_attention_heads"]
        size = config["head_dim"] if head_dim else hidden // heads
        q = heads * size
        k = config["num_key_value_heads"] * size if kv else q
        shapes = {"q_proj": (hidden, q), "k_proj": (hidden, k), "v_proj": (hidden, k)}
        shapes |= {"o_proj": (q, hidden), "gate_proj": (hidden, middle)}
        shapes |= {"up_proj": (hidden, middle), "down_proj": (middle, hidden)}
        shapes |= sides(config) if sides else {}
        return (config["num_hidden_layers"] if blocks else 1) * sum(
            cost(*shapes[name], r) for name in targets
        )

    return count


RIGHT_COUNT = counted()


def planner(candidates=(ATTENTION + MLP, ATTENTION, MLP), singles=True, rank=None, **changed):
    """A parametrised plan; right as it stands."""

    def plan(config, budget):
        tries = [*candidates]
        if singles:
            tries += [[name] for name in ATTENTION + MLP]
        for targets in tries:
            r = budget // RIGHT_COUNT(config, targets, 1)
            if r >= 1:
                r = rank(r) if rank else r
                return {"targets": targets, "r": r, "alpha": 16, "learning_rate": 3e-3} | changed
        raise ValueError("The budget is too small.")

    return plan


wrong("refused")(planner(singles=False))
wrong("return_type")(lambda c, b: tuple(planner()(c, b).values()))
wrong("none")(lambda c, b: print(planner()(c, b)))
wrong("exception")(lambda c, b: planner()(c, b) | b)


@wrong("missing_key")
def _(config, budget):
    made = planner()(config, budget)
    del made["alpha"]
    return made


@wrong("too_small")
def _(config, budget):
    try:
        return planner()(config, budget)
    except ValueError:
        return {"targets": ["k_proj"], "r": 1, "alpha": 8, "learning_rate": 0.01}


@wrong("too_small_error")
def _(config, budget):
    for targets in (ATTENTION + MLP, *([name] for name in ATTENTION + MLP)):
        r = budget // RIGHT_COUNT(config, targets, 1)
        if r:
            made = {"targets": targets, "r": r, "alpha": 2 * r, "learning_rate": 0.002}
    return made


right(planner())
right(planner(candidates=([*MLP],)))
right(planner(candidates=(), alpha=0.5, learning_rate=0.5))


@right
def _(config, budget):  # query and value as long as they fit
    pair = ("q_proj", "v_proj")
    r = budget // RIGHT_COUNT(config, pair, 1)
    if r:
        return {"r": r, "targets": pair, "alpha": 2 * r, "learning_rate": 1e-2, "why": "as in 2021"}
    return planner(candidates=())(config, budget)
