"""Checks of 3_parameter_efficient_finetuning/lora (ids ``lora.*``) that need no model.

Those of the LoRA layer and of its injection are in ``peft_lora_module.py``.
"""

import math

from smolcourse.check import Wrong, checker, compare_on, expect_type

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SIZES = (
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "num_hidden_layers",
)


def config(*sizes: int) -> dict:
    """A model's sizes, as `config.to_dict()` names them."""
    return dict(zip(SIZES, sizes, strict=True))


TINY = config(192, 6, 2, 32, 512, 6)
PLAIN = config(64, 4, 4, 16, 96, 3)  # as many key-value heads as query heads
ODD = config(40, 3, 1, 24, 56, 5)  # 3 heads of 24 are not 40
WIDE = config(576, 9, 3, 64, 1536, 30)


@checker("lora.memory", pure=True)
def memory(answer, reference):
    cases = [(1000, 10), (1000, 1000), (77, 5, 2), (2_656_704, 61_056), (50, 0, 8)]
    for args in cases:
        got = expect_type(answer(*args), dict)
        for name in ("weights", "gradients", "optimizer"):
            if name not in got:
                raise Wrong("missing_key", name=name)
            if isinstance(got[name], bool) or not isinstance(got[name], int):
                raise Wrong("not_integer", name=name, got=type(got[name]).__name__)

    def explain(args, got, want):
        total, trained, size = (*args, 4)[:3]
        if got["weights"] == trained * size and got["weights"] != want["weights"]:
            return "weights_of_trained"
        if got["gradients"] == total * size and got["gradients"] != want["gradients"]:
            return "gradients_of_all"
        if got["optimizer"] == 2 * total * size and got["optimizer"] != want["optimizer"]:
            return "states_of_all"
        if got["optimizer"] == want["optimizer"] // 2 and want["optimizer"]:
            return "one_state"
        numbers = {"weights": total, "gradients": trained, "optimizer": 2 * trained}
        for name, count in numbers.items():
            if got[name] == want[name]:
                continue
            if got[name] == count:
                return "numbers_not_bytes", {"name": name}
            if got[name] == 4 * count:
                return "size_ignored", {"name": name, "args": args, "size": size}
        return None

    compare_on(answer, reference, cases, explain=explain)


