"""Checkers of 1_instruction_tuning/chat_templates: raw datasets into `messages`."""

import re

from smolcourse.check import Wrong, checker, compare_on, describe_error, expect_type, short
from smolcourse.checks.instruction_tuning_chat import chat

# ---------------------------------------------------------------- chat.from_math

MATH_ROWS = [
    {"question": "Jack has 4 balls and gets 3 more. How many now?",
     "answer": "Jack has 4 + 3 = <<4+3=7>>7 balls.\n#### 7"},
    {"question": "How much is it for 12 months?",
     "answer": "A year is 100 * 12 = $<<100*12=1200>>1,200.\nSo it is $1,200.\n#### 1,200"},
    {"question": "Half of 5?\nWrite a number.",
     "answer": "Half of 5 is 5 / 2 = <<5/2=2.5>>2.5.\nIt is <<2.5>>no whole number.\n#### 2.5"},
    {"question": "What is left of 3 if you take 10?", "answer": "3 - 10 = <<3-10=-7>>-7\n#### -7"},
    {"question": " Two steps? ",  # two notes in a line; a space before the one, after the other
     "answer": "2 * 3 = <<2*3=6>>6, and 6 + 1<<6+1=7>> = 7.\n#### 7"},
]  # fmt: skip


@checker("chat.from_math", pure=True)
def chat_from_math(answer, reference):
    _shape(answer(MATH_ROWS[0]))
    compare_on(answer, reference, [(row,) for row in MATH_ROWS], explain=_explain_math)


def _shape(got) -> None:
    """Is it {"messages": [{"role", "content"}, ...]}, whatever is in there?"""
    got = expect_type(got, dict)
    if "messages" not in got:
        raise Wrong("no_messages")
    if len(got) > 1:
        raise Wrong("extra_columns", names=", ".join(sorted(map(str, got.keys() - {"messages"}))))
    messages = got["messages"]
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise Wrong("message_keys")
    if any(m.keys() > {"role", "content"} for m in messages):
        raise Wrong("extra_message_keys")
    if any(m.keys() != {"role", "content"} for m in messages):
        raise Wrong("message_keys")
    for place, message in enumerate(messages):
        for name, value in message.items():
            expect_type(value, str, where=f"['messages'][{place}][{name!r}]", outer="dict")


def _explain_math(args, got, want):
    row, messages = args[0], got["messages"]
    if len(messages) != 2:
        return "message_count"
    roles, (question, text) = [m["role"] for m in messages], [m["content"] for m in messages]
    if roles != ["user", "assistant"] or text == row["question"]:
        return "roles_swapped"
    if question != row["question"]:
        return "question_changed"
    if "<<" in text or ">>" in text:
        return "annotations_left"
    if text != want["messages"][1]["content"] and text in _greedy(row["answer"]):
        return "greedy"
    if "####" in text:
        return "mark_left"
    right = want["messages"][1]["content"]
    if text.strip() == right.split("\n")[-1]:
        return "working_lost"
    if text == right.removesuffix("."):
        return "full_stop_lost"
    if "The answer is" not in text:
        return "no_sentence"
    if text.replace(",", "") == right.replace(",", ""):
        return "separator_lost"
    return "line_breaks_changed" if "".join(text.split()) == "".join(right.split()) else None


def _greedy(answer: str) -> list[str]:
    """What is left when all from the first << to the last >> goes, in each line or altogether."""
    left = [re.sub(r"<<.*>>", "", answer, flags=flags) for flags in (0, re.DOTALL)]
    return [f"{text}.".replace("#### ", "The answer is ") for text in left]


# ---------------------------------------------------------------- chat.from_smoltalk

GOOD_CHATS = [
    chat("user: Hi", "assistant: Hello."),
    chat("system: Be terse.", "user: Hi", "assistant: Hello."),
    chat("user: a", "assistant: b", "user: c", "assistant: d", "user: e", "assistant: f"),
    chat("system: Be terse.", "user:  Hi ", "assistant: Hello.", "user: Bye", "assistant: Bye.\n"),
]
# key of the message -> a bad chat, and the positions that the error may name
BAD_CHATS = {
    "two_users": (chat("user: Hi", "user: Are you there?", "assistant: Yes."), {1}),
    "two_assistants": (chat("user: Hi", "assistant: Hello.", "assistant: Well?"), {2}),
    "starts_with_assistant": (chat("assistant: Hello.", "user: Hi", "assistant: Bye."), {0}),
    "ends_with_user": (chat("user: Hi", "assistant: Hello.", "user: Bye"), {2}),
    "late_system": (
        chat("user: Hi", "assistant: Hello.", "system: x", "user: Bye", "assistant: Bye."),
        {2},
    ),
    "two_systems": (chat("system: x", "system: y", "user: Hi", "assistant: Hello."), {1}),
    "unknown_role": (chat("user: Hi", "assistant: Hello.", "human: Bye", "assistant: Bye."), {2}),
    "only_system": (chat("system: Be terse."), {0}),
    "empty": ([], {0}),
}


@checker("chat.from_smoltalk", pure=True)
def chat_from_smoltalk(answer, reference):
    for messages in GOOD_CHATS:
        try:
            _shape(answer(_smoltalk(messages)))
        except ValueError as error:
            roles = ", ".join(message["role"] for message in messages)
            raise Wrong("refused", roles=roles, **describe_error(error)) from error
    rows = [(_smoltalk(messages),) for messages in GOOD_CHATS]
    compare_on(answer, reference, rows, explain=_explain_smoltalk)
    for key, (messages, positions) in BAD_CHATS.items():
        try:
            got = answer(_smoltalk(messages))
        except ValueError as error:
            named = {int(number) for number in re.findall(r"\d+", str(error))}
            if not named & positions:
                place = min(positions)
                raise Wrong("position", text=short(str(error)), position=place) from None
            continue
        except (AssertionError, LookupError, TypeError) as error:
            raise Wrong("wrong_exception", got=type(error).__name__) from None
        raise Wrong("returns_none" if got is None else key)


def _smoltalk(messages: list[dict]) -> dict:
    """A row as datasets have them: with a topic, and with keys that a chat does not need."""
    with_extras = [{**message, "weight": 1.0} for message in messages]
    return {"full_topic": "Smol World/checks", "messages": with_extras, "source": "checks"}


def _explain_smoltalk(args, got, want):
    messages, right = got["messages"], want["messages"]
    if right[0]["role"] == "system" and messages == right[1:]:
        return "system_lost"
    if len(messages) < len(right):
        return "turns_lost"
    return "content_changed" if len(messages) == len(right) else None
