"""Wrong and right answers to chat.from_math and chat.from_smoltalk, as learners write them."""

import json
import re

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- chat.from_math


def math(
    clean=lambda text: re.sub(r"<<[^>]*>>", "", text), extra=False, roles=("user", "assistant")
):
    """A converter with one detail changed; `clean` makes the assistant's text without the mark."""

    def convert(row):
        text = re.sub(r"#### (.*)$", r"The answer is \1.", clean(row["answer"]))
        contents = [row["question"], text]
        messages = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=True)]
        return {**(row if extra else {}), "messages": messages}

    return convert


def edited(change):
    def convert(row):
        result = math()(row)
        result["messages"][1]["content"] = change(result["messages"][1]["content"])
        return result

    return convert


def in_place(row):
    row["messages"] = math()(row)["messages"]
    del row["question"], row["answer"]
    return row


wrong("chat.from_math", "annotations_left")(math(clean=lambda text: text))
wrong("chat.from_math", "annotations_left")(
    math(clean=lambda text: re.sub(r"<<.*?>>", "", text, count=1))
)
wrong("chat.from_math", "extra_columns")(math(extra=True))
wrong("chat.from_math", "roles_swapped")(math(roles=("assistant", "user")))
wrong("chat.from_math", "working_lost")(
    math(clean=lambda text: re.sub(r"<<[^>]*>>", "", text).split("\n")[-1])
)
wrong("chat.from_math", "separator_lost")(math(clean=lambda text: re.sub(r"<<[^>]*>>|,", "", text)))
wrong("chat.from_math", "mark_left")(edited(lambda text: text.replace("The answer is ", "#### ")))
wrong("chat.from_math", "no_sentence")(edited(lambda text: text.replace("The answer is ", "")))
wrong("chat.from_math", "full_stop_lost")(edited(lambda text: text.removesuffix(".")))
wrong("chat.from_math", "line_breaks_changed")(edited(lambda text: text.replace("\n", " ")))
wrong("chat.from_math", "line_breaks_changed")(
    math(clean=lambda text: re.sub(r"<<[^>]*>>\s*", "", text))
)
wrong("chat.from_math", "line_breaks_changed")(
    math(clean=lambda text: re.sub(r"\s*<<[^>]*>>", "", text))
)
wrong("chat.from_math", "greedy")(math(clean=lambda text: re.sub(r"<<.*>>", "", text)))
wrong("chat.from_math", "greedy")(
    math(clean=lambda text: re.sub(r"<<.*>>", "", text, flags=re.DOTALL))
)
wrong("chat.from_math", "message_count")(
    lambda row: {**math()(row), "messages": math()(row)["messages"][1:]}
)
wrong("chat.from_math", "no_messages")(lambda row: {"text": row["answer"]})
wrong("chat.from_math", "message_keys")(lambda row: {"messages": [row["question"], row["answer"]]})
wrong("chat.from_math", "question_changed")(
    lambda row: math()({**row, "question": row["question"].split("\n")[0]})
)
wrong("chat.from_math", "question_changed")(
    lambda row: math()({**row, "question": row["question"].strip()})
)


@wrong("chat.from_math", "extra_message_keys")
def _(row):
    return {"messages": [{**m, "weight": 1} for m in math()(row)["messages"]]}


wrong("chat.from_math", "return_type")(lambda row: math()(row)["messages"])
wrong("chat.from_math", "inside_type")(edited(lambda text: [text]))
wrong("chat.from_math", "mutated")(in_place)


@right("chat.from_math")
def by_lines(row):
    *working, last = row["answer"].split("\n")
    working = [re.sub(r"<<.*?>>", "", line) for line in working]
    text = "\n".join([*working, f"The answer is {last.split()[-1]}."])
    return {
        "messages": [
            {"role": "user", "content": row["question"]},
            {"content": text, "role": "assistant"},
        ]
    }


right("chat.from_math")(math())


# ---------------------------------------------------------------- chat.from_smoltalk


def smoltalk(
    allow_system=True, start=("user",), late=(), end=("assistant",), pair=True, message=None
):
    """A converter with one rule changed; `message(position, role)` makes the error's sentence."""
    message = message or (lambda position, role: f"position {position}: {role!r} is out of place")

    def convert(row):
        messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
        rest = messages[1:] if messages and messages[0]["role"] == "system" else messages
        first = len(messages) - len(rest)
        turn = {"user": "assistant", "assistant": "user"}
        expected = None
        for position, m in enumerate(rest, start=first):
            allowed = start if expected is None else (expected, *late)
            if m["role"] not in allowed:
                raise ValueError(message(position, m["role"]))
            expected = turn.get(m["role"], expected)
        if (pair and not rest) or (rest and rest[-1]["role"] not in end):
            raise ValueError(message(max(len(messages) - 1, 0), "the end"))
        return {"messages": messages if allow_system else rest}

    return convert