@checker("lora.rank", pure=True)
def rank(answer, reference):
    import torch

    made = torch.Generator().manual_seed(5)

    def matrix(values, rows, columns):
        """A matrix of shape (rows, columns) with these singular values."""
        left = torch.linalg.qr(torch.randn(rows, len(values), generator=made))[0]
        right = torch.linalg.qr(torch.randn(columns, len(values), generator=made))[0]
        return left * torch.tensor(values) @ right.T

    steep, flat = [9.0, 4.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    cases = [
        (torch.diag(torch.tensor([3.0, 2.0, 1.0])), 0.9),
        (matrix(steep, 7, 5), 0.5),
        (matrix(steep, 5, 8), 0.97),
        (matrix(flat, 6, 9), 0.6),
        (matrix(flat, 9, 6), 0.97),
        (matrix([5.0], 4, 6), 0.9),
        (-matrix([3.0, 2.9, 0.1], 6, 6), 0.75),
        (0.01 * matrix([4.0, 3.0, 3.0, 1.0], 4, 9), 0.8),
        # Rank 1 keeps the share exactly, with every norm and square exact in floating point.
        (torch.eye(4), 0.25),
    ]
    got = [expect_type(answer(*args), int) for args in cases]
    want = [reference(*args) for args in cases]
    for key, formula in _rank_mistakes():
        # One case proves little here: several mistakes give the same small number.
        if got != want and got == [formula(*args) for args in cases]:
            at = next(i for i, pair in enumerate(zip(got, want, strict=True)) if len(set(pair)) > 1)
            raise Wrong(key, got=got[at], want=want[at], share=cases[at][1])
    compare_on(answer, reference, cases)


def _rank_mistakes() -> list[tuple]:
    """(message key, the rank that this mistake gives for a matrix and a share)."""
    import torch
    from torch import linalg

    def first(values, share, more=1, below=torch.lt):
        """The number of values whose sum stays below the share, and one."""
        return int(below(values.cumsum(0) / values.sum(), share).sum()) + more

    def squares(matrix):
        return linalg.svdvals(matrix) ** 2

    def alone(matrix, share):
        values = linalg.svdvals(matrix)
        return int((values >= share * values[0]).sum())

    return [
        ("not_squared", lambda m, share: first(linalg.svdvals(m), share)),
        ("off_by_one", lambda m, share: first(squares(m), share, more=0)),
        ("off_by_one", lambda m, share: first(squares(m), share, more=0, below=torch.le)),
        ("share_reached", lambda m, share: first(squares(m), share, below=torch.le)),
        ("smallest_first", lambda m, share: first(squares(m).flip(0), share)),
        ("full_rank", lambda m, share: int(linalg.matrix_rank(m))),
        ("threshold", alone),
    ]


@checker("lora.count", pure=True)
def count(answer, reference):
    cases = [
        (TINY, ["q_proj"], 4),
        (PLAIN, ["q_proj", "v_proj"], 2),
        (TINY, ["k_proj", "v_proj"], 8),
        (TINY, ["gate_proj", "up_proj", "down_proj"], 1),
        (PLAIN, ["o_proj"], 3),
        (ODD, ["q_proj", "k_proj", "v_proj", "o_proj"], 5),
        (WIDE, list(ALL), 16),
        (PLAIN, list(reversed(ALL)), 1),
        (ODD, ["k_proj"], 3),
        (ODD, ["o_proj"], 2),
        (ODD, ["gate_proj"], 2),
        (ODD, ["down_proj"], 4),
    ]
    for args in cases:
        expect_type(answer(*args), int)
    mistakes = [
        ("one_block", lambda sides, r, layers: r * sum(i + o for i, o in sides)),
        ("product", lambda sides, r, layers: layers * r * sum(i * o for i, o in sides)),
        ("whole_matrix", lambda sides, r, layers: layers * sum(i * o for i, o in sides)),
        ("one_factor", lambda sides, r, layers: layers * r * sum(i for i, o in sides)),
        ("one_factor", lambda sides, r, layers: layers * r * sum(o for i, o in sides)),
        ("rank_forgotten", lambda sides, r, layers: layers * sum(i + o for i, o in sides)),
        ("factor_two", lambda sides, r, layers: 2 * layers * r * sum(i + o for i, o in sides)),
    ]

    def explain(args, got, want):
        sizes, targets, r = args
        layers, facts = sizes["num_hidden_layers"], {"got": got, "want": want, "r": r}
        sides = _sides(sizes, targets)
        for key, formula in mistakes:
            if got == formula(sides, r, layers):
                return key, facts
        full = sizes | {"num_key_value_heads": sizes["num_attention_heads"]}
        split = sizes | {"head_dim": sizes["hidden_size"] // sizes["num_attention_heads"]}
        variants = [
            ("key_value_heads", full),
            ("head_dim", split),
            ("head_dim", split | {"num_key_value_heads": split["num_attention_heads"]}),
        ]
        for key, changed in variants:
            if got == layers * r * sum(i + o for i, o in _sides(changed, targets)):
                return key, facts
        for key, changed in _mistaken_shapes(sizes):
            shapes = dict(zip(targets, sides, strict=True)) | changed
            if got == layers * r * sum(sum(shapes[name]) for name in targets):
                return key, facts
        square = [
            (i, i) if name in ALL[:4] else (i, o)
            for name, (i, o) in zip(targets, sides, strict=True)
        ]
        if got == layers * r * sum(i + o for i, o in square):
            return "key_value_heads", facts
        return None

    try:
        compare_on(answer, reference, cases, explain=explain)
    except Wrong as wrong:
        if wrong.key == "value":
            _say_the_simplest(answer, reference, cases)
        raise
    _refuses_ranks(lambda r: answer(TINY, ["q_proj"], r))


def _mistaken_shapes(sizes: dict) -> list[tuple]:
    """(message key, (inputs, outputs) of the projections that this mistake gets wrong)."""
    hidden, middle = sizes["hidden_size"], sizes["intermediate_size"]
    without_size = dict(zip(ALL, _sides(sizes | {"head_dim": 1}, ALL), strict=True))
    found = [
        ("output_inputs", {"o_proj": (hidden, hidden)}),
        ("down_inputs", {"down_proj": (hidden, hidden)}),
        ("down_inputs", {"down_proj": (middle, middle)}),
    ]
    for names in (ALL[1:3], ALL[:3], ALL[:4]):
        found.append(("head_dim_missing", {name: without_size[name] for name in names}))
    return found


def _say_the_simplest(answer, reference, cases: list[tuple]) -> None:
    """Wrong with the case of the fewest targets: there a mistake is found soonest."""
    for sizes, targets, r in sorted(cases, key=lambda case: len(case[1])):
        got, want = expect_type(answer(sizes, targets, r), int), reference(sizes, targets, r)
        if got != want:
            said = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise Wrong("cost", targets=", ".join(targets), r=r, got=got, want=want, sizes=said)


def _sides(sizes: dict, targets) -> list[tuple[int, int]]:
    """(inputs, outputs) of each target in one block."""
    hidden, middle = sizes["hidden_size"], sizes["intermediate_size"]
    queries = sizes["num_attention_heads"] * sizes["head_dim"]
    keys = sizes["num_key_value_heads"] * sizes["head_dim"]
    shapes = {
        "q_proj": (hidden, queries),
        "k_proj": (hidden, keys),
        "v_proj": (hidden, keys),
        "o_proj": (queries, hidden),
        "gate_proj": (hidden, middle),
        "up_proj": (hidden, middle),
        "down_proj": (middle, hidden),
    }
    return [shapes[name] for name in targets]


def _refuses_ranks(make) -> None:
    """`make(r)` raises ValueError with a sentence for r = 0 and r = -2, or Wrong."""
    for r in (0, -2):
        try:
            make(r)
        except ValueError as error:
            if len(str(error).split()) < 3:
                raise Wrong("rank_sentence", r=r) from error
        except NotImplementedError:
            raise
        except Exception as error:
            raise Wrong("rank_error", r=r, got=type(error).__name__) from error
        else:
            raise Wrong("rank_accepted", r=r)


@checker("lora.plan", pure=True)
def plan(answer, reference):
    def cost(sizes, targets, r):
        return sizes["num_hidden_layers"] * r * sum(i + o for i, o in _sides(sizes, targets))

    for sizes in (TINY, PLAIN, ODD, WIDE):
        cheapest = min(cost(sizes, [name], 1) for name in ALL)
        everything = cost(sizes, ALL, 1)
        for budget in (10 * everything, 3 * everything + 7, everything, everything - 1, cheapest):
            try:
                got = answer(sizes, budget)
            except ValueError as error:
                raise Wrong("refused", budget=budget, cheapest=cheapest) from error
            targets, r = _plan_fields(expect_type(got, dict))
            used = cost(sizes, targets, r)
            if used > budget:
                raise Wrong("over_budget", used=used, budget=budget)
            if used + cost(sizes, targets, 1) <= budget:
                raise Wrong("wasted", used=used, budget=budget, r=r)
        try:
            got = answer(sizes, cheapest - 1)
        except ValueError:
            continue
        except Exception as error:
            raise Wrong("too_small_error", got=type(error).__name__) from error
        raise Wrong("too_small", budget=cheapest - 1)


def _plan_fields(got: dict) -> tuple[list[str], int]:
    """The targets and the rank of a plan, or Wrong."""
    for name in ("targets", "r", "alpha", "learning_rate"):
        if name not in got:
            raise Wrong("missing_key", name=name)
    targets = got["targets"]
    if isinstance(targets, str) or not isinstance(targets, list | tuple) or not targets:
        raise Wrong("targets_list", got=repr(targets)[:60])
    for name in targets:
        if name not in ALL:
            raise Wrong("unknown_target", got=repr(name)[:60])
    if len(set(targets)) < len(targets):
        raise Wrong("target_twice")
    r = got["r"]
    if isinstance(r, bool) or not isinstance(r, int) or r < 1:
        raise Wrong("rank_value", got=repr(r)[:40])
    for name, top in (("alpha", math.inf), ("learning_rate", 1.0)):
        value = got[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < top:
            raise Wrong("number_range", name=name, got=repr(value)[:40])
    return list(targets), r
