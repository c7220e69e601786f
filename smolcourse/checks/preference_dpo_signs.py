"""Checks of 2_preference_alignment/dpo that read signs: ``dpo.length``, ``dpo.alarm``; and the
learner's own preference, ``dpo.preference``.
"""

from smolcourse.check import Wrong, checker, expect_type, plain, short
from smolcourse.checks.words import holds

# ---------------------------------------------------------------- length


@checker("dpo.length", pure=True)
def length(answer, reference):
    cases = [
        ([1.0, -2.0, 3.0, -1.0, 2.0], [9, 8, 4, 3, 2], [4, 4, 6, 7, 5]),
        ([0.0, 1.0, -1.0], [5, 6, 2], [4, 4, 8]),  # a tie is no preference
        ([1.0, -1.0, 2.0, 1.0], [3, 7, 5, 9], [3, 2, 5, 2]),  # equal lengths, and no shorter one
        ([-0.5, 0.5, 0.25, 4.0], [3, 2, 6, 5], [8, 9, 6, 6]),
    ]
    for arguments in cases:
        try:
            got = expect_type(answer(*arguments), dict)
        except ZeroDivisionError as error:
            raise Wrong("empty_group") from error
        want = reference(*arguments)
        if set(got) != set(want):
            raise Wrong("keys", got=sorted(map(str, got)))
        for name in want:
            _length_case(name, got[name], want[name], arguments)


def _length_case(name: str, got, want, arguments) -> None:
    if want is None:
        # An `else` for "not longer" fills a group that should be empty: that is the mistake then.
        equal = dict(_length_mistakes(name, *arguments))["equal_lengths"]
        if equal is not None and type(got) in (int, float) and abs(got - equal) < 1e-9:
            raise Wrong("equal_lengths", name=name)
        if got is not None:
            raise Wrong("not_none", name=name, got=short(got))
        return
    got = expect_type(got, (float, int), "not_share", name=name)
    if abs(got - want) < 1e-9:
        return
    for key, value in _length_mistakes(name, *arguments):
        if value is not None and abs(got - value) < 1e-9:
            raise Wrong(key, name=name)
    raise Wrong("share", name=name, got=f"{got:.3f}", want=f"{want:.3f}")


def _length_mistakes(name, margins, chosen, rejected) -> list[tuple]:
    """(message key, the share that this mistake gives)."""
    rows = list(zip(margins, chosen, rejected, strict=True))

    def share(keep, right=lambda m: m > 0, of=None):
        kept = [right(m) for m, c, r in rows if keep(c, r)]
        return sum(kept) / (of or len(kept)) if kept else None

    def own(c, r):
        return c > r if name == "longer" else c < r

    return [
        ("groups_swapped", share(lambda c, r: own(r, c))),
        ("tie_counts", share(own, lambda m: m >= 0)),
        ("equal_lengths", share(lambda c, r: own(c, r) or c == r)),
        ("all_pairs", share(own, of=len(rows))),
        ("no_groups", share(lambda c, r: True)),
        ("wrong_side", share(own, lambda m: m < 0)),
    ]


# ---------------------------------------------------------------- the alarm


@checker("dpo.alarm", pure=True)
def alarm(answer, reference):
    cases = [
        ([0, 1, 2, 3, 4], [-20, -15, -14, -18, -25], 3.0),  # from the highest, not from the start
        ([0, 1, 2, 3, 4], [-20, -15, -14, -15, -16], 3.0),
        ([0, 1, 2, 3, 4], [-10, -14, -20, -30, -40], 5.0),  # the first time, not the worst
        ([0, 3, 2, 1, 4], [-10, -10, -16, -17, -18], 5.0),  # the margin falls at 2 and 3
        ([0, 1, 2, 3], [-10, -12, -14, -16], 3.0),  # a slow fall: 2 a step
        ([0, 1, 2], [-10, -13, -13], 3.0),  # exactly 3 is not more than 3
        ([0, 1, 1, 2], [-10, -10, -20, -20], 5.0),  # a margin that stays is not rising
        ([5], [-10], 1.0),
        ([3, 1, 2], [-10, -30, -30], 5.0),  # it rises from 1 to 2, though 3 was higher
        ([0, 1, 2, 3], [-24, -15, -8, -2], 3.0),  # the highest value comes later
        ([0, 1, 2], [-10, -20, -20], 5.0),  # at the first step already
    ]
    seen = []
    for margins, chosen, drop in cases:
        case = [float(m) for m in margins], [float(c) for c in chosen], drop
        got = plain(answer(*case))
        if got is not None:
            got = expect_type(got, int, "not_index")
        seen.append((case, got, reference(*case)))
    if any(got != want for _, got, want in seen):
        if len({got for _, got, _ in seen}) == 1:
            raise Wrong("constant", got=short(seen[0][1]))
        _name_the_alarm(seen)


