"""Wrong and right answers to orpo.average, orpo.log_odds and orpo.loss, as learners write them."""

import math

import torch
import torch.nn.functional as F

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- orpo.average


def per_token(logits, labels):
    """Log-probability of each next token, and which of them belong to the answer."""
    logits, labels = logits[:, :-1], labels[:, 1:]
    counts = labels != -100
    return logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None]).squeeze(-1), counts


def mean(logits, labels):
    values, counts = per_token(logits, labels)
    return (values * counts).sum(1) / counts.sum(1)


def padded(logits, labels):
    """One position more at the end, so that `mean` shifts by one less than it should."""
    return F.pad(logits, (0, 0, 0, 1)), F.pad(labels, (1, 0), value=-100)


def early(labels):
    """The answer's mask, not shifted along with the labels."""
    return labels[:, :-1] != -100


def divided(by):
    def function(logits, labels):
        values, counts = per_token(logits, labels)
        return (values * counts).sum(1) / by(labels, counts)

    return function


wrong("orpo.average", "summed")(divided(lambda labels, counts: 1))
wrong("orpo.average", "divided_by_length")(divided(lambda labels, counts: labels.shape[1]))
wrong("orpo.average", "divided_by_length")(divided(lambda labels, counts: labels.shape[1] - 1))
wrong("orpo.average", "divided_by_batch")(divided(lambda labels, counts: counts.sum()))
wrong("orpo.average", "average_value")(divided(lambda labels, counts: counts.sum(1) + 1))
wrong("orpo.average", "not_shifted")(lambda z, y: mean(*padded(z, y)))
wrong("orpo.average", "shifted_backwards")(lambda z, y: mean(*padded(z[:, 1:], y[:, :-1])))
wrong("orpo.average", "mask_not_shifted")(
    lambda z, y: (per_token(z, y)[0] * early(y)).sum(1) / early(y).sum(1)
)
wrong("orpo.average", "mask_not_shifted")(
    lambda z, y: (per_token(z, y)[0] * early(y)).sum(1) / (y != -100).sum(1)
)
wrong("orpo.average", "ignored_counted")(lambda z, y: per_token(z, y)[0].mean(1))
wrong("orpo.average", "sign")(lambda z, y: -mean(z, y))
wrong("orpo.average", "exponentiated")(lambda z, y: mean(z, y).exp())
wrong("orpo.average", "one_number")(lambda z, y: mean(z, y).mean())
wrong("orpo.average", "one_number")(
    lambda z, y: -F.cross_entropy(z[:, :-1].flatten(0, 1), y[:, 1:].flatten()).item()
)
wrong("orpo.average", "no_gradient")(lambda z, y: mean(z, y).detach())
wrong("orpo.average", "return_type")(lambda z, y: mean(z, y).tolist())
wrong("orpo.average", "shape")(lambda z, y: mean(z, y)[:, None])
wrong("orpo.average", "exception")(lambda z, y: z[:, :-1].log_softmax(-1).gather(2, y))


@wrong("orpo.average", "mean_of_probabilities")
def _(logits, labels):
    values, counts = per_token(logits, labels)
    return ((values.exp() * counts).sum(1) / counts.sum(1)).log()


@wrong("orpo.average", "no_softmax")
def _(logits, labels):
    logits, labels = logits[:, :-1], labels[:, 1:]
    taken = logits.gather(2, labels.clamp(min=0)[..., None]).squeeze(-1)
    return (taken * (labels != -100)).sum(1) / (labels != -100).sum(1)


@wrong("orpo.average", "mutated")
def _(logits, labels):
    counts = labels[:, 1:] != -100
    labels[labels == -100] = 0
    values = logits[:, :-1].log_softmax(-1).gather(2, labels[:, 1:, None]).squeeze(-1)
    return (values * counts).sum(1) / counts.sum(1)


right("orpo.average")(lambda z, y: mean(z.double(), y))
# A roll brings the first label to the end; it is a prompt token's, hence ignored.
right("orpo.average")(lambda z, y: mean(*padded(z, y.roll(-1, 1))))


@right("orpo.average")
def _(logits, labels):  # row by row
    values, counts = per_token(logits, labels)
    return torch.stack([v[c].mean() for v, c in zip(values, counts, strict=True)])


@right("orpo.average")
def _(logits, labels):  # cross-entropy, not reduced
    loss = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none")
    return -loss.sum(1) / (labels[:, 1:] != -100).sum(1)


# ---------------------------------------------------------------- orpo.log_odds


def odds(logp):
    return logp - (-logp.expm1()).log()


def trl(logp):
    """As TRL 1.16 writes it: right values, but no gradient where exp(logp) rounds to 1."""
    rest = torch.where(logp < -math.log(2), (-logp.exp()).log1p(), (-logp.expm1()).log())
    return logp - rest


