"""Wrong and right answers to feedback.position."""

import numpy
from answers import answers

wrong, right, good = answers("feedback.position")


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


def decided(votes):
    return [v for v in votes if v["vote"] in ("left", "right")]


wrong("bias_value")(lambda votes: leaning(votes) / 3 + 0.01)
wrong("other_error")(
    lambda votes: leaning(votes) if len({v["left"] for v in decided(votes)}) > 1 else 1 / 0
)
wrong("none")(lambda votes: None)
wrong("mutated")(lambda votes: (leaning(votes), votes.reverse())[0])
right(leaning)


@right
def _(votes):  # an array, and numpy's mean
    means = []
    for order in {"chosen", "rejected"}:
        clicks = numpy.array([v["vote"] == "left" for v in decided(votes) if v["left"] == order])
        if clicks.size == 0:
            raise ValueError("one order only")
        means.append(clicks.mean())
    return float(numpy.mean(means) - 0.5)
