"""Wrong and right answers to dpo.length, dpo.alarm and dpo.preference, as learners write them."""

import itertools

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- dpo.length


def split(margins, chosen, rejected, *, hit=lambda m: m > 0, more=lambda c, r: c > r, of=len):
    """A parametrised answer; right as it stands."""
    rows = list(zip(margins, chosen, rejected, strict=True))
    groups = {
        "longer": [hit(m) for m, c, r in rows if more(c, r)],
        "shorter": [hit(m) for m, c, r in rows if more(r, c)],
    }
    return {name: sum(hits) / of(hits) if hits else None for name, hits in groups.items()}


def splits(**options):
    return lambda m, c, r: split(m, c, r, **options)


def turned(change):
    return lambda m, c, r: change(split(m, c, r))


wrong("dpo.length", "groups_swapped")(lambda m, c, r: split(m, r, c))
wrong("dpo.length", "tie_counts")(splits(hit=lambda m: m >= 0))
wrong("dpo.length", "equal_lengths")(splits(more=lambda c, r: c >= r))
wrong("dpo.length", "equal_lengths")(  # if ... else: all that is not longer is shorter
    lambda m, c, r: {
        "longer": split(m, c, r)["longer"],
        "shorter": split(m, c, r, more=lambda x, y: x >= y)["shorter"],
    }
)
wrong("dpo.length", "all_pairs")(lambda m, c, r: split(m, c, r, of=lambda hits: len(m)))
wrong("dpo.length", "wrong_side")(splits(hit=lambda m: m < 0))
wrong("dpo.length", "no_groups")(
    lambda m, c, r: dict.fromkeys(("longer", "shorter"), sum(x > 0 for x in m) / len(m))
)
wrong("dpo.length", "not_none")(turned(lambda d: {k: v or 0.0 for k, v in d.items()}))
wrong("dpo.length", "not_none")(
    turned(lambda d: {k: float("nan") if v is None else v for k, v in d.items()})
)
wrong("dpo.length", "keys")(turned(lambda d: {"long": d["longer"], "short": d["shorter"]}))
wrong("dpo.length", "keys")(turned(lambda d: {"longer": d["longer"]}))
wrong("dpo.length", "not_share")(turned(lambda d: {k: str(v) for k, v in d.items()}))
wrong("dpo.length", "not_share")(turned(lambda d: {k: v and None for k, v in d.items()}))
wrong("dpo.length", "share")(turned(lambda d: {k: v and v / 3 for k, v in d.items()}))
wrong("dpo.length", "return_type")(turned(lambda d: tuple(d.values())))
wrong("dpo.length", "none")(turned(lambda d: None))


@wrong("dpo.length", "empty_group")
def _(margins, chosen, rejected):
    rows = list(zip(margins, chosen, rejected, strict=True))
    longer = [m > 0 for m, c, r in rows if c > r]
    shorter = [m > 0 for m, c, r in rows if c < r]
    return {"longer": sum(longer) / len(longer), "shorter": sum(shorter) / len(shorter)}


@wrong("dpo.length", "mutated")
def _(margins, chosen, rejected):
    result = split(margins, chosen, rejected)
    margins.clear()
    return result


right("dpo.length")(split)


@right("dpo.length")
def _(margins, chosen_tokens, rejected_tokens):
    import torch

    m, c, r = (
        torch.tensor(x, dtype=torch.float64) for x in (margins, chosen_tokens, rejected_tokens)
    )
    out = {}
    for name, group in (("shorter", c < r), ("longer", c > r)):
        out[name] = (m[group] > 0).double().mean().item() if group.any() else None
    return out


# ---------------------------------------------------------------- dpo.alarm


def ring(
    margins,
    chosen,
    drop,
    rise=lambda m, i: m[i] > m[i - 1],
    best=max,
    less=lambda x, y: x < y,
    walk=iter,
):
    """A parametrised alarm; right as it stands."""
    for i in walk(range(1, len(margins))):
        if rise(margins, i) and less(chosen[i], best(chosen[:i]) - drop):
            return i
    return None


def rings(**options):
    return lambda m, c, drop: ring(m, c, drop, **options)


wrong("dpo.alarm", "from_start")(rings(best=lambda values: values[0]))
wrong("dpo.alarm", "step_before")(rings(best=lambda values: values[-1]))
wrong("dpo.alarm", "whole_run")(  # with the values that come later
    lambda m, c, d: next(
        (i for i in range(1, len(m)) if m[i] > m[i - 1] and c[i] < max(c) - d), None
    )
)
wrong("dpo.alarm", "late_start")(rings(walk=lambda steps: steps[1:]))
wrong("dpo.alarm", "margin_ignored")(rings(rise=lambda m, i: True))
wrong("dpo.alarm", "margin_falls")(rings(rise=lambda m, i: m[i] < m[i - 1]))
wrong("dpo.alarm", "new_high")(rings(rise=lambda m, i: m[i] > max(m[:i])))
wrong("dpo.alarm", "staying_rises")(rings(rise=lambda m, i: m[i] >= m[i - 1]))
wrong("dpo.alarm", "exactly")(rings(less=lambda x, y: x <= y))
wrong("dpo.alarm", "last")(rings(walk=reversed))
wrong("dpo.alarm", "chosen_rises")(rings(less=lambda x, y: x > y))
wrong("dpo.alarm", "counts_from_one")(
    lambda m, c, d: None if ring(m, c, d) is None else ring(m, c, d) + 1
)
wrong("dpo.alarm", "minus_one")(lambda m, c, d: -1 if ring(m, c, d) is None else ring(m, c, d))
wrong("dpo.alarm", "constant")(lambda m, c, d: None)
wrong("dpo.alarm", "constant")(lambda m, c, d: 3)
wrong("dpo.alarm", "not_index")(lambda m, c, d: ring(m, c, d) is not None)
wrong("dpo.alarm", "not_index")(lambda m, c, d: [i for i in range(len(m)) if c[i] < max(c) - d])
wrong("dpo.alarm", "verdict")(lambda m, c, d: len(m) - 1 if c[-1] < c[0] else None)
wrong("dpo.alarm", "exception")(lambda m, c, d: max(i for i in range(len(m)) if c[i] > 0))


