"""Checks of 2_preference_alignment/orpo: runs and their data (orpo.diagnose, orpo.pairs)."""

import itertools
import math

from smolcourse.check import Wrong, checker, compare_on, expect_type, plain
from smolcourse.checks.words import holds

# ---------------------------------------------------------------- orpo.diagnose

VERDICTS = ("broken", "swapped", "overdone", "imitating", "healthy")


@checker("orpo.diagnose", pure=True)
def diagnose(answer, reference):
    nan, inf = float("nan"), float("inf")
    cases = [
        ([-3.0, -1.0, -0.4], [-3.2, -3.3, -3.5]),  # healthy
        ([-3.0, -1.0, -0.4], [-3.2, -2.0, -1.4]),  # imitating
        ([-3.0, -2.0, -1.6], [-3.2, -1.0, -0.4]),  # swapped, and imitating as well
        ([-3.0, -3.5, -6.0], [-3.2, -9.0, -14.0]),  # overdone
        ([-3.0, -3.5, -6.0], [-3.2, -3.6, -5.0]),  # swapped, and overdone as well
        ([-3.0, nan, -0.4], [-3.2, -3.0, -3.5]),
        ([-3.0, -1.0, -0.4], [-3.2, -3.0, -inf]),
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

    def explain(args, got, want):
        chosen, rejected = args
        if got not in VERDICTS:
            return "unknown_name", {"got": str(got)}
        if want == "broken":
            above = any(value > 0 for value in chosen + rejected)
            return "above_zero" if above else "not_finite"
        if want == "swapped":
            return "swapped_missed" if got == "healthy" else "order"
        if want == "overdone" and got != "swapped":
            return "overdone_missed"
        if want == "healthy" and got == "overdone":
            return "dip"
        if want == "imitating" and got == "healthy":
            return "imitating_missed"
        if want == "healthy" and got == "imitating" and max(rejected) > rejected[0]:
            return "pushed_back"
        return "verdict", {"chosen": chosen, "rejected": rejected, "want": want, "got": got}

    _name_the_rule(answer, reference, cases)
    compare_on(answer, reference, cases, explain=explain)


def _name_the_rule(answer, reference, cases) -> None:
    """Raise Wrong with the one mistaken rule that explains every verdict; else return."""
    got = [plain(answer(*case)) for case in cases]
    if not all(isinstance(verdict, str) for verdict in got):
        return
    if got == [reference(*case) for case in cases]:
        return
    known = [("end_points", {"ends": True, "ties": ties}) for ties in ((), "s")]
    known += [("broken_late", {"order": order}) for order in ("sboi", "sobi", "soib")]
    known += [
        ("tie", {"ties": ties})
        for count in (1, 2, 3, 4)
        for ties in itertools.combinations("bsoi", count)
    ]
    for key, options in known:
        if got == [_verdict(*case, **options) for case in cases]:
            raise Wrong(key)


def _verdict(chosen, rejected, ends=False, ties=(), order="bsoi") -> str:
    """The verdict of rules that may be wrong: `ends` compares end points instead of gains in rule 2,
    the rules in `ties` hold for equal numbers as well, `order` is the order of the rules."""

    def above(rule, one, other):
        return one > other or (rule in ties and one == other)

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


# ---------------------------------------------------------------- orpo.pairs


@checker("orpo.pairs", pure=True)
def pairs(answer, reference):
    rows = [
        ("What is the capital of France?", "Paris."),
        ("What is the capital of Japan?", "Tokyo."),
        ("Where is Kenya?", "Africa."),
        ("What is a young dog called?", "puppy."),
        ("What is the past tense of go?", "went."),
    ]
    made = []
    for question, short in rows:
        raw = answer(question, short)
        row = _pair_case(raw, question, short)
        if answer(question, short) != raw:
            raise Wrong("not_repeatable")
        for side in ("chosen", "rejected"):
            for _, other in rows:
                if other != short and holds(row[side], other):
                    raise Wrong("foreign_answer", got=row[side])
        made.append(row)
    for side in ("chosen", "rejected"):
        if len({row[side] for row in made}) == 1:
            raise Wrong("answer_lost", side=side, want=rows[0][1].removesuffix("."))


def _pair_case(row, question: str, short: str) -> dict[str, str]:
    """{prompt, chosen, rejected} as texts, after the shape and the content were judged."""
    row = expect_type(row, dict)
    texts = {}
    for name, role in (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant")):
        if name not in row:
            raise Wrong("missing_column", name=name)
        messages = row[name]
        if not isinstance(messages, list | tuple) or not messages:
            raise Wrong("not_messages", name=name)
        for message in messages:
            known = isinstance(message, dict) and isinstance(message.get("content"), str)
            if not known or not isinstance(message.get("role"), str):
                raise Wrong("not_messages", name=name)
        if messages[-1]["role"] != role:
            raise Wrong("wrong_role", name=name, role=role, got=messages[-1]["role"])
        if name != "prompt" and len(messages) != 1:
            raise Wrong("prompt_repeated", name=name)
        texts[name] = messages[-1]["content"]
    if texts["prompt"] != question:
        raise Wrong("prompt_changed", got=texts["prompt"])
    if any(holds(message["content"], short) for message in row["prompt"]):
        raise Wrong("answer_in_prompt", want=short.removesuffix("."))
    chosen, rejected = texts["chosen"], texts["rejected"]
    for side in ("chosen", "rejected"):
        if not holds(texts[side], short):
            raise Wrong("answer_lost", side=side, want=short.removesuffix("."))
        if len(texts[side].split()) > 20:
            raise Wrong("too_long", side=side, count=len(texts[side].split()))
    if chosen.strip() == rejected.strip():
        raise Wrong("equal_answers", got=chosen)
    return texts
