"""Wrong and right answers to lora.memory, lora.rank, lora.count and lora.plan."""

import torch

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]

# ---------------------------------------------------------------- lora.memory


def memory(weights, gradients, optimizer):
    """An answer from three functions of (total, trained, size)."""

    def training_bytes(total, trained, size=4):
        formulas = {"weights": weights, "gradients": gradients, "optimizer": optimizer}
        return {name: formula(total, trained, size) for name, formula in formulas.items()}

    return training_bytes


def times(which: int, factor=1):
    return lambda *args: factor * args[which] * args[2]


ALL_OF, TRAINED = times(0), times(1)

wrong("lora.memory", "gradients_of_all")(memory(ALL_OF, ALL_OF, times(0, 2)))
wrong("lora.memory", "gradients_of_all")(memory(ALL_OF, ALL_OF, times(1, 2)))
wrong("lora.memory", "states_of_all")(memory(ALL_OF, TRAINED, times(0, 2)))
wrong("lora.memory", "one_state")(memory(ALL_OF, TRAINED, TRAINED))
wrong("lora.memory", "weights_of_trained")(memory(TRAINED, TRAINED, times(1, 2)))
wrong("lora.memory", "numbers_not_bytes")(
    memory(lambda n, t, s: n, lambda n, t, s: t, lambda n, t, s: 2 * t)
)
wrong("lora.memory", "size_ignored")(
    memory(lambda n, t, s: 4 * n, lambda n, t, s: 4 * t, lambda n, t, s: 8 * t)
)
wrong("lora.memory", "size_ignored")(memory(ALL_OF, TRAINED, lambda n, t, s: 2 * t * 4))
wrong("lora.memory", "size_ignored")(memory(ALL_OF, lambda n, t, s: 4 * t, times(1, 2)))
wrong("lora.memory", "numbers_not_bytes")(memory(ALL_OF, TRAINED, lambda n, t, s: 2 * t))
wrong("lora.memory", "numbers_not_bytes")(memory(ALL_OF, lambda n, t, s: t, times(1, 2)))
wrong("lora.memory", "value")(memory(ALL_OF, TRAINED, times(1, 3)))
wrong("lora.memory", "not_integer")(memory(ALL_OF, TRAINED, lambda n, t, s: t * s / 0.5))
wrong("lora.memory", "return_type")(lambda n, t, s=4: (n * s, t * s, 2 * t * s))
wrong("lora.memory", "missing_key")(lambda n, t, s=4: {"weights": n * s, "gradients": t * s})
wrong("lora.memory", "none")(lambda n, t, s=4: print(n * s))
wrong("lora.memory", "exception")(
    lambda n, t: {"weights": 4 * n, "gradients": 4 * t, "optimizer": 8 * t}
)

right("lora.memory")(
    lambda n, t, s=4: {"optimizer": t * s * 2, "gradients": t * s, "weights": n * s}
)
right("lora.memory")(
    lambda n, t, size=4: {
        "weights": n * size,
        "gradients": t * size,
        "optimizer": t * size + t * size,
    }
)

# ---------------------------------------------------------------- lora.rank


def spectrum(change, enough=lambda kept, share: kept < share, more=1):
    """An answer that counts where `enough` holds of the summed shares of `change(values)`."""

    def rank_needed(matrix, share):
        values = change(torch.linalg.svdvals(matrix))
        kept = values.cumsum(0) / values.sum()
        return int(enough(kept, share).sum()) + more

    return rank_needed


wrong("lora.rank", "not_squared")(spectrum(lambda s: s))
wrong("lora.rank", "off_by_one")(spectrum(lambda s: s**2, more=0))
wrong("lora.rank", "smallest_first")(spectrum(lambda s: s.flip(0) ** 2))
wrong("lora.rank", "full_rank")(lambda matrix, share: int(torch.linalg.matrix_rank(matrix)))
wrong("lora.rank", "threshold")(
    lambda m, share: int((torch.linalg.svdvals(m) >= share * torch.linalg.svdvals(m)[0]).sum())
)
wrong("lora.rank", "share_reached")(spectrum(lambda s: s**2, lambda kept, share: kept <= share))
wrong("lora.rank", "value")(spectrum(lambda s: s**2, more=2))
wrong("lora.rank", "value")(lambda m, share: min(m.shape))
wrong("lora.rank", "return_type")(
    lambda m, share: float((torch.linalg.svdvals(m).cumsum(0) < share).sum())
)
wrong("lora.rank", "none")(lambda m, share: print(torch.linalg.svdvals(m)))
wrong("lora.rank", "exception")(lambda m, share: torch.linalg.eigvals(m[:2]).abs())
wrong("lora.rank", "mutated")(lambda m, share: m.zero_().numel())


@right("lora.rank")
def _(matrix, share):
    _, values, _ = torch.linalg.svd(matrix, full_matrices=False)
    total, kept = float((values**2).sum()), 0.0
    for r, value in enumerate(values.tolist(), start=1):
        kept += value**2
        if kept >= share * total:
            return r
    return len(values)


@right("lora.rank")
def _(matrix, share):  # by the eigenvalues of the Gram matrix
    energy = torch.linalg.eigvalsh(matrix.double() @ matrix.double().T).flip(0).clamp(min=0)
    return int((energy.cumsum(0) / energy.sum() < share).sum()) + 1


@right("lora.rank")
def _(matrix, share):  # by what is left over
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    for r in range(1, len(s) + 1):
        left = matrix - (u[:, :r] * s[:r]) @ v[:r]
        if left.norm() ** 2 <= (1 - share) * matrix.norm() ** 2:
            return r


# ---------------------------------------------------------------- lora.count


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

