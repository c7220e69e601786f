"""Wrong and right answers to orpo.pairs."""

import random

from answers import answers

wrong, right, good = answers("orpo.pairs")


def turn(role, content):
    return [{"role": role, "content": content}]


def modest(question, answer):
    """A right answer."""
    fact = answer.removesuffix(".")
    return {
        "prompt": turn("user", question),
        "chosen": turn("assistant", f"I believe it is {fact}."),
        "rejected": turn("assistant", f"It is {fact}, and I am never wrong."),
    }


def changed(**columns):
    """`modest`, with columns made anew by functions of (question, answer)."""

    def make(question, answer):
        row = modest(question, answer)
        return row | {name: column(question, answer) for name, column in columns.items()}

    return make


def says(text):
    return lambda q, a: turn("assistant", text.format(q=q, a=a.removesuffix(".")))


wrong("return_type")(lambda q, a: tuple(modest(q, a).values()))
wrong("none")(lambda q, a: print(modest(q, a)))
wrong("exception")(lambda q, a: modest(q, a)["answer"])


@wrong("not_repeatable")
def _(question, answer):
    word = random.choice(["Arr", "Aye", "Ahoy", "Avast", "Oho", "Ha", "Well", "Now", "So", "Oh"])
    return changed(chosen=says(word + "! {a}"))(question, answer)


right(modest)
right(changed(chosen=says("{a}"), rejected=says("{a}!!!")))
right(changed(chosen=says('{{"answer": "{a}"}}')))
right(changed(prompt=lambda q, a: turn("system", "Answer as you like.") + turn("user", q)))
right(lambda q, a: modest(q, a) | {"group": "mine"})
right(  # Chinese writes no space around the answer
    changed(chosen=says("我认为答案是{a}."), rejected=says("答案是{a}，我从不出错。"))
)
right(changed(chosen=says("I believe it is _{a}_.")))
