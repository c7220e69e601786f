"""orpo.average: the mean log-probability of each row's answer."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type, integers, normal

IGNORE = -100
pure = True


def cases(rng):
    drawn = []
    for rows, length, vocabulary in ((3, 7, 8), (2, 5, 11), (4, 9, 6)):
        labels = integers(rng, 0, vocabulary, rows, length)
        labels[:, :2] = IGNORE  # the prompt
        labels[0, -2:] = IGNORE  # padding: this row's answer is shorter
        drawn.append((2 * normal(rng, rows, length, vocabulary), labels))
    return drawn


def observe(answer, case):
    logits, labels = case
    logits = logits.clone().requires_grad_()
    got = answer(logits, labels)
    if isinstance(got, float):
        raise Wrong("one_number")
    expect_type(got, torch.Tensor)
    if got.numel() == 1:
        raise Wrong("one_number")
    expect_shape(got, (len(labels),))
    slope = None
    if got.requires_grad:
        slope = torch.autograd.grad(got.sum(), logits, allow_unused=True)[0]
    return Seen(average_value=got.float(), no_gradient=slope)


def _steps(logits, labels, scores=torch.log_softmax):
    """Scores of the next tokens, and which of them count; shape (rows, length - 1)."""
    taken = scores(logits[:, :-1], -1).gather(2, labels[:, 1:].clamp(min=0)[..., None])
    return taken.squeeze(-1), labels[:, 1:] != IGNORE


def _formula(formula, scores=torch.log_softmax):
    """A mistake: `formula(scores, which count, which count before the shift)`."""

    def wrong(right, logits, labels):
        values, counted = _steps(logits, labels, scores)
        return formula(values, counted, labels[:, :-1] != IGNORE)

    return wrong


def _mean(values, counted):
    return (values * counted).sum(1) / counted.sum(1)


def _unshifted(right, logits, labels):
    taken = logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None]).squeeze(-1)
    return _mean(taken, labels != IGNORE)


mistakes = {
    "summed": _formula(lambda v, c, e: (v * c).sum(1)),
    "not_shifted": _unshifted,
    "shifted_backwards": lambda right, z, y: _unshifted(right, z[:, 1:], y[:, :-1]),
    "mask_not_shifted": [
        _formula(lambda v, c, early: (v * early).sum(1) / early.sum(1)),
        _formula(lambda v, c, early: (v * early).sum(1) / c.sum(1)),
    ],
    "ignored_counted": _formula(lambda v, c, e: v.mean(1)),
    "divided_by_length": [
        _formula(lambda v, c, e: (v * c).mean(1)),
        _formula(lambda v, c, e: (v * c).sum(1) / (v.shape[1] + 1)),
    ],
    "divided_by_batch": _formula(lambda v, c, e: (v * c).sum(1) / c.sum()),
    "sign": lambda right, z, y: -right(z, y),
    "exponentiated": lambda right, z, y: right(z, y).exp(),
    "mean_of_probabilities": [
        _formula(lambda v, c, e: _mean(v, c), torch.softmax),
        _formula(lambda v, c, e: _mean(v, c).log(), torch.softmax),
    ],
    "no_softmax": _formula(lambda v, c, e: _mean(v, c), lambda logits, _: logits),
}
