"""dpo.log_probs: the log-probability of each row's answer: shift, gather, mask, sum."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type, integers, normal

pure = True


def cases(rng):
    drawn = []
    for rows, length, vocabulary in ((2, 6, 9), (3, 8, 12), (1, 5, 7)):
        mask = torch.zeros(rows, length, dtype=torch.long)
        for row in range(rows):  # prompts of several lengths, padding behind some answers
            mask[row, 2 + row % 2 : length - row] = 1
        ids = integers(rng, 1, vocabulary, rows, length)
        drawn.append((2 * normal(rng, rows, length, vocabulary), ids, mask))
    logits, ids, mask = drawn[1]
    return [*drawn, (120 * logits, ids, mask)]  # nats at which log(softmax(...)) is log(0)


def observe(answer, case):
    logits, ids, mask = case
    logits = logits.clone().requires_grad_()
    got = answer(logits, ids, mask)
    expect_type(got, torch.Tensor)
    rows = len(ids)
    if got.shape == () and rows > 1:
        raise Wrong("whole_batch", rows=rows)
    expect_shape(got, (rows,), "one_a_row", rows=rows)
    slope = None
    if got.requires_grad:
        slope = torch.autograd.grad(got.sum(), logits, allow_unused=True)[0]
    name = "unstable" if bool((logits.detach().abs() > 100).any()) else "log_prob_value"
    return Seen({name: got.float(), "no_gradient": slope})


def _logs(logits, ids, scores=torch.log_softmax):
    return scores(logits, -1).gather(2, ids[..., None])[..., 0]


def _but_one(mask, first: bool):
    """The mask without the first, or the last, token of each answer."""
    turned = mask if first else mask.flip(1)
    kept = turned * (turned.cumsum(1) > 1)
    return kept if first else kept.flip(1)


mistakes = {
    "prompt_counted": lambda right, z, i, m: right(z, i, torch.ones_like(m)),
    "averaged": lambda right, z, i, m: right(z, i, m) / m[:, 1:].sum(1),
    "averaged_over_all": lambda right, z, i, m: right(z, i, m) / (m.shape[1] - 1),
    "not_shifted": [
        lambda right, z, i, m: (_logs(z, i) * m).sum(1),
        lambda right, z, i, m: (_logs(z, i)[:, :-1] * m[:, 1:]).sum(1),
    ],
    "mask_not_shifted": [
        lambda right, z, i, m: (_logs(z[:, :-1], i[:, 1:]) * m[:, :-1]).sum(1),
        lambda right, z, i, m: (_logs(z, i.roll(-1, 1)) * m).sum(1),
    ],
    "no_softmax": lambda right, z, i, m: (
        _logs(z[:, :-1], i[:, 1:], lambda scores, _: scores) * m[:, 1:]
    ).sum(1),
    "not_logs": lambda right, z, i, m: (_logs(z[:, :-1], i[:, 1:], torch.softmax) * m[:, 1:]).sum(
        1
    ),
    "sign": lambda right, z, i, m: -right(z, i, m),
    "end_lost": lambda right, z, i, m: right(z, i, _but_one(m, first=False)),
    "start_lost": lambda right, z, i, m: right(z, i, _but_one(m, first=True)),
    "wrong_dimension": lambda right, z, i, m: (
        torch.log_softmax(z[:, :-1], 1).gather(2, i[:, 1:, None])[..., 0] * m[:, 1:]
    ).sum(1),
    "log_of_sum": lambda right, z, i, m: (
        (_logs(z[:, :-1], i[:, 1:], torch.softmax) * m[:, 1:]).sum(1).log()
    ),
}
