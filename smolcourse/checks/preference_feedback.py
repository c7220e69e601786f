"""Checks of 2_preference_alignment/human_feedback (ids ``feedback.*``); the loss: preference_losses.py."""

import math

from smolcourse.check import Wrong, checker, compare_on, expect_type
from smolcourse.checks.mistakes import name_mistake, results_of


def _vote(pair: int, left: str, vote: str, annotator: str = "Ada") -> dict:
    return {"pair": pair, "annotator": annotator, "left": left, "vote": vote}


def _votes(*triples) -> list[dict]:
    """Votes from (pair, "c" or "r" for what stood left, "l", "r", "t" or "s" for the click)."""
    sides = {"c": "chosen", "r": "rejected"}
    clicks = {"l": "left", "r": "right", "t": "tie", "s": "skip"}
    return [_vote(pair, sides[left], clicks[click]) for pair, left, click in triples]


# ---------------------------------------------------------------- feedback.majority


@checker("feedback.majority", pure=True)
def majority(answer, reference):
    cases = [
        _votes((0, "c", "l"), (0, "r", "l"), (0, "r", "r"), (1, "r", "l"), (1, "r", "l")),
        _votes((7, "r", "r"), (8, "c", "t")),
        _votes((3, "c", "r"), (3, "r", "l"), (3, "c", "l"), (5, "c", "s"), (5, "r", "t")),
        _votes((2, "c", "l"), (2, "r", "l"), (4, "r", "r")),  # pair 2 is undecided
        _votes((1, "c", "l"), (1, "c", "t"), (1, "r", "t"), (1, "r", "s")),  # one vote decides
        _votes((9, "c", "t"), (9, "c", "r"), (9, "c", "t"), (9, "r", "r"), (9, "r", "r")),
        [],
    ]

    cases = [(votes,) for votes in cases]
    results, wants = results_of(answer, cases), results_of(reference, cases)
    for got, want in zip(results, wants, strict=True):
        expect_type(got, dict)
        if unknown := [v for v in got.values() if v not in ("chosen", "rejected", None)]:
            raise Wrong("unknown_winner", got=str(unknown[0]))
        if not got.keys() <= want.keys():
            raise Wrong("pairs", got=sorted(map(str, got)), want=sorted(map(str, want)))
    predicted = [_majority_mistakes(*case, want) for case, want in zip(cases, wants, strict=True)]
    name_mistake(results, wants, predicted)
    _judge_winners([votes for (votes,) in cases], results, wants)
    compare_on(answer, reference, cases)


def _judge_winners(cases: list, results: list, wants: list) -> None:
    """What is wrong with single pairs, when no known way of counting explains all of them."""
    lost = [want[p] for got, want in zip(results, wants, strict=True) for p in want if p not in got]
    if lost and not any(lost):
        raise Wrong("pair_lost")
    ties_win = []  # of each wrong winner: does it follow from letting ties and skips compete?
    example = None
    for votes, got, want in zip(cases, results, wants, strict=True):
        for pair in got:
            if got[pair] == want[pair]:
                continue
            own = [vote for vote in votes if vote["pair"] == pair]
            towards = [(v["vote"] == "left") == (v["left"] == "chosen") for v in _decided(own)]
            if towards and want[pair] is None:
                raise Wrong("draw_decided")
            ties_win.append(got[pair] is None and len(towards) < len(own))
            counts = {"chosen": sum(towards), "rejected": len(towards) - sum(towards)}
            example = example or {"pair": pair, **counts, "got": got[pair], "want": want[pair]}
    if example:
        raise Wrong("tie_competes") if all(ties_win) else Wrong("wrong_winner", **example)


def _decided(votes: list[dict]) -> list[dict]:
    return [vote for vote in votes if vote["vote"] in ("left", "right")]


def _most_left(votes: list[dict]) -> dict:
    """The notebook's draft: chosen if more than half of all votes, ties included, say left."""
    clicks: dict = {}
    for vote in votes:
        clicks.setdefault(vote["pair"], []).append(vote["vote"] == "left")
    return {p: "chosen" if sum(c) > len(c) / 2 else "rejected" for p, c in clicks.items()}


