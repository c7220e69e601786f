"""Wrong and right answers to the exercises of human_feedback (but the loss), as learners write them."""

import math
import random
from collections import Counter

import numpy

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- feedback.majority


def towards_chosen(vote) -> int:
    if vote["vote"] not in ("left", "right"):
        return 0
    return 1 if (vote["vote"] == "left") == (vote["left"] == "chosen") else -1


def named(balance: dict, draw=None) -> dict:
    return {p: draw if b == 0 else "chosen" if b > 0 else "rejected" for p, b in balance.items()}


def elect(votes, *, points=towards_chosen, draw=None):
    """A parametrised count; right as it stands."""
    balance = Counter({vote["pair"]: 0 for vote in votes})
    for vote in votes:
        balance[vote["pair"]] += points(vote)
    return named(balance, draw)


def lefts(vote) -> int:
    return {"left": 1, "right": -1}.get(vote["vote"], 0)


@wrong("feedback.majority", "left_is_chosen")
def _(votes):  # the notebook's own draft
    clicks = {}
    for vote in votes:
        clicks.setdefault(vote["pair"], []).append(vote["vote"] == "left")
    return {p: "chosen" if sum(c) > len(c) / 2 else "rejected" for p, c in clicks.items()}


wrong("feedback.majority", "left_is_chosen")(lambda votes: elect(votes, points=lefts))
wrong("feedback.majority", "swapped")(
    lambda votes: elect(votes, points=lambda v: -towards_chosen(v))
)
wrong("feedback.majority", "tie_counted")(
    lambda votes: elect(votes, points=lambda v: towards_chosen(v) or -1)
)
wrong("feedback.majority", "draw_decided")(lambda votes: elect(votes, draw="rejected"))
wrong("feedback.majority", "draw_decided")(lambda votes: elect(votes, draw="chosen"))
wrong("feedback.majority", "unknown_winner")(lambda votes: elect(votes, draw="tie"))
wrong("feedback.majority", "unknown_winner")(
    lambda votes: {v["pair"]: Counter(u["vote"] for u in votes).most_common(1)[0][0] for v in votes}
)
wrong("feedback.majority", "pair_lost")(lambda votes: {p: w for p, w in elect(votes).items() if w})
wrong("feedback.majority", "pair_lost")(  # looks at the decided votes only
    lambda votes: elect([vote for vote in votes if towards_chosen(vote)])
)
wrong("feedback.majority", "pairs")(
    lambda votes: {at: w for at, (_, w) in enumerate(elect(votes).items())}
)
wrong("feedback.majority", "pairs")(lambda votes: {str(p): w for p, w in elect(votes).items()})
wrong("feedback.majority", "return_type")(lambda votes: list(elect(votes).items()))
wrong("feedback.majority", "none")(lambda votes: print(elect(votes)))
wrong("feedback.majority", "mutated")(lambda votes: (elect(votes), votes.clear())[0])


def tallies(votes, *, others=False):
    """{pair: Counter of "chosen" and "rejected"}; with `others` also of None, a tie or a skip."""
    counts = {}
    for vote in votes:
        count = counts.setdefault(vote["pair"], Counter())
        if vote["vote"] in ("left", "right"):
            count["chosen" if towards_chosen(vote) > 0 else "rejected"] += 1
        elif others:
            count[None] += 1
    return counts


wrong("feedback.majority", "draw_decided")(  # the side that was voted first wins a draw
    lambda votes: {p: c.most_common(1)[0][0] if c else None for p, c in tallies(votes).items()}
)
wrong("feedback.majority", "draw_decided")(  # ties are a third candidate
    lambda votes: {p: c.most_common(1)[0][0] for p, c in tallies(votes, others=True).items()}
)


@wrong("feedback.majority", "draw_decided")
def _(votes):  # more than half of all votes, ties included
    counts = tallies(votes, others=True)
    return {p: "chosen" if c["chosen"] > c.total() / 2 else "rejected" for p, c in counts.items()}


@wrong("feedback.majority", "tie_competes")
def _(votes):  # more than half of all votes, for either side
    result = {}
    for pair, count in tallies(votes, others=True).items():
        most = [side for side in ("chosen", "rejected") if count[side] > count.total() / 2]
        result[pair] = most[0] if most else None
    return result


