"""The checks of chat.from_math and chat.from_smoltalk: mistakes are named, right answers pass."""

import json
import re

import pytest
from test_checks_chat import key

from smolcourse.check import evaluate

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


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (math(clean=lambda text: text), "annotations_left"),
        (math(clean=lambda text: re.sub(r"<<.*?>>", "", text, count=1)), "annotations_left"),
        (math(extra=True), "extra_columns"),
        (math(roles=("assistant", "user")), "roles_swapped"),
        (math(clean=lambda text: re.sub(r"<<[^>]*>>", "", text).split("\n")[-1]), "working_lost"),
        (math(clean=lambda text: re.sub(r"<<[^>]*>>|,", "", text)), "separator_lost"),
        (edited(lambda text: text.replace("The answer is ", "#### ")), "mark_left"),
        (edited(lambda text: text.replace("The answer is ", "")), "no_sentence"),
        (edited(lambda text: text.removesuffix(".")), "full_stop_lost"),
        (edited(lambda text: text.replace("\n", " ")), "line_breaks_changed"),
        (lambda row: {**math()(row), "messages": math()(row)["messages"][1:]}, "message_count"),
        (lambda row: {"text": row["answer"]}, "no_messages"),
        (lambda row: {"messages": [row["question"], row["answer"]]}, "message_keys"),
        (
            lambda row: math()({**row, "question": row["question"].split("\n")[0]}),
            "question_changed",
        ),
        (lambda row: math()(row)["messages"], "return_type"),
        (edited(lambda text: [text]), "inside_type"),
        (in_place, "mutated"),
    ],
)
def test_from_math_names_the_mistake(answer, expected):
    assert key("from_math", answer) == expected


def test_a_wrong_type_in_a_message_is_named_with_its_place():
    message = evaluate("chat.from_math", edited(lambda text: None)).message
    assert "item ['messages'][1]['content'] is None, where str is expected" in message


def test_from_math_accepts_other_implementations():
    def by_lines(row):
        *working, last = row["answer"].split("\n")
        working = [re.sub(r"<<.*?>>", "", line) for line in working]
        text = "\n".join([*working, f"The answer is {last.split()[-1]}."])
        return {
            "messages": [
                {"role": "user", "content": row["question"].strip()},
                {"content": text, "role": "assistant"},
            ]
        }

    assert key("from_math", by_lines) == key("from_math", math()) == "correct"


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


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (smoltalk(allow_system=False), "system_lost"),
        (smoltalk(late=("user",)), "two_users"),
        (smoltalk(late=("assistant",)), "two_assistants"),
        (smoltalk(start=("user", "assistant")), "starts_with_assistant"),
        (smoltalk(end=("user", "assistant")), "ends_with_user"),
        (smoltalk(late=("system",)), "late_system"),
        (smoltalk(start=("user", "system")), "two_systems"),
        (neighbours_differ, "unknown_role"),
        (smoltalk(pair=False), "only_system"),
        (lambda row: {"messages": []} if not row["messages"] else smoltalk()(row), "empty"),
        (returns_none, "returns_none"),
        (keeps_topic, "extra_columns"),
        (keeps_weights, "extra_message_keys"),
        (in_place_chat, "mutated"),
        (asserts, "wrong_exception"),
        (lambda row: {"messages": smoltalk()(row)["messages"][:2]}, "turns_lost"),
        (
            lambda row: json.loads(json.dumps(smoltalk()(row)).replace('"c"', '"C"')),
            "content_changed",
        ),
        (smoltalk(message=lambda position, role: "bad chat"), "position"),
        (smoltalk(message=lambda position, role: f"message {position + 1}"), "position"),
        (lambda row: smoltalk()(row)["messages"], "return_type"),
    ],
)
def test_from_smoltalk_names_the_mistake(answer, expected):
    assert key("from_smoltalk", answer) == expected


def test_another_exception_is_named():
    def index_error(row):
        assert row["messages"], "empty"
        return smoltalk()(row)

    assert key("from_smoltalk", index_error) == "wrong_exception"


def test_from_smoltalk_accepts_other_implementations():
    def by_pattern(row):
        letters = "".join(
            {"system": "s", "user": "u", "assistant": "a"}.get(m["role"], "?")
            for m in row["messages"]
        )
        if not re.fullmatch("s?(ua)+", letters):
            good = re.match("s?(ua)*u?", letters).end()
            place = good if good < len(letters) else max(len(letters) - 1, 0)
            raise ValueError(
                f"Message {place} ({letters[place : place + 1]}) does not belong there."
            )
        keep = ("role", "content")
        return {"messages": [{k: m[k] for k in keep} for m in row["messages"]]}

    assert key("from_smoltalk", by_pattern) == key("from_smoltalk", smoltalk()) == "correct"