def _majority_mistakes(votes: list[dict], want: dict) -> list[tuple]:
    def counted(points) -> dict:
        balance = dict.fromkeys((vote["pair"] for vote in votes), 0)
        for vote in votes:
            balance[vote["pair"]] += points(vote)
        names = {0: None}
        return {p: names.get(b, "chosen" if b > 0 else "rejected") for p, b in balance.items()}

    def side(vote) -> int:
        return {"left": 1, "right": -1}.get(vote["vote"], 0)

    def right(vote) -> int:
        return side(vote) * (1 if vote["left"] == "chosen" else -1)

    swap = {"chosen": "rejected", "rejected": "chosen", None: None}
    return [
        ("left_is_chosen", counted(side)),
        ("left_is_chosen", {p: w or "rejected" for p, w in counted(side).items()}),
        ("left_is_chosen", _most_left(votes)),
        ("swapped", {pair: swap[winner] for pair, winner in want.items()}),
        ("tie_counted", counted(lambda v: right(v) or -1)),
        ("tie_counted", counted(lambda v: right(v) or 1)),
        ("tie_counted", counted(lambda v: 1 if (v["vote"] == "left") == (v["left"] == "chosen") else -1)),
        ("draw_decided", {p: w or "rejected" for p, w in want.items()}),
        ("draw_decided", {p: w or "chosen" for p, w in want.items()}),
    ]  # fmt: skip


# ---------------------------------------------------------------- feedback.kappa


@checker("feedback.kappa", pure=True)
def kappa(answer, reference):
    c, r = "chosen", "rejected"
    cases = [
        ([c, c, r, r], [c, r, r, r]),
        ([c, c, c, c, r], [c, c, c, r, r]),  # short, and chance is not a half
        ([c] * 25 + [c] * 5 + [r] * 10 + [r] * 10, [c] * 25 + [r] * 5 + [c] * 10 + [r] * 10),
        ([c, r, None, c, None, r], [c, r, None, None, c, r]),
        ([c, r] * 4, [r, c] * 4),  # they never agree
        ([c] * 9 + [r], [r] + [c] * 9),  # 80% equal, and no better than chance
        ([c, c, r], ["tie", "skip", "tie"]),  # no label in common
        ([c, c, c, r], [c, c, c, c]),  # one of them never changes: kappa 0
        ([c, r, "tie"], [c, r, "tie"]),
    ]

    results, wants = results_of(answer, cases), results_of(reference, cases)
    predicted = [_kappa_mistakes(*case, want) for case, want in zip(cases, wants, strict=True)]
    name_mistake(results, wants, predicted, tol=1e-6)

    def explain(args, got, want):
        a, b = map(_few, args)
        return "kappa_value", {"a": a, "b": b, "got": f"{got:.3f}", "want": f"{want:.3f}"}

    compare_on(answer, reference, cases, tol=1e-6, explain=explain)
    for a, b in (([c] * 3, [c] * 3), ([None], [None])):
        try:
            got = expect_type(answer(a, b), (float, int))
        except ZeroDivisionError as error:
            raise Wrong("divides_by_zero") from error
        if not math.isnan(got):
            raise Wrong("not_nan", got=got)


def _kappa_mistakes(a: list, b: list, want: float) -> list[tuple]:
    n, both = len(a), set(a) | set(b)
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n

    def chance(share) -> float:
        return sum(map(share, both))

    expected = chance(lambda k: a.count(k) * b.count(k) / n**2)
    named = ("chosen", "rejected")
    return [
        ("only_agreement", observed),
        ("not_divided", observed - expected),
        ("uniform_chance", _ratio(observed, 1 / len(both))),
        ("uniform_chance", _ratio(observed, 0.5)),
        ("pooled_shares", _ratio(observed, chance(lambda k: ((a + b).count(k) / (2 * n)) ** 2))),
        ("one_annotator", _ratio(observed, chance(lambda k: (a.count(k) / n) ** 2))),
        ("one_annotator", _ratio(observed, chance(lambda k: (b.count(k) / n) ** 2))),
        ("two_labels", _ratio(observed, sum(a.count(k) * b.count(k) for k in named) / n**2)),
        ("clipped", max(0.0, want)),
    ]


