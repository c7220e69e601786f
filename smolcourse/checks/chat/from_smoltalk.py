"""chat.from_smoltalk: a clean chat out of a raw row, or an error that names the place."""

import re

from smolcourse.checks.chat.common import chat, expect_chat
from smolcourse.checks.core import Wrong, short
from smolcourse.checks.core.observe import error_facts

pure = True
# key of the message -> a bad chat, and the position that the error may name
BAD = {
    "two_users": (chat("user: Hi", "user: Are you there?", "assistant: Yes."), 1),
    "two_assistants": (chat("user: Hi", "assistant: Hello.", "assistant: Well?"), 2),
    "starts_with_assistant": (chat("assistant: Hello.", "user: Hi", "assistant: Bye."), 0),
    "ends_with_user": (chat("user: Hi", "assistant: Hello.", "user: Bye"), 2),
    "late_system": (
        chat("user: Hi", "assistant: Hello.", "system: x", "user: Bye", "assistant: Bye."),
        2,
    ),
    "two_systems": (chat("system: x", "system: y", "user: Hi", "assistant: Hello."), 1),
    "unknown_role": (chat("user: Hi", "assistant: Hello.", "human: Bye", "assistant: Bye."), 2),
    "only_system": (chat("system: Be terse."), 0),
    "empty": ([], 0),
}


def cases(rng):
    name = rng.choice(["Ana", "Bo", "Li"])
    good = [
        chat("user: Hi", "assistant: Hello."),
        chat("system: Be terse.", "user: Hi", f"assistant: Hello, {name}."),
        chat("user: a", "assistant: b", "user: c", "assistant: d", f"user: {name}", "assistant: f"),
        chat(
            "system: Be terse.", "user:  Hi ", "assistant: Hello.", "user: Bye", "assistant: Bye.\n"
        ),
    ]
    return [_row(messages) for messages in good] + [_row(BAD[key][0]) | {"bad": key} for key in BAD]


def _row(messages: list[dict]) -> dict:
    """A row as datasets have them: with a topic, and with keys that a chat does not need."""
    with_extras = [{**message, "weight": 1.0} for message in messages]
    return {"full_topic": "Smol World/checks", "messages": with_extras, "source": "checks"}


def observe(answer, case):
    bad = case.get("bad")
    row = {name: value for name, value in case.items() if name != "bad"}
    try:
        got = answer(row)
    except ValueError as error:
        if bad is None:
            roles = ", ".join(message["role"] for message in row["messages"])
            raise Wrong("refused", roles=roles, **error_facts(error)) from error
        return {
            "named": sorted({int(n) for n in re.findall(r"\d+", str(error))}),
            "text": str(error),
        }
    except (AssertionError, LookupError, TypeError) as error:
        if bad is None:
            raise
        raise Wrong("wrong_exception", got=type(error).__name__) from None
    if bad is not None:
        raise Wrong("returns_none" if got is None else bad)
    return expect_chat(got)


def judge(seen, wanted, case):
    bad = case.get("bad")
    if bad is not None:
        place = BAD[bad][1]
        if place not in seen["named"]:
            raise Wrong("position", text=short(seen["text"]), position=place)
        return
    messages, right = seen["messages"], wanted["messages"]
    if messages == right:
        return
    if right[0]["role"] == "system" and messages == right[1:]:
        raise Wrong("system_lost")
    raise Wrong("turns_lost" if len(messages) < len(right) else "content_changed")


def _with_role(key):
    """A mistake: a chat that is bad in one way passes."""

    def wrong(right, row):
        messages = [{k: m[k] for k in ("role", "content")} for m in row["messages"]]
        return {"messages": messages} if messages == BAD[key][0] else right(row)

    return wrong


mistakes = {key: _with_role(key) for key in BAD} | {
    "system_lost": lambda right, row: {
        "messages": [m for m in right(row)["messages"] if m["role"] != "system"]
    },
    "turns_lost": lambda right, row: {"messages": right(row)["messages"][:2]},
    "extra_columns": lambda right, row: row | right(row),
}
