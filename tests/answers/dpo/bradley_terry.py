"""Wrong and right answers to dpo.bradley_terry."""

import math

import torch
from answers import answers

wrong, right, good = answers("dpo.bradley_terry")


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


wrong("return_type")(lambda a, b: torch.sigmoid(torch.tensor(a - b)))
wrong("none")(lambda a, b: print(sigmoid(a - b)))
wrong("value")(lambda a, b: sigmoid((a - b) / 2))
wrong("constant")(lambda a, b: 0.731)
right(lambda a, b: torch.sigmoid(torch.tensor(a - b)).item())
right(lambda a, b: (1 + math.tanh((a - b) / 2)) / 2)
right(lambda a, b: math.exp(-max(0, b - a)) / (1 + math.exp(-abs(a - b))))