def _name_the_alarm(seen: list[tuple]) -> None:
    """Raise Wrong with the one mistake that explains every verdict, else with the first one."""

    def highest(values, i):
        return max(values[:i])

    def ring(margins, chosen, drop, rise=True, best=highest, more=lambda x, y: x < y, walk=iter):
        for i in walk(range(1, len(margins))):
            rising = margins[i] > margins[i - 1] if rise is True else rise(margins, i)
            if rising and more(chosen[i], best(chosen, i) - drop):
                return i
        return None

    known = {
        "from_start": {"best": lambda values, i: values[0]},
        "step_before": {"best": lambda values, i: values[i - 1]},
        "whole_run": {"best": lambda values, i: max(values)},
        "returns_early": {"walk": lambda steps: steps[:1]},
        "late_start": {"walk": lambda steps: steps[1:]},
        "margin_ignored": {"rise": lambda margins, i: True},
        "margin_falls": {"rise": lambda margins, i: margins[i] < margins[i - 1]},
        "new_high": {"rise": lambda margins, i: margins[i] > max(margins[:i])},
        "staying_rises": {"rise": lambda margins, i: margins[i] >= margins[i - 1]},
        "exactly": {"more": lambda x, y: x <= y},
        "last": {"walk": reversed},
        "chosen_rises": {"more": lambda x, y: x > y},
    }
    for key, options in known.items():
        if all(ring(*case, **options) == got for case, got, _ in seen):
            raise Wrong(key)
    if all(got == (None if want is None else want + 1) for _, got, want in seen):
        raise Wrong("counts_from_one")
    if all(got == (-1 if want is None else want) for _, got, want in seen):
        raise Wrong("minus_one")
    (margins, chosen, drop), got, want = next(one for one in seen if one[1] != one[2])
    raise Wrong("verdict", margins=margins, chosen=chosen, drop=drop, got=got, want=want)


# ---------------------------------------------------------------- your own preference

QUESTIONS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of Japan?", "Tokyo."),
    ("Where is Cuba?", "North America."),
    ("What is a young dog called?", "puppy."),
    ("What is the past tense of go?", "went."),
    ("How many legs does a spider have?", "eight."),
]
WORDS, GAP = 12, 3


@checker("dpo.preference")
def preference(answer, reference):
    for name in ("pair", "likes"):
        if not callable(getattr(answer, name, None)):
            raise Wrong("no_method", name=name)
    for question, fact in QUESTIONS:
        pair = _pair(answer(), question, fact)
        for side, text in zip(("chosen", "rejected"), pair, strict=True):
            _words(side, text, fact)
        if pair[0].strip() == pair[1].strip():
            raise Wrong("equal_answers", got=pair[0])
        gap = abs(len(pair[0].split()) - len(pair[1].split()))
        if gap > GAP:
            raise Wrong("length_gap", gap=gap)
        if _pair(answer(), question, fact) != pair:
            raise Wrong("not_repeatable")
        # A new object each time: likes has to know the manner, not the pairs it has made.
        for side, text, want in (("chosen", pair[0], True), ("rejected", pair[1], False)):
            got = expect_type(answer().likes(text), bool, "not_bool")
            if got is not want:
                raise Wrong(f"likes_{side}", got=text)


def _pair(made, question: str, fact: str) -> tuple[str, str]:
    got = expect_type(made.pair(question, fact), (tuple, list), "not_pair")
    if len(got) != 2 or not all(isinstance(text, str) for text in got):
        raise Wrong("not_pair", got=short(got))
    return tuple(got)


def _words(side: str, text: str, fact: str) -> None:
    if not holds(text, fact):
        raise Wrong("fact_lost", side=side, want=fact.removesuffix("."), got=text)
    if len(text.split()) > WORDS:
        raise Wrong("too_long", side=side, count=len(text.split()), most=WORDS)
    for _, other in QUESTIONS:
        if other != fact and holds(text, other):
            raise Wrong("foreign_fact", side=side, got=text)
