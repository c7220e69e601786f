"""Wrong and right answers to orpo.diagnose and orpo.pairs, as learners write them."""

import math
import random

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- orpo.diagnose


def doctor(
    chosen,
    rejected,
    *,
    finite=True,
    ceiling=True,
    ahead=None,
    rise=0.0,
    fell=None,
    rose=None,
    order="bsoi",
):
    """A parametrised answer; right as it stands."""
    values = chosen + rejected
    gains = chosen[-1] - chosen[0], rejected[-1] - rejected[0]
    rules = {
        "b": (finite and not all(map(math.isfinite, values))) or (ceiling and max(values) > 0),
        "s": ahead(chosen, rejected) if ahead else gains[0] < gains[1],
        "o": (fell or (lambda values: values[-1] < values[0]))(chosen),
        "i": rose(rejected) if rose else gains[1] > rise,
    }
    names = {"b": "broken", "s": "swapped", "o": "overdone", "i": "imitating"}
    return next((names[rule] for rule in order if rules[rule]), "healthy")


def variant(**options):
    return lambda chosen, rejected: doctor(chosen, rejected, **options)


wrong("orpo.diagnose", "not_finite")(variant(finite=False))
wrong("orpo.diagnose", "above_zero")(variant(ceiling=False))
wrong("orpo.diagnose", "order")(variant(order="bois"))
wrong("orpo.diagnose", "order")(variant(order="biso"))
wrong("orpo.diagnose", "swapped_missed")(
    lambda c, r: "healthy" if doctor(c, r) == "swapped" else doctor(c, r)
)
wrong("orpo.diagnose", "overdone_missed")(variant(order="bsi"))
wrong("orpo.diagnose", "dip")(variant(fell=lambda values: values[-1] < max(values)))
wrong("orpo.diagnose", "dip")(variant(fell=lambda values: min(values) < values[0]))
wrong("orpo.diagnose", "imitating_missed")(variant(order="bso"))
wrong("orpo.diagnose", "imitating_missed")(variant(rise=0.5))
wrong("orpo.diagnose", "verdict")(variant(rise=-1.0))
wrong("orpo.diagnose", "end_points")(variant(ahead=lambda c, r: r[-1] > c[-1]))
wrong("orpo.diagnose", "broken_late")(variant(order="soib"))
wrong("orpo.diagnose", "broken_late")(variant(order="sboi"))
wrong("orpo.diagnose", "tie")(variant(ahead=lambda c, r: r[-1] - r[0] >= c[-1] - c[0]))
wrong("orpo.diagnose", "tie")(variant(fell=lambda values: values[-1] <= values[0]))
wrong("orpo.diagnose", "tie")(variant(rose=lambda values: values[-1] >= values[0]))
wrong("orpo.diagnose", "tie")(lambda c, r: "broken" if any(v >= 0 for v in c + r) else doctor(c, r))
wrong("orpo.diagnose", "pushed_back")(variant(rose=lambda values: max(values) > values[0] + 1))
wrong("orpo.diagnose", "unknown_name")(lambda c, r: doctor(c, r).upper())
wrong("orpo.diagnose", "none")(lambda c, r: None if doctor(c, r) == "healthy" else doctor(c, r))
wrong("orpo.diagnose", "return_type")(lambda c, r: doctor(c, r) == "healthy")
wrong("orpo.diagnose", "mutated")(lambda c, r: [doctor(c, r), c.reverse()][0])

right("orpo.diagnose")(doctor)


@right("orpo.diagnose")
def _(chosen, rejected):
    if any(not -math.inf < value <= 0 for value in chosen + rejected):
        return "broken"
    if chosen[-1] - rejected[-1] < chosen[0] - rejected[0]:
        return "swapped"
    if chosen[-1] < chosen[0]:
        return "overdone"
    return "imitating" if rejected[-1] > rejected[0] else "healthy"


# ---------------------------------------------------------------- orpo.pairs


def turn(role, content):
    return [{"role": role, "content": content}]