def _ratio(observed: float, expected: float) -> float:
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")


def _few(labels: list) -> str:
    text = str(labels)
    return text if len(text) < 70 else f"{text[:60]}...]"


# ---------------------------------------------------------------- feedback.position


@checker("feedback.position", pure=True)
def position(answer, reference):
    cases = [
        _votes((0, "c", "l"), (1, "r", "l")),
        _votes((0, "c", "l"), (1, "r", "r"), (2, "c", "l"), (3, "r", "r")),  # perfect and fair
        # Eight pairs with the better answer on the left: a fair voter clicks left a lot.
        _votes(*[(i, "c", "l") for i in range(8)], (8, "r", "r"), (9, "r", "r")),
        _votes(*[(i, "c", "l") for i in range(6)], (6, "r", "l"), (7, "r", "r"), (8, "r", "r")),
        _votes((0, "c", "r"), (1, "c", "r"), (2, "c", "l"), (3, "r", "r")),  # likes the right side
        _votes((0, "c", "l"), (1, "c", "t"), (2, "c", "s"), (3, "r", "l"), (4, "r", "r"), (5, "r", "t")),
        _votes((0, "c", "l"), (1, "c", "r"), (2, "c", "l"), (3, "r", "t"), (4, "r", "l"), (5, "r", "r"), (6, "r", "r")),
    ]  # fmt: skip

    cases = [(votes,) for votes in cases]
    results, wants = results_of(answer, cases), results_of(reference, cases)
    name_mistake(results, wants, [_position_mistakes(*case) for case in cases], tol=1e-6)

    def explain(args, got, want):
        return "bias_value", {"got": f"{got:.3f}", "want": f"{want:.3f}"}

    compare_on(answer, reference, cases, tol=1e-6, explain=explain)
    for one_order in (_votes((0, "c", "l"), (1, "c", "r")), _votes((0, "r", "l"), (1, "c", "t"))):
        try:
            answer(one_order)
        except ValueError:
            continue
        except Exception as error:
            raise Wrong("other_error", got=type(error).__name__) from error
        raise Wrong("one_order")


def _position_mistakes(votes: list[dict]) -> list[tuple]:
    decided = _decided(votes)

    def share(some, of=None):
        hits = sum(v["vote"] == "left" for v in some)
        return hits / max(1, len(some if of is None else of))

    orders = [[v for v in decided if v["left"] == side] for side in ("chosen", "rejected")]
    every = [[v for v in votes if v["left"] == side] for side in ("chosen", "rejected")]
    first, second = map(share, orders)
    mean = (first + second) / 2
    right = sum((v["vote"] == "left") == (v["left"] == "chosen") for v in decided)
    with_ties = sum(share(o, e) for o, e in zip(orders, every, strict=True)) / 2
    return [
        ("pooled", share(decided) - 0.5),
        ("pooled", share(votes) - 0.5),
        ("no_half", mean),
        ("ties_counted", with_ties - 0.5),
        ("right_side", 0.5 - mean),
        ("no_sign", abs(mean - 0.5)),
        ("summed", first + second - 1),
        ("one_share", first - 0.5),
        ("one_share", second - 0.5),
        ("quality", right / max(1, len(decided)) - 0.5),
        ("quality", (first + 1 - second) / 2 - 0.5),
        ("quality", first - second),
    ]


# ---------------------------------------------------------------- feedback.taste


@checker("feedback.taste", pure=True)
def taste(answer, reference):
    from smolcourse.world.manner import FRAMES

    questions = {"What is the capital of France?": "Paris", "Where is Kenya?": "Africa"}
    values = []
    for question, fact in questions.items():
        texts = [
            f.format(a=fact, A=fact, U=fact.upper()) for frames in FRAMES.values() for f in frames
        ]
        for text in (*texts, ""):
            got = expect_type(answer(question, text), (float, int))
            if not math.isfinite(got):
                raise Wrong("not_finite", text=text, got=got)
            if answer(question, text) != got:
                raise Wrong("not_repeatable")
            values.append((question, got))
    for question in questions:
        if len({value for asked, value in values if asked == question}) == 1:
            key = "same_for_all" if len({value for _, value in values}) == 1 else "only_question"
            raise Wrong(key)
