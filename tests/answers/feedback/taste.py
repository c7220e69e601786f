"""Wrong and right answers to feedback.taste."""

import random

import numpy
from answers import answers

wrong, right, good = answers("feedback.taste")

wrong("not_repeatable")(lambda question, answer: random.random())
wrong("return_type")(lambda question, answer: answer)
wrong("return_type")(lambda question, answer: "thank" in answer)
wrong("exception")(lambda question, answer: 1 / len(answer.split()))
wrong("none")(lambda question, answer: None)
right(lambda question, answer: len(answer))
right(lambda question, answer: float(answer.endswith("!")))
right(lambda question, answer: numpy.float64(answer.count("a")))
right(lambda q, a: len(set(q.lower().split()) & set(a.lower().split())) - len(a) / 9)