@wrong("feedback.majority", "tie_competes")
def _(votes):  # ties are a third candidate, and a draw between any two is undecided
    result = {}
    for pair, count in tallies(votes, others=True).items():
        (first, most), (_, second) = [*count.most_common(2), (None, 0)][:2]
        result[pair] = first if most > second else None
    return result


@wrong("feedback.majority", "wrong_winner")
def _(votes):  # only if all agree
    counts = tallies(votes)
    return {p: next(iter(c)) if len(c) == 1 else None for p, c in counts.items()}


right("feedback.majority")(elect)
right("feedback.majority")(
    lambda votes: {
        p: None if c["chosen"] == c["rejected"] else c.most_common(1)[0][0]
        for p, c in tallies(votes).items()
    }
)


@right("feedback.majority")
def _(votes):
    result = {}
    for pair in sorted({vote["pair"] for vote in votes}):
        winners = []
        for vote in votes:
            if vote["pair"] == pair and vote["vote"] == "left":
                winners.append(vote["left"])
            elif vote["pair"] == pair and vote["vote"] == "right":
                winners.append("rejected" if vote["left"] == "chosen" else "chosen")
        c, r = winners.count("chosen"), winners.count("rejected")
        result[pair] = None if c == r else max(("chosen", "rejected"), key=winners.count)
    return result


# ---------------------------------------------------------------- feedback.kappa


def cohen(a, b, *, chance="product", labels=None, cut=False, nan=True):
    """A parametrised kappa; right as it stands."""
    n = len(a)
    labels = labels or set(a) | set(b)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    shares = {
        "product": lambda k: a.count(k) * b.count(k) / n**2,
        "pooled": lambda k: ((a.count(k) + b.count(k)) / (2 * n)) ** 2,
        "first": lambda k: (a.count(k) / n) ** 2,
        "uniform": lambda k: 1 / len(labels) ** 2,
        "none": lambda k: 0.0,
    }
    expected = sum(map(shares[chance], labels))
    if nan and expected == 1:
        return math.nan
    value = (observed - expected) / (1 - expected)
    return max(0.0, value) if cut else value


def kappa(**options):
    return lambda a, b: cohen(a, b, **options)


wrong("feedback.kappa", "only_agreement")(kappa(chance="none"))
wrong("feedback.kappa", "only_agreement")(lambda a, b: float(numpy.mean([x == y for x, y in zip(a, b, strict=True)])))  # fmt: skip
wrong("feedback.kappa", "uniform_chance")(kappa(chance="uniform"))
wrong("feedback.kappa", "uniform_chance")(
    lambda a, b: (sum(x == y for x, y in zip(a, b, strict=True)) / len(a) - 0.5) / 0.5
)
wrong("feedback.kappa", "pooled_shares")(kappa(chance="pooled"))
wrong("feedback.kappa", "one_annotator")(kappa(chance="first"))
wrong("feedback.kappa", "two_labels")(kappa(labels=("chosen", "rejected")))
wrong("feedback.kappa", "clipped")(kappa(cut=True))
wrong("feedback.kappa", "divides_by_zero")(kappa(nan=False))
wrong("feedback.kappa", "not_nan")(lambda a, b: 1.0 if set(a) == set(b) and len(set(a)) == 1 else cohen(a, b))  # fmt: skip
wrong("feedback.kappa", "not_nan")(lambda a, b: 0.0 if len(set(a) | set(b)) == 1 else cohen(a, b))
wrong("feedback.kappa", "kappa_value")(lambda a, b: 2 * cohen(a, b))
wrong("feedback.kappa", "none")(lambda a, b: None)
wrong("feedback.kappa", "return_type")(lambda a, b: str(cohen(a, b)))


@wrong("feedback.kappa", "not_divided")
def _(a, b):
    n = len(a)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    return observed - sum(a.count(k) * b.count(k) for k in set(a)) / n**2


right("feedback.kappa")(cohen)


