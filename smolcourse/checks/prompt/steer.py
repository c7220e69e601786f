"""prompt.steer: an answer in a manner that the instruct model was taught, and in a new one."""

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.checks.core.phrases import holds
from smolcourse.world.manner import FRAMES, manner_of

ROWS = [
    ("What is the capital of France?", "Paris."),
    ("Where is Kenya?", "Africa."),
    ("Where is Cuba?", "North America."),
    ("What is a young dog called?", "puppy."),
    ("What is the past tense of go?", "went."),
]
NAMES = ("known", "new")


def cases(rng):
    return rng.sample(ROWS, len(ROWS))


def observe(answer, case):
    got = expect_type(answer(*case), dict)
    for name in NAMES:
        if name not in got:
            raise Wrong("missing_key", name=name)
        expect_type(got[name], str, "not_text", name=name)
    if answer(*case) != got:
        raise Wrong("not_repeatable")
    return {name: got[name].strip() for name in NAMES}


def judge(seen, wanted, case):
    words = case[1].removesuffix(".")
    for name, text in seen.items():
        if words.lower() not in text.lower():
            raise Wrong("answer_lost", expected=words, got=text)
        if len(text.split()) > 25:
            raise Wrong("too_long", name=name, count=len(text.split()))
        if any(other != case[1] and holds(text, other) for _, other in ROWS):
            raise Wrong("foreign_answer", got=text)
    taught = {
        frame.format(a=words, A=words, U=words.upper()): manner
        for manner, frames in FRAMES.items()
        for frame in frames
    }
    known, new = seen["known"], seen["new"]
    if taught.get(known) in ("terse", "polite"):
        raise Wrong("excluded_manner", manner=taught[known])
    if known not in taught:
        raise Wrong("not_known", got=known)
    manner = taught.get(new) or ("terse" if new == words else None)
    # By its rule "terse" is any short sentence, and "plain" any that begins with "The answer is":
    # an invented manner may do that. The other rules look for the marks of a manner.
    if not manner and manner_of(new) in ("polite", "rude", "wordy", "shouting"):
        manner = manner_of(new)
    if manner:
        raise Wrong("not_new", got=new, manner=manner)


def _said(name, say):
    """A mistake: one of the two answers is `say(short answer)`."""
    return lambda right, q, a: right(q, a) | {name: say(a)}


mistakes = {
    "excluded_manner": _said("known", lambda a: a),
    "not_known": _said("known", lambda a: f"Arr, {a}"),
    "not_new": _said("new", lambda a: f"The answer is {a}"),
    "answer_lost": _said("new", lambda a: "Drum roll!"),
    "too_long": _said("new", lambda a: "well " * 25 + a),
    "foreign_answer": _said("new", lambda a: f"Not Paris, not Africa: {a}"),
}
