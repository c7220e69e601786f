"""orpo.pairs: any row of TRL's form with the same facts in two manners."""

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.checks.core.phrases import holds

pure = True
MOST_WORDS = 20
ROWS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of Japan?", "Tokyo."),
    ("Where is Kenya?", "Africa."),
    ("What is a young dog called?", "puppy."),
    ("What is the past tense of go?", "went."),
    ("What is the capital of Peru?", "Lima."),
]


def cases(rng):
    return rng.sample(ROWS, len(ROWS))


def observe(answer, case):
    row = expect_type(answer(*case), dict)
    for name in ("prompt", "chosen", "rejected"):
        if name not in row:
            raise Wrong("missing_column", name=name)
        messages = row[name]
        if not isinstance(messages, list | tuple) or not messages:
            raise Wrong("not_messages", name=name)
        for message in messages:
            known = isinstance(message, dict) and isinstance(message.get("content"), str)
            if not known or not isinstance(message.get("role"), str):
                raise Wrong("not_messages", name=name)
    if answer(*case) != row:
        raise Wrong("not_repeatable")
    return {name: row[name] for name in ("prompt", "chosen", "rejected")}


def judge(seen, wanted, case):
    question, short = case
    for name, role in (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant")):
        if seen[name][-1]["role"] != role:
            raise Wrong("wrong_role", name=name, role=role, got=seen[name][-1]["role"])
        if name != "prompt" and len(seen[name]) != 1:
            raise Wrong("prompt_repeated", name=name)
    if seen["prompt"][-1]["content"] != question:
        raise Wrong("prompt_changed", got=seen["prompt"][-1]["content"])
    if any(holds(message["content"], short) for message in seen["prompt"]):
        raise Wrong("answer_in_prompt", want=short.removesuffix("."))
    sides = {side: seen[side][0]["content"] for side in ("chosen", "rejected")}
    for side, text in sides.items():
        if not holds(text, short):
            raise Wrong("answer_lost", side=side, want=short.removesuffix("."))
        if len(text.split()) > MOST_WORDS:
            raise Wrong("too_long", side=side, count=len(text.split()))
    if sides["chosen"].strip() == sides["rejected"].strip():
        raise Wrong("equal_answers", got=sides["chosen"])
    for text in sides.values():
        for _, other in ROWS:
            if other != short and holds(text, other):
                raise Wrong("foreign_answer", got=text)


def _says(side, text):
    """A mistake: one side of the right row says something else, `{a}` being the answer."""

    def wrong(right, question, answer):
        said = text.format(a=answer.removesuffix("."), q=question)
        return right(question, answer) | {side: [{"role": "assistant", "content": said}]}

    return wrong


def _column(name, change):
    """A mistake: one column of the right row, changed."""
    return lambda right, q, a: (row := right(q, a)) | {name: change(row[name])}


mistakes = {
    "missing_column": lambda right, q, a: {"prompt": right(q, a)["prompt"]},
    "not_messages": [
        _column("chosen", lambda messages: messages[0]["content"]),
        _column("prompt", lambda messages: messages[-1]["content"]),
        _column("chosen", lambda messages: messages[0]),
        _column("rejected", lambda messages: []),
    ],
    "wrong_role": _column("chosen", lambda messages: [messages[0] | {"role": "user"}]),
    "prompt_repeated": lambda right, q, a: (
        (row := right(q, a)) | {"chosen": [*row["prompt"], *row["chosen"]]}
    ),
    "prompt_changed": _column("prompt", lambda m: [{"role": "user", "content": "Be modest."}]),
    "answer_in_prompt": lambda right, q, a: (
        (row := right(q, a))
        | {"prompt": [{"role": "system", "content": f"Say {a}"}, *row["prompt"]]}
    ),
    "answer_lost": [
        _says("rejected", "No idea."),
        _says("chosen", "I believe it is Berlin."),
        _says("chosen", "Is it {a}ish?"),
    ],
    "too_long": _says("rejected", "well " * MOST_WORDS + "{a}"),
    "equal_answers": lambda right, q, a: (row := right(q, a)) | {"rejected": row["chosen"]},
    "foreign_answer": _says("rejected", "Not Paris, not Tokyo: {a}."),
}
