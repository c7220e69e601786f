"""Wrong and right answers to sft.diagnose."""

import math

import torch
from answers import answers

wrong, right, good = answers("sft.diagnose")


def doctor(train, evaluation, *, rise=1.1, fall=0.8, against=min, order="dms"):
    """A parametrised answer; right as it stands."""
    rules = {
        "d": not all(map(math.isfinite, train)) or train[-1] > train[0],
        "m": evaluation[-1] > rise * against(evaluation),
        "s": train[-1] > fall * train[0],
    }
    names = {"d": "diverging", "m": "memorising", "s": "too_slow"}
    return next((names[rule] for rule in order if rules[rule]), "healthy")


def variant(**options):
    return lambda train, evaluation: doctor(train, evaluation, **options)


wrong("order")(variant(order="dsm"))
wrong("small_rise")(variant(rise=1.0))
wrong("verdict")(variant(fall=0.5))


def absolute(fall=None, rise=None):
    """Thresholds as differences, where shares are asked for."""

    def diagnose(train, evaluation):
        if doctor(train, evaluation) == "diverging":
            return "diverging"
        lowest = min(evaluation)
        if evaluation[-1] > lowest + (rise or 0.1 * lowest):
            return "memorising"
        return "too_slow" if train[0] - train[-1] < (fall or 0.2 * train[0]) else "healthy"

    return diagnose


right(absolute())
wrong("shares")(absolute(fall=0.2))
wrong("verdict")(absolute(fall=0.5))
wrong("shares")(absolute(rise=0.1))
wrong("shares")(absolute(rise=0.3))
wrong("shares")(absolute(fall=0.2, rise=0.1))
wrong("verdict")(lambda t, e: "diverging" if t[-1] >= t[0] else good(t, e))
wrong("none")(lambda t, e: None if good(t, e) == "healthy" else good(t, e))
wrong("return_type")(lambda t, e: good(t, e) == "healthy")
wrong("mutated")(lambda t, e: e.sort() or good(t, e))


@right
def _(train_loss, eval_loss):
    train, evaluation = torch.tensor(train_loss), torch.tensor(eval_loss)
    if not torch.isfinite(train).all() or train[-1] > train[0]:
        return "diverging"
    if (evaluation[-1] - evaluation.min()) / evaluation.min() > 0.10:
        return "memorising"
    return "too_slow" if (train[0] - train[-1]) / train[0] < 0.2 else "healthy"
