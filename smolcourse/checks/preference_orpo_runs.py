"""Checks of 2_preference_alignment/orpo: runs and their data (orpo.diagnose, orpo.pairs)."""

import re

from smolcourse.check import Wrong, checker, compare_on, expect_type

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

    compare_on(answer, reference, cases, explain=explain)


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
                if other != short and _holds(row[side], other):
                    raise Wrong("foreign_answer", got=row[side])
        made.append(row)
    for side in ("chosen", "rejected"):
        if len({row[side] for row in made}) == 1:
            raise Wrong("answer_lost", side=side, want=rows[0][1].removesuffix("."))


def _holds(text: str, short: str) -> bool:
    return re.search(rf"\b{re.escape(short.removesuffix('.'))}\b", text, re.IGNORECASE) is not None


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
    if any(_holds(message["content"], short) for message in row["prompt"]):
        raise Wrong("answer_in_prompt", want=short.removesuffix("."))
    chosen, rejected = texts["chosen"], texts["rejected"]
    for side in ("chosen", "rejected"):
        if not _holds(texts[side], short):
            raise Wrong("answer_lost", side=side, want=short.removesuffix("."))
        if len(texts[side].split()) > 20:
            raise Wrong("too_long", side=side, count=len(texts[side].split()))
    if chosen.strip() == rejected.strip():
        raise Wrong("equal_answers", got=chosen)
    return texts
