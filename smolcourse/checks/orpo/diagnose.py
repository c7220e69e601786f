"""orpo.diagnose: five rules in their order, on the gains of both sides."""

import itertools
import math

from smolcourse.checks.core import Wrong, expect_type

pure = True
VERDICTS = ("broken", "swapped", "overdone", "imitating", "healthy")
NAN, INF = float("nan"), float("inf")


def cases(rng):
    curves = [
        ([-3.0, -1.0, -0.4], [-3.2, -3.3, -3.5]),  # healthy
        ([-3.0, -1.0, -0.4], [-3.2, -2.0, -1.4]),  # imitating
        ([-3.0, -2.0, -1.6], [-3.2, -1.0, -0.4]),  # swapped, and imitating as well
        ([-3.0, -3.5, -6.0], [-3.2, -9.0, -14.0]),  # overdone
        ([-3.0, -3.5, -6.0], [-3.2, -3.6, -5.0]),  # swapped, and overdone as well
        ([-3.0, NAN, -0.4], [-3.2, -3.0, -3.5]),
        ([-3.0, -1.0, -0.4], [-3.2, -3.0, -INF]),
        ([-3.0, -1.0, 0.4], [-3.2, -3.0, -3.5]),  # no log-probability is above 0
        ([-3.0, -1.0, -0.4], [-3.2, 0.2, -3.5]),
        ([-3.0, -0.3, -1.0], [-3.2, -3.0, -3.5]),  # below its best, above its start
        ([-1.0, -4.0, -0.5], [-1.0, -5.0, -2.0]),  # a dip on the way
        ([-3.0, -1.0, -0.4], [-5.0, -3.0, -5.5]),  # risen on the way, and pushed back
        ([-3.0, -2.0], [-3.0, -3.0]),
        ([-3.0, -2.0], [-3.0, -2.9]),
        ([-0.5, -0.2], [-2.0, -1.9]),
        ([-5.0, -3.0], [-2.0, -2.5]),  # healthy: ahead at the end, yet it lost ground
        ([-3.0, -2.0], [-3.0, 0.5]),  # broken before it is swapped
        ([-3.0, -2.0], [-5.0, -4.0]),  # imitating: equal gains are not swapped
        ([-3.0, -3.0], [-3.0, -4.0]),  # healthy: chosen stayed
        ([-3.0, 0.0], [-3.0, -4.0]),  # healthy: 0 is the logarithm of 1
    ]
    factor = rng.choice([0.5, 1.0, 2.0, 4.0])  # exact in binary: ties stay ties
    return [tuple([factor * x for x in curve] for curve in pair) for pair in curves]


def observe(answer, case):
    return expect_type(answer(*case), str)


def judge(seen, wanted, case):
    chosen, rejected = case
    if seen not in VERDICTS:
        raise Wrong("unknown_name", got=seen)
    if seen == wanted:
        return
    if wanted == "broken":
        raise Wrong("above_zero" if any(v > 0 for v in chosen + rejected) else "not_finite")
    if wanted == "swapped":
        raise Wrong("swapped_missed" if seen == "healthy" else "order")
    if wanted == "overdone" and seen != "swapped":
        raise Wrong("overdone_missed")
    if wanted == "healthy" and seen == "overdone":
        raise Wrong("dip")
    if wanted == "imitating" and seen == "healthy":
        raise Wrong("imitating_missed")
    if wanted == "healthy" and seen == "imitating" and max(rejected) > rejected[0]:
        raise Wrong("pushed_back")
    raise Wrong("verdict", chosen=chosen, rejected=rejected, want=wanted, got=seen)


def _rules(ends=False, ties=(), order="bsoi"):
    """A mistake: `ends` compares end points instead of gains in rule 2, the rules in `ties` hold for
    equal numbers as well, `order` is the order of the rules."""

    def above(rule, one, other):
        return one > other or (rule in ties and one == other)

    def wrong(right, chosen, rejected):
        gained, theirs = chosen[-1] - chosen[0], rejected[-1] - rejected[0]
        if ends:
            gained, theirs = chosen[-1], rejected[-1]
        holds = {
            "b": any(not math.isfinite(v) or above("b", v, 0) for v in chosen + rejected),
            "s": above("s", theirs, gained),
            "o": above("o", chosen[0], chosen[-1]),
            "i": above("i", rejected[-1], rejected[0]),
        }
        names = {"b": "broken", "s": "swapped", "o": "overdone", "i": "imitating"}
        return next((names[rule] for rule in order if holds[rule]), "healthy")

    return wrong


mistakes = {
    "end_points": [_rules(ends=True), _rules(ends=True, ties="s")],
    "broken_late": [_rules(order=order) for order in ("sboi", "sobi", "soib")],
    "tie": [_rules(ties=ties) for n in (1, 2, 3, 4) for ties in itertools.combinations("bsoi", n)],
    "unknown_name": lambda right, *case: right(*case).upper(),
}
