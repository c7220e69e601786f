"""chat.from_math: GSM8K's rows as chats: calculator notes out, the final answer as a sentence."""

import re

from smolcourse.checks.chat.common import expect_chat
from smolcourse.checks.core import Wrong

pure = True


def cases(rng):
    a, b = rng.randrange(2, 60), rng.randrange(2, 60)
    rows = [
        ("Jack has 4 balls and gets 3 more. How many now?",
         "Jack has 4 + 3 = <<4+3=7>>7 balls.\n#### 7"),
        ("How much is it for 12 months?",
         "A year is 100 * 12 = $<<100*12=1200>>1,200.\nSo it is $1,200.\n#### 1,200"),
        ("Half of 5?\nWrite a number.",
         "Half of 5 is 5 / 2 = <<5/2=2.5>>2.5.\nIt is <<2.5>>no whole number.\n#### 2.5"),
        ("What is left of 3 if you take 10?", "3 - 10 = <<3-10=-7>>-7\n#### -7"),
        # two notes in a line; a space before the one, after the other
        (" Two steps? ", "2 * 3 = <<2*3=6>>6, and 6 + 1<<6+1=7>> = 7.\n#### 7"),
        (f"What is {a} + {b}?", f"It is {a} + {b} = <<{a}+{b}={a + b}>>{a + b}.\n#### {a + b}"),
    ]  # fmt: skip
    return [({"question": question, "answer": answer},) for question, answer in rows]


def observe(answer, case):
    return expect_chat(answer(*case))


def judge(seen, wanted, case):
    (row,), messages = case, seen["messages"]
    if seen == wanted:
        return
    if len(messages) != 2:
        raise Wrong("message_count")
    roles, (question, text) = [m["role"] for m in messages], [m["content"] for m in messages]
    right = wanted["messages"][1]["content"]
    if roles != ["user", "assistant"] or text == row["question"]:
        raise Wrong("roles_swapped")
    if question != row["question"]:
        raise Wrong("question_changed")
    if "<<" in text or ">>" in text:
        raise Wrong("annotations_left")
    if "####" in text:
        raise Wrong("mark_left")
    if text.strip() == right.split("\n")[-1]:
        raise Wrong("working_lost")
    if text == right.removesuffix("."):
        raise Wrong("full_stop_lost")
    if "The answer is" not in text:
        raise Wrong("no_sentence")
    if text.replace(",", "") == right.replace(",", ""):
        raise Wrong("separator_lost")
    if "".join(text.split()) == "".join(right.split()):
        raise Wrong("line_breaks_changed")
    raise Wrong("value", got=text, expected=right)


def _noted(pattern, flags=0):
    """A mistake: notes taken out by another pattern, before the rest is done rightly."""
    return lambda right, row: right(
        {**row, "answer": re.sub(pattern, "", row["answer"], flags=flags)}
    )


def _edited(change):
    """A mistake: the assistant's right text, changed."""

    def wrong(right, row):
        user, assistant = right(row)["messages"]
        return {"messages": [user, {**assistant, "content": change(assistant["content"])}]}

    return wrong


mistakes = {
    "greedy": [_noted(r"<<.*>>"), _noted(r"<<.*>>", re.DOTALL)],
    "line_breaks_changed": [_noted(r"<<[^>]*>>\s*"), _noted(r"\s*<<[^>]*>>")],
    "separator_lost": _noted(","),
    "mark_left": _edited(lambda text: text.replace("The answer is ", "#### ")),
    "no_sentence": _edited(lambda text: text.replace("The answer is ", "")),
    "full_stop_lost": _edited(lambda text: text.removesuffix(".")),
    "working_lost": _edited(lambda text: text.split("\n")[-1]),
    "question_changed": [
        lambda right, row: right({**row, "question": row["question"].split("\n")[0]}),
        lambda right, row: right({**row, "question": row["question"].strip()}),
    ],
    "message_count": lambda right, row: {"messages": right(row)["messages"][1:]},
    "extra_columns": lambda right, row: row | right(row),
}
