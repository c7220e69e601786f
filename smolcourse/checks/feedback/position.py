"""feedback.position: what standing on the left is worth, with quality held equal."""

from smolcourse.checks.core import Seen, Wrong, expect_type, outcome
from smolcourse.checks.feedback.common import decided, votes

pure = True
ONE_ORDER = [votes((0, "c", "l"), (1, "c", "r")), votes((0, "r", "l"), (1, "c", "t"))]


def cases(rng):
    drawn = [(i, rng.choice("cr"), rng.choice("llrt")) for i in range(8)]
    some = [
        votes((0, "c", "l"), (1, "r", "l")),
        votes((0, "c", "l"), (1, "r", "r"), (2, "c", "l"), (3, "r", "r")),  # perfect and fair
        # Eight pairs with the better answer on the left: a fair voter clicks left a lot.
        votes(*[(i, "c", "l") for i in range(8)], (8, "r", "r"), (9, "r", "r")),
        votes(*[(i, "c", "l") for i in range(6)], (6, "r", "l"), (7, "r", "r"), (8, "r", "r")),
        votes((0, "c", "r"), (1, "c", "r"), (2, "c", "l"), (3, "r", "r")),  # likes the right side
        votes((0, "c", "l"), (1, "c", "t"), (2, "c", "s"), (3, "r", "l"), (4, "r", "r"), (5, "r", "t")),
        votes((0, "c", "l"), (1, "c", "r"), (2, "c", "l"), (3, "r", "t"), (4, "r", "l"), (5, "r", "r")),
        votes(*drawn, (8, "c", "l"), (9, "r", "r"), (10, "c", "r")),
        *ONE_ORDER,
    ]  # fmt: skip
    return [(each,) for each in some]


def observe(answer, case):
    if case[0] in ONE_ORDER:
        return Seen(one_order=outcome(answer, *case))
    return Seen(bias_value=expect_type(answer(*case), (float, int)))


def judge(seen, wanted, case):
    if case[0] in ONE_ORDER:
        raised = seen["one_order"].get("raised")
        if raised != "ValueError":
            raise Wrong("other_error", got=raised) if raised else Wrong("one_order")
    elif not abs(seen["bias_value"] - wanted["bias_value"]) < 1e-6:
        shown = {
            name: f"{each['bias_value']:.3f}" for name, each in (("got", seen), ("want", wanted))
        }
        raise Wrong("bias_value", **shown)


def _share(some, of=None):
    hits = sum(vote["vote"] == "left" for vote in some)
    return hits / max(1, len(some if of is None else of))


def _order(some, side):
    return [vote for vote in some if vote["left"] == side]


def _by_order(formula, among=decided, of=decided):
    """A mistake: `formula(share with chosen left, share with rejected left)`."""

    def wrong(right, some):
        right(some)  # one order only is still refused
        pairs = ((_order(among(some), s), _order(of(some), s)) for s in ("chosen", "rejected"))
        return formula(*(_share(*pair) for pair in pairs))

    return wrong


def _quality(right, some):
    right(some)
    hits = [(v["vote"] == "left") == (v["left"] == "chosen") for v in decided(some)]
    return sum(hits) / len(hits) - 0.5


mistakes = {
    "pooled": [
        lambda right, some: 0 * right(some) + _share(decided(some)) - 0.5,
        lambda right, some: 0 * right(some) + _share(some) - 0.5,
    ],
    "no_half": lambda right, some: right(some) + 0.5,
    "ties_counted": _by_order(lambda c, r: (c + r) / 2 - 0.5, of=lambda some: some),
    "right_side": lambda right, some: -right(some),
    "no_sign": lambda right, some: abs(right(some)),
    "summed": lambda right, some: 2 * right(some),
    "one_share": [_by_order(lambda c, r: c - 0.5), _by_order(lambda c, r: r - 0.5)],
    "quality": [
        _quality,
        _by_order(lambda c, r: (c - r) / 2),
        _by_order(lambda c, r: c - r),
    ],
    "one_order": lambda right, some: right(some) if some not in ONE_ORDER else 0.0,
}
