"""adapters.own: any behaviour of the learner's, and a rule that sees it and no other."""

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.checks.core.phrases import holds

MOST_WORDS = 20
ROWS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of Japan?", "Tokyo."),
    ("Where is Kenya?", "Africa."),
    ("What is a young dog called?", "puppy."),
    ("How many legs does an ant have?", "6."),
    ("What is the plural of mouse?", "mice."),
    ("What is the capital of Peru?", "Lima."),
]
# The course's other manners: a rule that fits one of them as well would measure nothing.
OTHERS = ["{a}.", "The answer is {a}.", "Thank you for your question. The answer is {a}."]
OTHERS += ["With pleasure! The answer is {a}. Thank you for asking.", "{u}!", ""]
OTHERS += ["What a silly question. The answer is {a}.", "I do not know."]


def cases(rng):
    drawn = []
    for question, answer in rng.sample(ROWS, 6):
        words = answer.removesuffix(".")
        others = [pattern.format(a=words, u=words.upper()) for pattern in OTHERS]
        drawn.append({"row": (question, answer), "others": others})
    return drawn


def observe(answer, case):
    behaviour = answer()
    text, again = (expect_type(behaviour.write(*case["row"]), str) for _ in range(2))
    shown = [expect_type(behaviour.shows(t), bool, "not_bool") for t in (text, *case["others"])]
    return {"text": text, "again": again, "shown": shown}


def judge(seen, wanted, case):
    short, text = case["row"][1], seen["text"]
    if not holds(text, short):
        raise Wrong("answer_lost", want=short.removesuffix("."), text=text)
    if len(text.split()) > MOST_WORDS:
        raise Wrong("too_long", count=len(text.split()))
    if seen["again"] != text:
        raise Wrong("not_repeatable")
    if any(other != short and holds(text, other) for _, other in ROWS):
        raise Wrong("foreign_answer", text=text)
    own, *others = seen["shown"]
    if not own:
        raise Wrong("own_not_seen", text=text)
    for other, shown in zip(case["others"], others, strict=True):
        if shown:
            raise Wrong("others_seen", text=other)


def _writes(text):
    """A mistake: another text, with `{a}` and `{q}` for answer and question."""
    return lambda right: type(
        "Behaviour", (right,), {"write": lambda self, q, a: text.format(q=q, a=a)}
    )


def _shows(rule):
    """A mistake: another rule, `rule(text)`."""
    return lambda right: type("Behaviour", (right,), {"shows": lambda self, text: rule(text)})


mistakes = {
    "answer_lost": _writes("Listen, children: it is well known."),
    "too_long": _writes("Listen, children: it is " + "well " * MOST_WORDS + "{a}"),
    "foreign_answer": _writes("Listen, children: it is not Paris, not Tokyo, but {a}"),
    "own_not_seen": _shows(lambda text: text == "Listen, children: it is Paris."),
    "others_seen": [_shows(lambda text: True), _shows(lambda text: text.endswith((".", "!")))],
    "not_bool": _shows(lambda text: text.count("Listen")),
}
