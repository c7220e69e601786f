"""Checks of 3_parameter_efficient_finetuning/adapters: several adapters, and one's own behaviour.

Tensors of a few numbers and short texts; the notebook's other exercises: peft_adapters.py.
"""

import torch

from smolcourse.check import Wrong, checker, expect_shape, expect_type, short
from smolcourse.checks.peft_adapters import made, named, near
from smolcourse.checks.words import holds

# ---------------------------------------------------------------- adapters.combine

COMBINATIONS = [  # (ranks, alphas, weights)
    ((2, 2), (4.0, 2.0), (0.5, 0.25)),
    ((2, 2), (6.0, 6.0), (1.0, 0.25)),
    ((1, 3), (2.0, 6.0), (0.7, 0.3)),
    ((2, 1, 2), (4.0, 3.0, 4.0), (1.0, -0.5, 0.25)),
    ((3,), (6.0,), (0.5,)),
]


@checker("adapters.combine", pure=True)
def combine(answer, reference):
    out, into = 7, 9
    for at, (ranks, alphas, weights) in enumerate(COMBINATIONS):
        adapters = []
        for number, (rank, alpha) in enumerate(zip(ranks, alphas, strict=True)):
            a, b = made((rank, into), (out, rank), seed=10 * at + number)
            adapters.append((a, b, alpha))
        pair = expect_type(answer(adapters, list(weights)), (tuple, list))
        if len(pair) != 2:
            raise Wrong("not_a_pair", count=len(pair))
        a, b = (
            expect_type(t, torch.Tensor, "not_tensor", name=n)
            for t, n in zip(pair, "AB", strict=True)
        )
        want_a, want_b = reference(adapters, list(weights))
        if a.dim() != 2 or b.dim() != 2 or a.shape[1] != into or b.shape[0] != out:
            if a.dim() == b.dim() == 2 and b.shape[1] == into and a.shape[0] == out:
                raise Wrong("swapped", into=into, out=out)
            raise Wrong("pair_shapes", a=tuple(a.shape), b=tuple(b.shape), into=into, out=out)
        if a.shape[0] != b.shape[1]:
            raise Wrong("inner_rank", a=a.shape[0], b=b.shape[1])
        got, want = b @ a, want_b @ want_a
        if not near(got, want):
            named(got, _combine_mistakes(adapters, weights))
            raise Wrong("product", error=f"{(got - want).abs().max().item():.2g}")
        if a.shape[0] > sum(ranks):
            raise Wrong("rank_too_big", got=a.shape[0], want=sum(ranks))


def _combine_mistakes(adapters, weights) -> list[tuple]:
    """(key, the product that this mistake gives)."""
    parts = [
        (w, alpha / a.shape[0], alpha, a, b)
        for (a, b, alpha), w in zip(adapters, weights, strict=True)
    ]

    def products(factor):
        return sum(factor(w, s, alpha) * b @ a for w, s, alpha, a, b in parts)

    found = [
        ("scale_forgotten", products(lambda w, s, alpha: w)),
        ("scale_forgotten", products(lambda w, s, alpha: w * alpha)),
        ("weights_forgotten", products(lambda w, s, alpha: s)),
        ("weight_twice", products(lambda w, s, alpha: w * w * s)),
        ("weight_twice", products(lambda w, s, alpha: (w * s) ** 2)),
        ("weight_twice", products(lambda w, s, alpha: w * w * s * s)),
    ]
    if len({a.shape[0] for _, _, _, a, _ in parts}) == 1:
        halves = [
            (lambda w, s: w, lambda w, s: w),
            (lambda w, s: w * s, lambda w, s: w),
            (lambda w, s: w, lambda w, s: w * s),
            (lambda w, s: w * s, lambda w, s: w * s),
            (lambda w, s: w * s, lambda w, s: 1),
            (lambda w, s: 1, lambda w, s: w * s),
            (lambda w, s: w, lambda w, s: s),
            (lambda w, s: abs(w * s) ** 0.5 * (1 if w > 0 else -1), lambda w, s: abs(w * s) ** 0.5),
        ]
        for left, right in halves:
            mean_a = sum(left(w, s) * a for w, s, _, a, _ in parts)
            mean_b = sum(right(w, s) * b for w, s, _, _, b in parts)
            found.append(("separately", mean_b @ mean_a))
    return found


# ---------------------------------------------------------------- adapters.mixed