@wrong("dpo.alarm", "returns_early")
def _(margins, chosen, drop):
    for i in range(1, len(margins)):
        if margins[i] > margins[i - 1] and chosen[i] < max(chosen[:i]) - drop:
            return i
        else:  # noqa: RET505 (as learners write it)
            return None


right("dpo.alarm")(ring)


@right("dpo.alarm")
def _(margins, chosen, drop):
    highs = list(itertools.accumulate(chosen, max))
    found = (
        i
        for i, (before, now) in enumerate(itertools.pairwise(margins), start=1)
        if now > before and highs[i - 1] - chosen[i] > drop
    )
    return next(found, None)


# ---------------------------------------------------------------- dpo.preference


def made(pair, likes):
    """A class with these two functions as its methods."""
    return type(
        "MyPreference",
        (),
        {"pair": lambda self, q, a: pair(q, a), "likes": lambda self, text: likes(text)},
    )


def easy(question, answer):
    return f"Easy: {answer}", answer


def is_easy(text):
    return text.startswith("Easy")


wrong("dpo.preference", "not_class")(easy)
wrong("dpo.preference", "no_method")(type("MyPreference", (), {"pair": lambda self, q, a: (a, a)}))
wrong("dpo.preference", "not_pair")(made(lambda q, a: f"Easy: {a}", is_easy))
wrong("dpo.preference", "not_pair")(made(lambda q, a: (*easy(q, a), q), is_easy))
wrong("dpo.preference", "not_pair")(made(lambda q, a: None, is_easy))
wrong("dpo.preference", "not_bool")(made(easy, lambda text: text.startswith("Easy") or None))
wrong("dpo.preference", "equal_answers")(made(lambda q, a: (a, a + " "), is_easy))
wrong("dpo.preference", "fact_lost")(made(lambda q, a: (f"Easy: {a}", "No."), is_easy))
wrong("dpo.preference", "fact_lost")(made(lambda q, a: (f"Easy: {a[:-2]}", a), is_easy))
wrong("dpo.preference", "foreign_fact")(
    made(lambda q, a: (f"Paris? {a}", a), lambda text: text.startswith("Paris?"))
)
wrong("dpo.preference", "too_long")(made(lambda q, a: ("easy " * 12 + a, "so " * 12 + a), is_easy))
wrong("dpo.preference", "length_gap")(made(lambda q, a: (f"Easy one, this is {a}", a), is_easy))
wrong("dpo.preference", "likes_chosen")(made(lambda q, a: easy(q, a)[::-1], is_easy))
wrong("dpo.preference", "likes_chosen")(made(easy, lambda text: False))
wrong("dpo.preference", "likes_rejected")(made(easy, lambda text: True))
wrong("dpo.preference", "likes_rejected")(made(easy, lambda text: text.endswith(".")))
wrong("dpo.preference", "exception")(made(lambda q, a: easy(q, a.removeprefix(1)), is_easy))


@wrong("dpo.preference", "likes_chosen")
class Remembers:
    """Knows its own pairs only."""

    def __init__(self):
        self.seen = []

    def pair(self, question, answer):
        self.seen.append(f"Easy: {answer}")
        return self.seen[-1], answer

    def likes(self, text):
        return text in self.seen


@wrong("dpo.preference", "not_repeatable")
class Random:
    def pair(self, question, answer):
        import random

        return f"{random.choice(['Arr', 'Aye', 'Ahoy', 'Avast'])}! {answer}", answer

    def likes(self, text):
        return "!" in text


right("dpo.preference")(made(easy, is_easy))
right("dpo.preference")(made(lambda q, a: (a.upper(), a), lambda text: text == text.upper()))
right("dpo.preference")(
    made(lambda q, a: [f"I think: {a}", f"Of course: {a}"], lambda text: "think" in text)
)


right("dpo.preference")(  # Chinese writes no space around the answer
    made(lambda q, a: (f"我认为答案是{a}", f"答案是{a}"), lambda text: "认为" in text)
)


@right("dpo.preference")
class NoQuestionBack:
    def __init__(self, mark="?"):
        self.mark = mark

    def pair(self, question, answer):
        return f"It is {answer}", f"{answer} Right{self.mark}"

    def likes(self, text):
        return self.mark not in text