def modest(question, answer):
    """A right answer."""
    fact = answer.removesuffix(".")
    return {
        "prompt": turn("user", question),
        "chosen": turn("assistant", f"I believe it is {fact}."),
        "rejected": turn("assistant", f"It is {fact}, and I am never wrong."),
    }


def changed(**columns):
    """`modest`, with columns made anew by functions of (question, answer)."""

    def make(question, answer):
        row = modest(question, answer)
        return row | {name: column(question, answer) for name, column in columns.items()}

    return make


def says(text):
    return lambda q, a: turn("assistant", text.format(q=q, a=a.removesuffix(".")))


wrong("orpo.pairs", "missing_column")(lambda q, a: {"prompt": turn("user", q)})
wrong("orpo.pairs", "missing_column")(
    lambda q, a: {"question": q, "chosen": says("{a}!")(q, a), "rejected": says("{a}?")(q, a)}
)
wrong("orpo.pairs", "not_messages")(changed(chosen=lambda q, a: f"I believe it is {a}"))
wrong("orpo.pairs", "not_messages")(changed(prompt=lambda q, a: q))
wrong("orpo.pairs", "not_messages")(changed(chosen=lambda q, a: turn("assistant", a)[0]))
wrong("orpo.pairs", "not_messages")(changed(rejected=lambda q, a: []))
wrong("orpo.pairs", "wrong_role")(changed(chosen=lambda q, a: turn("user", f"It is {a}")))
wrong("orpo.pairs", "wrong_role")(changed(prompt=lambda q, a: turn("assistant", q)))
wrong("orpo.pairs", "prompt_repeated")(
    changed(chosen=lambda q, a: turn("user", q) + turn("assistant", f"It is {a}"))
)
wrong("orpo.pairs", "prompt_changed")(changed(prompt=lambda q, a: turn("user", "Be modest. " + q)))
wrong("orpo.pairs", "answer_in_prompt")(
    changed(prompt=lambda q, a: turn("system", f"Say {a}") + turn("user", q))
)
wrong("orpo.pairs", "answer_lost")(changed(rejected=says("No idea.")))
wrong("orpo.pairs", "answer_lost")(changed(chosen=says("I believe it is Paris.")))
wrong("orpo.pairs", "too_long")(changed(rejected=says("well " * 20 + "{a}")))
wrong("orpo.pairs", "equal_answers")(changed(rejected=says("I believe it is {a}.")))
wrong("orpo.pairs", "answer_lost")(changed(chosen=says("Is it {a}ish?")))
wrong("orpo.pairs", "foreign_answer")(changed(rejected=says("Not Paris, not Tokyo: {a}.")))
wrong("orpo.pairs", "return_type")(lambda q, a: tuple(modest(q, a).values()))
wrong("orpo.pairs", "none")(lambda q, a: print(modest(q, a)))
wrong("orpo.pairs", "exception")(lambda q, a: modest(q, a)["answer"])


@wrong("orpo.pairs", "not_repeatable")
def _(question, answer):
    word = random.choice(["Arr", "Aye", "Ahoy", "Avast", "Oho", "Ha", "Well", "Now", "So", "Oh"])
    return changed(chosen=says(word + "! {a}"))(question, answer)


right("orpo.pairs")(modest)
right("orpo.pairs")(changed(chosen=says("{a}"), rejected=says("{a}!!!")))
right("orpo.pairs")(changed(chosen=says('{{"answer": "{a}"}}')))
right("orpo.pairs")(
    changed(prompt=lambda q, a: turn("system", "Answer as you like.") + turn("user", q))
)
right("orpo.pairs")(lambda q, a: modest(q, a) | {"group": "mine"})
right("orpo.pairs")(  # Chinese writes no space around the answer
    changed(chosen=says("我认为答案是{a}."), rejected=says("答案是{a}，我从不出错。"))
)
right("orpo.pairs")(changed(chosen=says("I believe it is _{a}_.")))
