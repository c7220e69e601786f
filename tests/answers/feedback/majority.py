"""Wrong and right answers to feedback.majority."""

from collections import Counter

from answers import answers

wrong, right, good = answers("feedback.majority")


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


wrong("unknown_winner")(lambda votes: elect(votes, draw="tie"))
wrong("unknown_winner")(
    lambda votes: {v["pair"]: Counter(u["vote"] for u in votes).most_common(1)[0][0] for v in votes}
)
wrong("pairs")(lambda votes: {at: w for at, (_, w) in enumerate(elect(votes).items())})
wrong("pairs")(lambda votes: {str(p): w for p, w in elect(votes).items()})
wrong("return_type")(lambda votes: list(elect(votes).items()))
wrong("none")(lambda votes: print(elect(votes)))
wrong("mutated")(lambda votes: (elect(votes), votes.clear())[0])


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


@wrong("tie_competes")
def _(votes):  # more than half of all votes, for either side
    result = {}
    for pair, count in tallies(votes, others=True).items():
        most = [side for side in ("chosen", "rejected") if count[side] > count.total() / 2]
        result[pair] = most[0] if most else None
    return result


@wrong("tie_competes")
def _(votes):  # ties are a third candidate, and a draw between any two is undecided
    result = {}
    for pair, count in tallies(votes, others=True).items():
        (first, most), (_, second) = [*count.most_common(2), (None, 0)][:2]
        result[pair] = first if most > second else None
    return result


@wrong("wrong_winner")
def _(votes):  # only if all agree
    counts = tallies(votes)
    return {p: next(iter(c)) if len(c) == 1 else None for p, c in counts.items()}


right(elect)
right(
    lambda votes: {
        p: None if c["chosen"] == c["rejected"] else c.most_common(1)[0][0]
        for p, c in tallies(votes).items()
    }
)


@right
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
