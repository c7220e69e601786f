"""feedback.majority: who wins a pair, whatever stood on the left, with ties left out."""

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.checks.feedback.common import decided, votes

pure = True
SWAP = {"chosen": "rejected", "rejected": "chosen", None: None}


def cases(rng):
    drawn = [(rng.randrange(4), rng.choice("cr"), rng.choice("lrts")) for _ in range(9)]
    some = [
        votes((0, "c", "l"), (0, "r", "l"), (0, "r", "r"), (1, "r", "l"), (1, "r", "l")),
        votes((7, "r", "r"), (8, "c", "t")),
        votes((3, "c", "r"), (3, "r", "l"), (3, "c", "l"), (5, "c", "s"), (5, "r", "t")),
        votes((2, "c", "l"), (2, "r", "l"), (4, "r", "r")),  # pair 2 is undecided
        votes((1, "c", "l"), (1, "c", "t"), (1, "r", "t"), (1, "r", "s")),  # one vote decides
        votes((9, "c", "t"), (9, "c", "r"), (9, "c", "t"), (9, "r", "r"), (9, "r", "r")),
        [],
        votes(*drawn),
    ]
    return [(each,) for each in some]


def observe(answer, case):
    winners = expect_type(answer(*case), dict)
    if unknown := [w for w in winners.values() if w not in ("chosen", "rejected", None)]:
        raise Wrong("unknown_winner", got=str(unknown[0]))
    pairs = {vote["pair"] for vote in case[0]}
    if not winners.keys() <= pairs:
        raise Wrong("pairs", got=sorted(map(str, winners)), want=sorted(map(str, pairs)))
    return winners


def judge(seen, wanted, case):
    """What is wrong with single pairs, when no known way of counting explains all of them."""
    lost = [wanted[pair] for pair in wanted if pair not in seen]
    if lost and not any(lost):
        raise Wrong("pair_lost")
    for pair, winner in seen.items():
        if winner == wanted[pair]:
            continue
        own = [vote for vote in case[0] if vote["pair"] == pair]
        towards = [(v["vote"] == "left") == (v["left"] == "chosen") for v in decided(own)]
        if wanted[pair] is None:
            raise Wrong("draw_decided")
        if winner is None and len(towards) < len(own):
            raise Wrong("tie_competes")
        counts = {"chosen": sum(towards), "rejected": len(towards) - sum(towards)}
        raise Wrong("wrong_winner", pair=pair, **counts, got=winner, want=wanted[pair])
    if lost:
        raise Wrong("value", got=seen, expected=wanted)


def _counted(points, draw=None):
    """A mistake: the side with more `points(vote)` wins, those for chosen being positive."""

    def wrong(right, some):
        balance = dict.fromkeys((vote["pair"] for vote in some), 0)
        for vote in some:
            balance[vote["pair"]] += points(vote)
        return {p: draw if not b else "chosen" if b > 0 else "rejected" for p, b in balance.items()}

    return wrong


def _side(vote) -> int:
    return {"left": 1, "right": -1}.get(vote["vote"], 0)


def _towards(vote) -> int:
    return _side(vote) * (1 if vote["left"] == "chosen" else -1)


def _most_left(right, some):
    """The notebook's draft: chosen if more than half of all votes, ties included, say left."""
    clicks: dict = {}
    for vote in some:
        clicks.setdefault(vote["pair"], []).append(vote["vote"] == "left")
    return {p: "chosen" if sum(c) > len(c) / 2 else "rejected" for p, c in clicks.items()}


mistakes = {
    "left_is_chosen": [_counted(_side), _counted(_side, draw="rejected"), _most_left],
    "swapped": lambda right, some: {pair: SWAP[winner] for pair, winner in right(some).items()},
    "tie_counted": [
        _counted(lambda vote: _towards(vote) or -1),
        _counted(lambda vote: _towards(vote) or 1),
        _counted(lambda v: 1 if (v["vote"] == "left") == (v["left"] == "chosen") else -1),
    ],
    "draw_decided": [
        lambda right, some: {pair: winner or "rejected" for pair, winner in right(some).items()},
        lambda right, some: {pair: winner or "chosen" for pair, winner in right(some).items()},
    ],
    "pair_lost": [
        lambda right, some: {pair: winner for pair, winner in right(some).items() if winner},
        lambda right, some: right(decided(some)),
    ],
}
