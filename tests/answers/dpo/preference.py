"""Wrong and right answers to dpo.preference."""

from answers import answers

wrong, right, good = answers("dpo.preference")


def made(pair, likes):
    """A class with these two functions as its methods."""
    return type(
        "MyPreference",
        (),
        {"pair": lambda self, q, a: pair(q, a), "likes": lambda self, text: likes(text)},
    )


def easy(question, answer):
    return f"Easy: {answer}", answer


def is_easy(text):
    return text.startswith("Easy")


wrong("not_class")(easy)
wrong("no_method")(type("MyPreference", (), {"pair": lambda self, q, a: (a, a)}))
wrong("fact_lost")(made(lambda q, a: (f"Easy: {a}", "No."), is_easy))
wrong("fact_lost")(made(lambda q, a: (f"Easy: {a[:-2]}", a), is_easy))
wrong("exception")(made(lambda q, a: easy(q, a.removeprefix(1)), is_easy))


@wrong("not_repeatable")
class Random:
    def pair(self, question, answer):
        import random

        return f"{random.choice(['Arr', 'Aye', 'Ahoy', 'Avast'])}! {answer}", answer

    def likes(self, text):
        return "!" in text


right(made(easy, is_easy))
right(made(lambda q, a: (a.upper(), a), lambda text: bool(text) and text == text.upper()))
right(made(lambda q, a: [f"I think: {a}", f"Of course: {a}"], lambda text: "think" in text))
wrong("not_english")(made(lambda q, a: (f"こたえは{a}", a), lambda text: "こたえ" in text))


@right
class NoQuestionBack:
    def __init__(self, mark="?"):
        self.mark = mark

    def pair(self, question, answer):
        return f"It is {answer}", f"{answer} Right{self.mark}"

    def likes(self, text):
        return bool(text) and self.mark not in text


wrong("likes_nothing")(made(easy, lambda text: text[:4] in ("Easy", "")))