def asserts(row):
    try:
        return smoltalk()(row)
    except ValueError:
        raise AssertionError("bad chat") from None


def returns_none(row):
    try:
        return smoltalk()(row)
    except ValueError:
        return None


def keeps_topic(row):
    return {**row, **smoltalk()(row)}


def keeps_weights(row):
    smoltalk()(row)
    return {"messages": row["messages"]}


def in_place_chat(row):
    result = smoltalk()(row)
    for message in row["messages"]:
        del message["weight"]
    return result


def neighbours_differ(row):
    """Looks at the ends and at neighbours, so that any other role may stand in between."""
    roles = [m["role"] for m in row["messages"]]
    first = 1 if roles[:1] == ["system"] else 0
    for position in range(first, len(roles)):
        before = roles[position - 1] if position > first else "assistant"
        wrong = roles[position] == "system" or (position == first and roles[position] != "user")
        if roles[position] == before or wrong:
            raise ValueError(f"position {position}")
    if roles[-1:] != ["assistant"]:
        raise ValueError(f"position {max(len(roles) - 1, 0)}")
    return {"messages": [{"role": m["role"], "content": m["content"]} for m in row["messages"]]}


def no_system(row):
    """Lets the user begin, and nobody else."""
    messages = smoltalk()(row)["messages"]
    if messages[0]["role"] == "system":
        raise ValueError("position 0: 'system' is out of place")
    return {"messages": messages}


def not_there(row):
    """A bug that happens to be a ValueError."""
    [m["role"] for m in row["messages"]].index("system")
    return smoltalk()(row)


wrong("chat.from_smoltalk", "refused")(no_system)
wrong("chat.from_smoltalk", "refused")(not_there)
wrong("chat.from_smoltalk", "system_lost")(smoltalk(allow_system=False))
wrong("chat.from_smoltalk", "two_users")(smoltalk(late=("user",)))
wrong("chat.from_smoltalk", "two_assistants")(smoltalk(late=("assistant",)))
wrong("chat.from_smoltalk", "starts_with_assistant")(smoltalk(start=("user", "assistant")))
wrong("chat.from_smoltalk", "ends_with_user")(smoltalk(end=("user", "assistant")))
wrong("chat.from_smoltalk", "late_system")(smoltalk(late=("system",)))
wrong("chat.from_smoltalk", "two_systems")(smoltalk(start=("user", "system")))
wrong("chat.from_smoltalk", "unknown_role")(neighbours_differ)
wrong("chat.from_smoltalk", "only_system")(smoltalk(pair=False))
wrong("chat.from_smoltalk", "empty")(
    lambda row: {"messages": []} if not row["messages"] else smoltalk()(row)
)
wrong("chat.from_smoltalk", "returns_none")(returns_none)
wrong("chat.from_smoltalk", "extra_columns")(keeps_topic)
wrong("chat.from_smoltalk", "extra_message_keys")(keeps_weights)
wrong("chat.from_smoltalk", "mutated")(in_place_chat)
wrong("chat.from_smoltalk", "wrong_exception")(asserts)
wrong("chat.from_smoltalk", "turns_lost")(lambda row: {"messages": smoltalk()(row)["messages"][:2]})
wrong("chat.from_smoltalk", "content_changed")(
    lambda row: json.loads(json.dumps(smoltalk()(row)).replace('"c"', '"C"'))
)
wrong("chat.from_smoltalk", "position")(smoltalk(message=lambda position, role: "bad chat"))
wrong("chat.from_smoltalk", "position")(
    smoltalk(message=lambda position, role: f"message {position + 1}")
)
wrong("chat.from_smoltalk", "return_type")(lambda row: smoltalk()(row)["messages"])


@wrong("chat.from_smoltalk", "wrong_exception")
def index_error(row):
    assert row["messages"], "empty"
    return smoltalk()(row)


@right("chat.from_smoltalk")
def by_pattern(row):
    letters = "".join(
        {"system": "s", "user": "u", "assistant": "a"}.get(m["role"], "?") for m in row["messages"]
    )
    if not re.fullmatch("s?(ua)+", letters):
        good = re.match("s?(ua)*u?", letters).end()
        place = good if good < len(letters) else max(len(letters) - 1, 0)
        raise ValueError(f"Message {place} ({letters[place : place + 1]}) does not belong there.")
    keep = ("role", "content")
    return {"messages": [{k: m[k] for k in keep} for m in row["messages"]]}


right("chat.from_smoltalk")(smoltalk())
wrong("chat.from_smoltalk", "no_messages")(
    lambda row: {"conversation": smoltalk()(row)["messages"]}
)
wrong("chat.from_smoltalk", "message_keys")(
    lambda row: {"messages": [m["content"] for m in smoltalk()(row)["messages"]]}
)
