"""Wrong and right answers to lora.count."""

from answers import answers

wrong, right, good = answers("lora.count")


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

wrong("cost")(counted(lambda i, o, r: r * (i + o) + r * r))
wrong("cost")(  # gate and up the wrong width
    counted(sides=lambda c: dict.fromkeys(("gate_proj", "up_proj"), (c["hidden_size"],) * 2))
)
wrong("return_type")(lambda c, t, r: float(RIGHT_COUNT(c, t, r)))
wrong("none")(lambda c, t, r: print(RIGHT_COUNT(c, t, r)))
wrong("exception")(lambda c, t, r: r * c["q_proj"])
wrong("cost")(lambda c, t, r: 9216)
wrong("rank_accepted")(lambda c, t, r: RIGHT_COUNT(c, t, r) if r > 0 else 0)
wrong("rank_accepted")(lambda c, t, r: r * RIGHT_COUNT(c, t, 1))


@wrong("rank_error")
def _(config, targets, r):
    assert r > 0, "The rank must be at least 1."
    return RIGHT_COUNT(config, targets, r)


@wrong("rank_sentence")
def _(config, targets, r):
    if r < 1:
        raise ValueError
    return RIGHT_COUNT(config, targets, r)


@wrong("mutated")
def _(config, targets, r):
    total = 0
    while targets:
        total += RIGHT_COUNT(config, [targets.pop()], r)
    return total


right(RIGHT_COUNT)


@right
def _(config, targets, r):  # builds the layers and counts
    from torch import nn

    if r <= 0:
        raise ValueError("a rank is a whole number of at least one")
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    heads["v_proj"] = heads["k_proj"]
    total = 0
    for name in targets:
        sizes = [config["hidden_size"], config["intermediate_size"]]
        if name == "o_proj":
            sizes[1] = config["num_attention_heads"] * config["head_dim"]
        elif name in heads:
            sizes[1] = config[heads[name]] * config["head_dim"]
        a, b = nn.Linear(sizes[0], r, bias=False), nn.Linear(r, sizes[1], bias=False)
        total += a.weight.numel() + b.weight.numel()
    return total * config["num_hidden_layers"]
