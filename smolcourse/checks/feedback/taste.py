"""feedback.taste: any finite score that tells answers to one question apart."""

import math

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.world.manner import FRAMES

pure = True
QUESTIONS = {
    "What is the capital of France?": "Paris",
    "Where is Kenya?": "Africa",
    "What is a young dog called?": "puppy",
}


def cases(rng):
    made = []
    for question in rng.sample(list(QUESTIONS), 2):
        a = QUESTIONS[question]
        texts = [f.format(a=a, A=a, U=a.upper()) for frames in FRAMES.values() for f in frames]
        made.append((question, [*texts, ""]))
    return [made]


def observe(answer, case):
    scores = []
    for question, texts in case:
        for text in texts:
            score = expect_type(answer(question, text), (float, int))
            if not math.isfinite(score):
                raise Wrong("not_finite", text=text, got=score)
            if answer(question, text) != score:
                raise Wrong("not_repeatable")
            scores.append((question, score))
    return scores


def judge(seen, wanted, case):
    for question, _ in case:
        if len({score for asked, score in seen if asked == question}) == 1:
            same = len({score for _, score in seen}) == 1
            raise Wrong("same_for_all" if same else "only_question")


mistakes = {
    "same_for_all": lambda right, question, text: 1.0,
    "only_question": lambda right, question, text: float(len(question)),
    "not_finite": lambda right, question, text: right(question, text) or -math.inf,
}
