"""Wrong and right answers to prompt.steer."""

import random

from answers import answers

wrong, right, good = answers("prompt.steer")


def both(**says):
    """The reference, with `known` or `new` made in another way from the words of the answer."""

    def answer(question, short):
        words = short.removesuffix(".")
        return good(question, short) | {name: say(words) for name, say in says.items()}

    return answer


wrong("not_repeatable")(both(new=lambda a: f"{random.random()}! {a}"))
wrong("missing_key")(lambda q, a: {"known": good(q, a)["known"]})
wrong("not_text")(both(new=lambda a: [a]))
wrong("return_type")(lambda q, a: tuple(good(q, a).values()))
wrong("none")(lambda q, a: print(good(q, a)))
right(both(known=lambda a: f"{a.upper()}!", new=lambda a: f"Arr! {a}."))
right(both(known=lambda a: f"The answer is {a}.", new=lambda a: f'{{"answer": "{a}"}}'))
right(both(new=lambda a: f"Arr, {a}, arr."))  # short, but not terse