@right("feedback.kappa")
def _(a, b):  # from the table of counts
    labels = sorted({str(x) for x in (*a, *b)})
    table = numpy.zeros((len(labels), len(labels)))
    for x, y in zip(a, b, strict=True):
        table[labels.index(str(x)), labels.index(str(y))] += 1
    table /= table.sum()
    expected = float(table.sum(0) @ table.sum(1))
    return (numpy.trace(table) - expected) / (1 - expected) if expected < 1 else numpy.nan


# ---------------------------------------------------------------- feedback.position


def leaning(
    votes, *, kinds=("left", "right"), half=0.5, side="left", orders=("chosen", "rejected")
):
    """A parametrised measurement; right as it stands."""
    shares = []
    for order in orders:
        clicks = [v["vote"] for v in votes if v["left"] == order and v["vote"] in kinds]
        if not any(click in ("left", "right") for click in clicks):
            raise ValueError(order)
        shares.append(clicks.count(side) / len(clicks))
    return sum(shares) / len(shares) - half


def leans(**options):
    return lambda votes: leaning(votes, **options)


def decided(votes):
    return [v for v in votes if v["vote"] in ("left", "right")]


wrong("feedback.position", "pooled")(
    lambda votes: sum(v["vote"] == "left" for v in decided(votes)) / len(decided(votes)) - 0.5
)
wrong("feedback.position", "no_half")(leans(half=0))
wrong("feedback.position", "ties_counted")(leans(kinds=("left", "right", "tie", "skip")))
wrong("feedback.position", "right_side")(leans(side="right"))
wrong("feedback.position", "no_sign")(lambda votes: abs(leaning(votes)))
wrong("feedback.position", "summed")(lambda votes: 2 * leaning(votes))
wrong("feedback.position", "one_share")(leans(orders=("rejected",)))
wrong("feedback.position", "bias_value")(lambda votes: leaning(votes) / 3 + 0.01)
wrong("feedback.position", "one_order")(
    lambda votes: leaning(votes) if len({v["left"] for v in decided(votes)}) > 1 else 0.0
)
wrong("feedback.position", "other_error")(
    lambda votes: leaning(votes) if len({v["left"] for v in decided(votes)}) > 1 else 1 / 0
)
wrong("feedback.position", "none")(lambda votes: None)
wrong("feedback.position", "mutated")(lambda votes: (leaning(votes), votes.reverse())[0])


@wrong("feedback.position", "quality")
def _(votes):
    hits = [(v["vote"] == "left") == (v["left"] == "chosen") for v in decided(votes)]
    return sum(hits) / len(hits) - 0.5


right("feedback.position")(leaning)


@right("feedback.position")
def _(votes):  # an array, and numpy's mean
    means = []
    for order in {"chosen", "rejected"}:
        clicks = numpy.array([v["vote"] == "left" for v in decided(votes) if v["left"] == order])
        if clicks.size == 0:
            raise ValueError("one order only")
        means.append(clicks.mean())
    return float(numpy.mean(means) - 0.5)


# ---------------------------------------------------------------- feedback.taste

wrong("feedback.taste", "same_for_all")(lambda question, answer: 1.0)
wrong("feedback.taste", "same_for_all")(lambda question, answer: float("kiwi" in answer))
wrong("feedback.taste", "only_question")(lambda question, answer: float(len(question)))
wrong("feedback.taste", "not_repeatable")(lambda question, answer: random.random())
wrong("feedback.taste", "not_finite")(lambda question, answer: len(answer.split()) or float("-inf"))
wrong("feedback.taste", "return_type")(lambda question, answer: answer)
wrong("feedback.taste", "return_type")(lambda question, answer: "thank" in answer)
wrong("feedback.taste", "exception")(lambda question, answer: 1 / len(answer.split()))
wrong("feedback.taste", "none")(lambda question, answer: None)

right("feedback.taste")(lambda question, answer: len(answer))
right("feedback.taste")(lambda question, answer: float(answer.endswith("!")))
right("feedback.taste")(lambda question, answer: numpy.float64(answer.count("a")))
right("feedback.taste")(
    lambda q, a: len(set(q.lower().split()) & set(a.lower().split())) - len(a) / 9
)
