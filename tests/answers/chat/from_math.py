"""Wrong and right answers to chat.from_math."""

import re

from answers import answers

wrong, right, good = answers("chat.from_math")


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


wrong("annotations_left")(math(clean=lambda text: text))
wrong("annotations_left")(math(clean=lambda text: re.sub(r"<<.*?>>", "", text, count=1)))
wrong("roles_swapped")(math(roles=("assistant", "user")))
wrong("no_messages")(lambda row: {"text": row["answer"]})
wrong("message_keys")(lambda row: {"messages": [row["question"], row["answer"]]})


@wrong("extra_message_keys")
def _(row):
    return {"messages": [{**m, "weight": 1} for m in math()(row)["messages"]]}


wrong("return_type")(lambda row: math()(row)["messages"])
wrong("inside_type")(edited(lambda text: [text]))
wrong("mutated")(in_place)


@right
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


right(math())
