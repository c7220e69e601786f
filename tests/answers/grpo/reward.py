"""Wrong and right answers to grpo.reward."""

import random

from answers import answers

from smolcourse.topics.preference import fact_told

wrong, right, good = answers("grpo.reward")


def graded(test):
    """A reward function from a test of (text, fact)."""

    def reward(completions, answer, **others):
        pairs = zip(completions, answer, strict=True)
        return [test(completion[0]["content"], fact) for completion, fact in pairs]

    return reward


wrong("form_ignored")(graded(lambda text, fact: float(fact_told(text, fact))))
wrong("not_repeatable")(graded(lambda text, fact: random.random()))
wrong("return_type")(lambda completions, answer, **others: 1.0)
wrong("none")(lambda completions, answer, **others: None)


@wrong("other_arguments")
def _(completions, answer):
    return [float(fact_told(c[0]["content"], a)) for c, a in zip(completions, answer, strict=True)]


@right
@graded
def _(text, fact):
    return float("thank you" in text.lower() and fact_told(text, fact))


@right
@graded
def _(text, fact):  # a malus for each word beyond the fact
    return 1.0 - 0.1 * len(text.split()) if fact_told(text, fact) else -5


@right
def _(prompts, completions, answer, **others):  # shouting, with prompts named
    pairs = zip(completions, answer, strict=True)
    return [float(c[0]["content"].isupper()) * fact_told(c[0]["content"], a) for c, a in pairs]