wrong("lora.count", "key_value_heads")(counted(kv=False))
wrong("lora.count", "head_dim")(counted(head_dim=False))
wrong("lora.count", "one_block")(counted(blocks=False))
wrong("lora.count", "product")(counted(lambda i, o, r: r * i * o))
wrong("lora.count", "whole_matrix")(counted(lambda i, o, r: i * o))
wrong("lora.count", "one_factor")(counted(lambda i, o, r: r * i))
wrong("lora.count", "one_factor")(counted(lambda i, o, r: r * o))
wrong("lora.count", "rank_forgotten")(counted(lambda i, o, r: i + o))
wrong("lora.count", "factor_two")(counted(lambda i, o, r: 2 * r * (i + o)))
wrong("lora.count", "cost")(counted(lambda i, o, r: r * (i + o) + r * r))
wrong("lora.count", "output_inputs")(
    counted(sides=lambda c: {"o_proj": (c["hidden_size"], c["hidden_size"])})
)
wrong("lora.count", "down_inputs")(
    counted(sides=lambda c: {"down_proj": (c["hidden_size"], c["hidden_size"])})
)
wrong("lora.count", "head_dim_missing")(
    counted(
        sides=lambda c: dict.fromkeys(
            ("k_proj", "v_proj"), (c["hidden_size"], c["num_key_value_heads"])
        )
    )
)
wrong("lora.count", "head_dim_missing")(
    counted(
        sides=lambda c: {
            "q_proj": (c["hidden_size"], c["num_attention_heads"]),
            "k_proj": (c["hidden_size"], c["num_key_value_heads"]),
            "v_proj": (c["hidden_size"], c["num_key_value_heads"]),
            "o_proj": (c["num_attention_heads"], c["hidden_size"]),
        }
    )
)
wrong("lora.count", "cost")(  # gate and up the wrong width
    counted(sides=lambda c: dict.fromkeys(("gate_proj", "up_proj"), (c["hidden_size"],) * 2))
)
wrong("lora.count", "return_type")(lambda c, t, r: float(RIGHT_COUNT(c, t, r)))
wrong("lora.count", "none")(lambda c, t, r: print(RIGHT_COUNT(c, t, r)))
wrong("lora.count", "exception")(lambda c, t, r: r * c["q_proj"])
wrong("lora.count", "constant")(lambda c, t, r: 9216)
wrong("lora.count", "rank_accepted")(lambda c, t, r: RIGHT_COUNT(c, t, r) if r > 0 else 0)
wrong("lora.count", "rank_accepted")(lambda c, t, r: r * RIGHT_COUNT(c, t, 1))


@wrong("lora.count", "rank_error")
def _(config, targets, r):
    assert r > 0, "The rank must be at least 1."
    return RIGHT_COUNT(config, targets, r)


@wrong("lora.count", "rank_sentence")
def _(config, targets, r):
    if r < 1:
        raise ValueError
    return RIGHT_COUNT(config, targets, r)


@wrong("lora.count", "mutated")
def _(config, targets, r):
    total = 0
    while targets:
        total += RIGHT_COUNT(config, [targets.pop()], r)
    return total


right("lora.count")(RIGHT_COUNT)


@right("lora.count")
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


# ---------------------------------------------------------------- lora.plan


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


wrong("lora.plan", "over_budget")(planner(rank=lambda r: r + 1))
wrong("lora.plan", "over_budget")(planner(rank=lambda r: 16))
wrong("lora.plan", "wasted")(planner(rank=lambda r: max(1, r // 2)))
wrong("lora.plan", "wasted")(planner(rank=lambda r: 1))
wrong("lora.plan", "refused")(planner(singles=False))
wrong("lora.plan", "unknown_target")(planner(targets=["attention"]))
wrong("lora.plan", "targets_list")(planner(targets="q_proj"))
wrong("lora.plan", "targets_list")(planner(targets=[]))
wrong("lora.plan", "target_twice")(planner(targets=["q_proj", "q_proj"]))
wrong("lora.plan", "rank_value")(planner(r=0))
wrong("lora.plan", "rank_value")(planner(rank=lambda r: float(r)))
wrong("lora.plan", "number_range")(planner(alpha=0))
wrong("lora.plan", "number_range")(planner(learning_rate=3))
wrong("lora.plan", "number_range")(planner(learning_rate="1e-3"))
wrong("lora.plan", "return_type")(lambda c, b: tuple(planner()(c, b).values()))
wrong("lora.plan", "none")(lambda c, b: print(planner()(c, b)))
wrong("lora.plan", "exception")(lambda c, b: planner()(c, b) | b)


@wrong("lora.plan", "missing_key")
def _(config, budget):
    made = planner()(config, budget)
    del made["alpha"]
    return made


@wrong("lora.plan", "too_small")
def _(config, budget):
    try:
        return planner()(config, budget)
    except ValueError:
        return {"targets": ["k_proj"], "r": 1, "alpha": 8, "learning_rate": 0.01}


@wrong("lora.plan", "too_small_error")
def _(config, budget):
    for targets in (ATTENTION + MLP, *([name] for name in ATTENTION + MLP)):
        r = budget // RIGHT_COUNT(config, targets, 1)
        if r:
            made = {"targets": targets, "r": r, "alpha": 2 * r, "learning_rate": 0.002}
    return made


right("lora.plan")(planner())
right("lora.plan")(planner(candidates=([*MLP],)))
right("lora.plan")(planner(candidates=(), alpha=0.5, learning_rate=0.5))


@right("lora.plan")
def _(config, budget):  # query and value as long as they fit
    pair = ("q_proj", "v_proj")
    r = budget // RIGHT_COUNT(config, pair, 1)
    if r:
        return {"r": r, "targets": pair, "alpha": 2 * r, "learning_rate": 1e-2, "why": "as in 2021"}
    return planner(candidates=())(config, budget)
