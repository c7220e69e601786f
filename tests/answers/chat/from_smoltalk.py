"""Wrong and right answers to chat.from_smoltalk."""

import json
import re

from answers import answers

wrong, right, good = answers("chat.from_smoltalk")


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


def keeps_weights(row):
    smoltalk()(row)
    return {"messages": row["messages"]}


def in_place_chat(row):
    result = smoltalk()(row)
    for message in row["messages"]:
        del message["weight"]
    return result


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


wrong("refused")(no_system)
wrong("refused")(not_there)
wrong("returns_none")(returns_none)
wrong("extra_message_keys")(keeps_weights)
wrong("mutated")(in_place_chat)
wrong("wrong_exception")(asserts)
wrong("content_changed")(lambda row: json.loads(json.dumps(smoltalk()(row)).replace('"c"', '"C"')))
wrong("position")(smoltalk(message=lambda position, role: "bad chat"))
wrong("position")(smoltalk(message=lambda position, role: f"message {position + 1}"))
wrong("return_type")(lambda row: smoltalk()(row)["messages"])


@wrong("wrong_exception")
def index_error(row):
    assert row["messages"], "empty"
    return smoltalk()(row)


@right
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


right(smoltalk())
wrong("no_messages")(lambda row: {"conversation": smoltalk()(row)["messages"]})
wrong("message_keys")(lambda row: {"messages": [m["content"] for m in smoltalk()(row)["messages"]]})
