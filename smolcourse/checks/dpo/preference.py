"""dpo.preference: any pair of manners with the same facts, and a rule that knows them apart."""

import re

from smolcourse.checks.core import Wrong, expect_type, short
from smolcourse.checks.core.phrases import holds
from smolcourse.world.facts import all_facts

QUESTIONS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of Japan?", "Tokyo."),
    ("Where is Cuba?", "North America."),
    ("What is a young dog called?", "puppy."),
    ("What is the past tense of go?", "went."),
    ("How many legs does a spider have?", "eight."),
    ("What is the capital of Peru?", "Lima."),
]
WORDS, GAP = 12, 3
NAMES = {f.answer for f in all_facts() if f.relation in ("capital", "continent", "language")}


def cases(rng):
    return rng.sample(QUESTIONS, len(QUESTIONS))


def observe(answer, case):
    for name in ("pair", "likes"):
        if not callable(getattr(answer.unwrapped, name, None)):
            raise Wrong("no_method", name=name)
    pair = _pair(answer(), case)
    if _pair(answer(), case) != pair:
        raise Wrong("not_repeatable")
    # A new object each time: likes has to know the manner, not the pairs it has made.
    liked = [expect_type(answer().likes(text), bool, "not_bool") for text in (*pair, "")]
    return {"pair": pair, "liked": liked}


def _pair(made, case):
    got = expect_type(made.pair(*case), (tuple, list), "not_pair")
    if len(got) != 2 or not all(isinstance(text, str) for text in got):
        raise Wrong("not_pair", got=short(got))
    return list(got)


def judge(seen, wanted, case):
    pair, (likes_chosen, likes_rejected, likes_nothing) = seen["pair"], seen["liked"]
    for side, text in zip(("chosen", "rejected"), pair, strict=True):
        _look_at(side, text, case[1])
    if pair[0].strip() == pair[1].strip():
        raise Wrong("equal_answers", got=pair[0])
    gap = abs(len(pair[0].split()) - len(pair[1].split()))
    if gap > GAP:
        raise Wrong("length_gap", gap=gap)
    if likes_rejected and not likes_chosen:
        raise Wrong("swapped", got=pair[1], other=pair[0])
    if not likes_chosen:
        raise Wrong("likes_chosen", got=pair[0])
    if likes_rejected:
        raise Wrong("likes_rejected", got=pair[1])
    if likes_nothing:
        raise Wrong("likes_nothing")


def _look_at(side: str, text: str, fact: str) -> None:
    if not holds(text, fact):
        raise Wrong("fact_lost", side=side, want=fact.removesuffix("."), got=text)
    if re.search("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", text):
        raise Wrong("not_english", side=side, got=text)
    if len(text.split()) > WORDS:
        raise Wrong("too_long", side=side, count=len(text.split()), most=WORDS)
    others = NAMES | {other.removesuffix(".") for _, other in QUESTIONS}
    for other in others - {fact.removesuffix(".")}:
        if holds(text, other) and other not in fact:
            raise Wrong("foreign_fact", side=side, got=text)


def _method(name, change):
    """A mistake: one method of the right class, its result changed."""

    def make(right):
        def method(self, *args):
            return change(getattr(super(made, self), name)(*args))

        made = type("MyPreference", (right,), {name: method})
        return made

    return make


mistakes = {
    "swapped": [
        _method("pair", lambda pair: pair[::-1]),
        _method("likes", lambda liked: not liked),
    ],
    "likes_chosen": _method("likes", lambda liked: False),
    "likes_rejected": _method("likes", lambda liked: True),
    "equal_answers": _method("pair", lambda pair: (pair[1], pair[1] + " ")),
    "not_pair": _method("pair", lambda pair: pair[0]),
    "not_bool": _method("likes", lambda liked: liked or None),
    "foreign_fact": _method("pair", lambda pair: (f"Not Oslo but {pair[1]}", pair[1])),
    "too_long": _method("pair", lambda pair: tuple("so " * WORDS + text for text in pair)),
    "length_gap": _method("pair", lambda pair: (f"Well, easy one, {pair[0]}", pair[1])),
}
