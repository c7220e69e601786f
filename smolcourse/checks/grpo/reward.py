"""grpo.reward: any reward that verifies the fact, each completion with its own, and sees a form."""

import math

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.world.manner import FRAMES

FORMS = [frame for group in FRAMES.values() for frame in group]
FACTS = [
    ("Paris", "Rome"),
    ("Africa", "Asia"),
    ("meow", "woof"),
    ("cold", "warm"),
    ("Lima", "Oslo"),
]
EXTRA = ("prompts", "completion_ids", "question", "trainer_state")


def cases(rng):
    return [rng.sample(FACTS, 3)]


def observe(answer, case):
    """Rewards by fact: of the right and the wrong texts in every form, and of baits."""
    seen = {}
    for fact, other in case:
        texts = {name: _texts(word) for name, word in _words(fact, other).items()}
        seen[fact] = {name: _ask(answer, made, [fact] * len(made)) for name, made in texts.items()}
        if _ask(answer, texts["right"], [fact] * len(FORMS)) != seen[fact]["right"]:
            raise Wrong("not_repeatable")
    # All facts in one batch: each completion has to be judged with its own answer.
    facts = [fact for fact, _ in case for _ in FORMS]
    mixed = _ask(answer, [text for fact, _ in case for text in _texts(fact)], facts)
    backwards = _ask(answer, [t for fact, _ in case[::-1] for t in _texts(fact)], facts[::-1])
    return seen | {"mixed": mixed, "backwards": backwards}


def _words(fact: str, other: str) -> dict[str, str]:
    return {"right": fact, "wrong": other, "bait": f"{fact}ville"}


def _texts(word: str) -> list[str]:
    return [form.format(a=word, A=word, U=word.upper()) for form in FORMS]


def _ask(answer, texts: list[str], facts: list[str]) -> list[float]:
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    others = {name: [None] * len(texts) for name in EXTRA}
    try:
        got = answer(completions=completions, answer=[f"{fact}." for fact in facts], **others)
    except TypeError as error:
        if "unexpected keyword" in str(error):
            raise Wrong("other_arguments") from error
        raise
    got = expect_type(got, (list, tuple))
    if len(got) != len(texts):
        raise Wrong("one_each", got=len(got), want=len(texts))
    for value in got:
        if isinstance(value, bool) or not isinstance(value, float | int):
            raise Wrong("not_numbers", got=type(value).__name__)
        if not math.isfinite(value):
            raise Wrong("not_numbers", got=str(value))
    return list(got)


def judge(seen, wanted, case):
    facts = [fact for fact, _ in case]
    apart = [value for fact in facts for value in seen[fact]["right"]]
    if not all(_close(*pair) for pair in zip(apart, seen["mixed"], strict=True)):
        raise Wrong("depends_on_neighbours")
    if seen["backwards"] != [value for fact in facts[::-1] for value in seen[fact]["right"]]:
        raise Wrong("depends_on_neighbours")
    verified = told = False
    for fact in facts:
        right, wrong, bait = (seen[fact][name] for name in ("right", "wrong", "bait"))
        texts = _texts(fact)
        for text, r, w in zip(texts, right, wrong, strict=True):
            if w > r:
                raise Wrong("wrong_preferred", text=text, right=r, wrong=w)
        for text, r, w, b in zip(texts, right, wrong, bait, strict=True):
            if r > w and b >= r:
                raise Wrong("inside_a_word", text=text, right=r)
        verified = verified or right != wrong
        told = told or len(set(right)) > 1
    if not verified:
        raise Wrong("fact_ignored" if told else "same_for_all")
    if not told:
        raise Wrong("form_ignored")


def _close(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def _each(test):
    """A mistake: a reward of one text and its fact, in lower case."""

    def wrong(right, completions, answer, **others):
        pairs = zip(completions, answer, strict=True)
        return [test(c[0]["content"].lower(), a.removesuffix(".").lower()) for c, a in pairs]

    return wrong


def _again(change):
    """A mistake: the right reward with the answers changed, `change(answers)`."""

    def wrong(right, completions, answer, **others):
        return right(completions=completions, answer=change(answer), **others)

    return wrong


mistakes = {
    "fact_ignored": _each(lambda text, fact: float(text.startswith("the"))),
    "same_for_all": _each(lambda text, fact: 1.0),
    "inside_a_word": _each(lambda text, fact: float(fact in text and text.startswith("the"))),
    "wrong_preferred": _each(lambda text, fact: float(text.startswith("the") and fact not in text)),
    "depends_on_neighbours": [
        _again(lambda answers: [answers[0]] * len(answers)),
        _again(lambda answers: answers[::-1]),
    ],
    "not_numbers": _each(lambda text, fact: fact in text),
    "one_each": lambda right, **case: right(**case)[:1],
}