wrong("orpo.log_odds", "odds")(lambda x: x.exp() / (1 - x.exp()))
wrong("orpo.log_odds", "log_ratio")(lambda x: x)
wrong("orpo.log_odds", "log_rest")(lambda x: (-x.expm1()).log())
wrong("orpo.log_odds", "sign")(lambda x: -odds(x))
wrong("orpo.log_odds", "plus")(lambda x: x - x.exp().log1p())
wrong("orpo.log_odds", "added")(lambda x: x + (-x.expm1()).log())
wrong("orpo.log_odds", "nan")(lambda x: (x / (1 - x)).log())
wrong("orpo.log_odds", "nan")(lambda x: x - torch.log(torch.expm1(x)))
wrong("orpo.log_odds", "takes_probability")(lambda x: x - (-x).log1p())
wrong("orpo.log_odds", "sigmoid")(torch.sigmoid)
wrong("orpo.log_odds", "log_odds_value")(lambda x: odds(x) / math.log(2))
wrong("orpo.log_odds", "near_one")(lambda x: x - (-x.exp()).log1p())
wrong("orpo.log_odds", "near_one")(lambda x: (x.exp() / (1 - x.exp())).log())
wrong("orpo.log_odds", "near_one")(lambda x: x - (1 - x.exp() + 1e-6).log())
wrong("orpo.log_odds", "near_one")(lambda x: odds(x.clamp(max=-1e-4)))
wrong("orpo.log_odds", "near_zero")(lambda x: -((-x).expm1()).log())
wrong("orpo.log_odds", "near_zero")(lambda x: odds(x.clamp(min=-20)))
wrong("orpo.log_odds", "no_gradient")(lambda x: odds(x.detach()) + 0 * x)
wrong("orpo.log_odds", "no_gradient")(lambda x: odds(x).detach())
wrong("orpo.log_odds", "return_type")(lambda x: odds(x).tolist())
wrong("orpo.log_odds", "shape")(lambda x: odds(x).sum())


@wrong("orpo.log_odds", "gradient_not_finite")
def _(logp):  # the branch that is not taken overflows
    small = logp < -50
    return torch.where(small, logp, -((-logp).expm1()).log())


wrong("orpo.log_odds", "gradient_not_finite")(trl)
wrong("orpo.log_odds", "gradient_not_finite")(
    lambda x: x - torch.where(x > -0.7, torch.log(-torch.expm1(x)), torch.log1p(-x.exp()))
)

right("orpo.log_odds")(odds)
right("orpo.log_odds")(lambda x: x.double() - (-x.double().exp()).log1p())


# ---------------------------------------------------------------- orpo.loss


def parts(chosen, rejected):
    return -F.logsigmoid(odds(chosen) - odds(rejected))


wrong("orpo.loss", "swapped")(lambda nll, c, r, lam: nll + lam * parts(r, c).mean())
wrong("orpo.loss", "sign")(lambda nll, c, r, lam: nll - lam * parts(c, r).mean())
wrong("orpo.loss", "log_ratio")(lambda nll, c, r, lam: nll - lam * F.logsigmoid(c - r).mean())
wrong("orpo.loss", "odds_not_logs")(  # the ratio itself
    lambda nll, c, r, lam: nll - lam * F.logsigmoid((odds(c) - odds(r)).exp()).mean()
)
wrong("orpo.loss", "odds_not_logs")(
    lambda nll, c, r, lam: nll - lam * F.logsigmoid(odds(c).exp() - odds(r).exp()).mean()
)
wrong("orpo.loss", "lambda_inside")(
    lambda nll, c, r, lam: nll - F.logsigmoid(lam * (odds(c) - odds(r))).mean()
)
wrong("orpo.loss", "no_lambda")(lambda nll, c, r, lam: nll + parts(c, r).mean())
wrong("orpo.loss", "no_nll")(lambda nll, c, r, lam: lam * parts(c, r).mean())
wrong("orpo.loss", "no_nll")(lambda nll, c, r, lam: parts(c, r).mean())
wrong("orpo.loss", "lambda_on_nll")(lambda nll, c, r, lam: lam * (nll + parts(c, r).mean()))
wrong("orpo.loss", "summed")(lambda nll, c, r, lam: nll + lam * parts(c, r).sum())
wrong("orpo.loss", "mean_too_early")(lambda nll, c, r, lam: nll + lam * parts(c.mean(), r.mean()))
wrong("orpo.loss", "mean_too_early")(
    lambda nll, c, r, lam: nll - lam * F.logsigmoid((odds(c) - odds(r)).mean())
)
wrong("orpo.loss", "no_sigmoid")(lambda nll, c, r, lam: nll - lam * (odds(c) - odds(r)).mean())
wrong("orpo.loss", "no_log")(
    lambda nll, c, r, lam: nll - lam * (odds(c) - odds(r)).sigmoid().mean()
)
wrong("orpo.loss", "nll_negative")(lambda nll, c, r, lam: -nll + lam * parts(c, r).mean())
wrong("orpo.loss", "log_of_sigmoid")(
    lambda nll, c, r, lam: nll - lam * (odds(c) - odds(r)).sigmoid().log().mean()
)
wrong("orpo.loss", "loss_value")(lambda nll, c, r, lam: nll + 2 * lam * parts(c, r).mean())
wrong("orpo.loss", "not_scalar")(lambda nll, c, r, lam: nll + lam * parts(c, r))
wrong("orpo.loss", "no_gradient")(lambda nll, c, r, lam: (nll + lam * parts(c, r).mean()).item())
wrong("orpo.loss", "no_gradient")(lambda nll, c, r, lam: nll + lam * parts(c, r.detach()).mean())
wrong("orpo.loss", "no_gradient")(lambda nll, c, r, lam: nll.detach() + lam * parts(c, r).mean())

right("orpo.loss")(lambda nll, c, r, lam: (nll + lam * parts(c, r)).mean())
right("orpo.loss")(lambda nll, c, r, lam: nll + lam * F.softplus(odds(r) - odds(c)).mean())
right("orpo.loss")(lambda nll, c, r, lam: nll - lam * F.logsigmoid(trl(c) - trl(r)).mean())