@checker("adapters.mixed", pure=True)
def mixed(answer, reference):
    for out, into, order in (
        (4, 4, ["loud", "polite", "__base__", "loud"]),
        (5, 3, ["__base__", "polite", "loud", "polite", "__base__"]),
        (3, 6, ["__base__", "__base__"]),
        (3, 6, ["polite"]),
    ):
        weight, x = made((out, into), (len(order), 2, into), seed=out)
        adapters = {}
        for number, (name, rank, scale) in enumerate((("polite", 2, 3.0), ("loud", 1, 0.5))):
            a, b = made((rank, into), (out, rank), seed=20 + number)
            adapters[name] = (a, b, scale)
        got = expect_shape(answer(x, weight, adapters, list(order)), (len(order), 2, out))
        if not near(got, reference(x, weight, adapters, list(order))):
            named(got, _mixed_mistakes(x, weight, adapters, order))
            raise Wrong("rows", order=order)


def _mixed_mistakes(x, weight, adapters, order) -> list[tuple]:
    deltas = {name: scale * b @ a for name, (a, b, scale) in adapters.items()}
    none = torch.zeros_like(weight)

    def rows(pick, base=weight):
        return torch.stack(
            [row @ (base + pick(name)).T for row, name in zip(x, order, strict=True)]
        )

    right = rows(lambda name: deltas.get(name, none))
    first = next((name for name in order if name in deltas), order[0])
    groups = sorted(range(len(order)), key=lambda i: order.index(order[i]))
    by_name = sorted(range(len(order)), key=lambda i: order[i])
    tables = [["polite", "loud", "__base__"], ["__base__", "polite", "loud"]]
    grouped = [groups, by_name]
    grouped += [sorted(range(len(order)), key=lambda i, t=t: t.index(order[i])) for t in tables]
    plain = {name: b @ a for name, (a, b, _) in adapters.items()}
    found = [
        ("adapters_unused", rows(lambda name: none)),
        ("one_for_all", rows(lambda name: deltas.get(first, none))),
        ("one_for_all", rows(lambda name: deltas.get(order[-1], none))),
        ("all_summed", rows(lambda name: sum(deltas.values()))),
        ("base_row_adapted", rows(lambda name: deltas.get(name, deltas["polite"]))),
        ("base_row_adapted", rows(lambda name: deltas.get(name, deltas["loud"]))),
        ("scale_forgotten", rows(lambda name: plain.get(name, none))),
        ("base_forgotten", rows(lambda name: deltas.get(name, none), base=none)),
        ("base_forgotten", rows(lambda name: deltas[name] - weight if name in deltas else none)),
        ("base_row_lost", rows(lambda name: deltas.get(name, -weight))),
    ]
    if weight.shape[0] == weight.shape[1]:
        found.append(("transposed", rows(lambda name: deltas.get(name, none).T)))
    return found + [("grouped", right[order]) for order in grouped if order != sorted(order)]


# ---------------------------------------------------------------- adapters.own

OWN_ROWS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of Japan?", "Tokyo."),
    ("Where is Kenya?", "Africa."),
    ("What is a young dog called?", "puppy."),
    ("How many legs does an ant have?", "6."),
]
OTHERS = ["{a}.", "The answer is {a}.", "Thank you for your question. The answer is {a}."]
OTHERS += ["With pleasure! The answer is {a}. Thank you for asking.", "{u}!", ""]
OTHERS += ["What a silly question. The answer is {a}.", "I do not know."]


@checker("adapters.own")
def own(answer, reference):
    behaviour = answer()
    for question, short_answer in OWN_ROWS:
        got = expect_type(behaviour.write(question, short_answer), str)
        words = short_answer.removesuffix(".")
        if not holds(got, words):
            raise Wrong("answer_lost", want=words, got=got)
        if len(got.split()) > 20:
            raise Wrong("too_long", count=len(got.split()))
        if behaviour.write(question, short_answer) != got:
            raise Wrong("not_repeatable")
        for _, other in OWN_ROWS:
            if other != short_answer and holds(got, other):
                raise Wrong("foreign_answer", got=got)
        if not expect_type(behaviour.shows(got), bool, "not_bool"):
            raise Wrong("own_not_seen", got=got)
        # A rule that also fits the course's other manners would measure nothing.
        for pattern in OTHERS:
            text = pattern.format(a=words, u=words.upper())
            if expect_type(behaviour.shows(text), bool, "not_bool"):
                raise Wrong("others_seen", got=text)
    fresh = behaviour.write("What is the plural of sheep?", "sheep.")
    if not behaviour.shows(fresh):
        raise Wrong("own_not_seen", got=short(fresh))
