"""Checks of 2_preference_alignment/orpo: the loss (orpo.average, orpo.log_odds, orpo.loss)."""

import math

from smolcourse.check import Wrong, checker, expect_shape, expect_type

IGNORE = -100


def _same(got, want, tol: float = 1e-5) -> bool:
    """Equal shapes, and numbers within `tol` (relative and absolute)."""
    import torch

    got, want = got.double(), want.double()
    return got.shape == want.shape and bool(torch.allclose(got, want, rtol=tol, atol=tol))


def _gradients_agree(answer, reference, leaves: list, tol: float = 1e-4) -> bool:
    """Does the gradient of the summed result by each leaf equal the reference's, and is it finite?"""
    import torch

    slopes = []
    for function in (answer, reference):
        own = [leaf.clone().requires_grad_() for leaf in leaves]
        got = function(*own)
        if not isinstance(got, torch.Tensor) or not got.requires_grad:
            return False
        found = torch.autograd.grad(got.sum(), own, allow_unused=True)
        if any(slope is None for slope in found):
            return False
        slopes.append(found)
    pairs = zip(*slopes, strict=True)
    return all(torch.allclose(a.double(), b.double(), rtol=tol, atol=1e-5) for a, b in pairs)


# ---------------------------------------------------------------- orpo.average


@checker("orpo.average", pure=True)
def average(answer, reference):
    import torch

    made = torch.Generator().manual_seed(5)
    for rows, length, vocabulary in ((3, 7, 8), (2, 5, 11), (4, 9, 6)):
        logits = 2 * torch.randn(rows, length, vocabulary, generator=made)
        labels = torch.randint(0, vocabulary, (rows, length), generator=made)
        labels[:, :2] = IGNORE  # the prompt
        labels[0, -2:] = IGNORE  # padding: this row's answer is shorter
        _average_case(answer, reference, logits, labels)
    if not _gradients_agree(
        lambda leaf: answer(leaf, labels), lambda leaf: reference(leaf, labels), [logits]
    ):
        raise Wrong("no_gradient")


def _average_case(answer, reference, logits, labels) -> None:
    import torch

    got, want = answer(logits, labels), reference(logits, labels)
    if isinstance(got, float):
        raise Wrong("one_number")
    got = expect_type(got, torch.Tensor)
    if got.numel() == 1 and want.numel() > 1:
        raise Wrong("one_number")
    got = expect_shape(got, tuple(want.shape))
    if _same(got, want):
        return
    for key, value in _average_mistakes(logits, labels):
        if _same(got, value):
            raise Wrong(key)
    raise Wrong("average_value", got=_numbers(got), want=_numbers(want))


def _numbers(values) -> str:
    return "[" + ", ".join(f"{value:.3f}" for value in values.flatten().tolist()) + "]"


def _average_mistakes(logits, labels) -> list[tuple]:
    """(message key, what this mistake gives), the frequent ones first."""

    def taken(scores, wanted):
        return scores.gather(2, wanted.clamp(min=0)[..., None]).squeeze(-1), wanted != IGNORE

    def mean(scores, wanted):
        values, counted = taken(scores, wanted)
        return (values * counted).sum(1) / counted.sum(1)

    logps = logits.log_softmax(-1)
    early, late = logps[:, :-1], labels[:, 1:]
    values, counted = taken(early, late)
    total, right = (values * counted).sum(1), mean(early, late)
    unshifted = labels[:, :-1] != IGNORE
    lost = (values * unshifted).sum(1)
    return [
        ("summed", total),
        ("not_shifted", mean(logps, labels)),
        ("shifted_backwards", mean(logps[:, 1:], labels[:, :-1])),
        ("mask_not_shifted", lost / unshifted.sum(1)),
        ("mask_not_shifted", lost / counted.sum(1)),
        ("ignored_counted", values.mean(1)),
        ("divided_by_length", total / late.shape[1]),
        ("divided_by_length", total / labels.shape[1]),
        ("divided_by_batch", total / counted.sum()),
        ("sign", -right),
        ("exponentiated", right.exp()),
        ("mean_of_probabilities", mean(early.exp(), late)),
        ("mean_of_probabilities", mean(early.exp(), late).log()),
        ("no_softmax", mean(logits[:, :-1], late)),
    ]


# ---------------------------------------------------------------- orpo.log_odds


@checker("orpo.log_odds", pure=True)
def log_odds(answer, reference):
    import torch

    ordinary = torch.tensor([-3.0, -1.2, -math.log(2), -0.4, -0.05])
    _log_odds_case(answer, reference, ordinary, "log_odds_value")
    table = torch.tensor([[-2.0, -0.3, -0.9], [-7.0, -0.1, -0.6]])
    _log_odds_case(answer, reference, table, "log_odds_value")
    # Float32: p is 1 to six digits at the one end, and no float at all at the other.
    _log_odds_case(answer, reference, torch.tensor([-1e-4, -1e-7]), "near_one")
    _log_odds_case(answer, reference, torch.tensor([-30.0, -120.0]), "near_zero")
    if not _gradients_agree(answer, reference, [ordinary]):
        raise Wrong("no_gradient")
    # At -1e-8, exp(logp) is 1 in float32: torch.where sends nan through a branch it did not take.
    leaf = torch.tensor([-1e-8, -120.0]).requires_grad_()
    (slope,) = torch.autograd.grad(answer(leaf).sum(), leaf)
    if not bool(torch.isfinite(slope).all()):
        raise Wrong("gradient_not_finite", got=str(slope.tolist()))


def _log_odds_case(answer, reference, logp, key: str) -> None:
    import torch

    got, want = answer(logp), reference(logp)
    got = expect_shape(expect_type(got, torch.Tensor), tuple(want.shape))
    if _same(got, want, 1e-3 if key == "near_one" else 1e-4):
        return
    if bool(got.isnan().all()):  # before the mistakes below: those may be nan here, too
        raise Wrong("nan")
    p = logp.exp()
    mistakes = [
        ("odds", want.exp()),
        ("log_ratio", logp),
        ("log_rest", torch.log1p(-p)),
        ("sign", -want),
        ("plus", logp - torch.log1p(p)),
        ("added", logp + torch.log1p(-p)),
        ("takes_probability", logp - torch.log1p(-logp)),
        ("sigmoid", torch.sigmoid(logp)),
    ]
    for name, value in mistakes:
        close = torch.allclose(got.double(), value.double(), rtol=1e-4)
        if key == "log_odds_value" and close:
            raise Wrong(name)
    # The first that is off; nan is off everywhere.
    off = ~((got - want).abs() <= 1e-3 * want.abs().clamp(min=1.0))
    at = int(off.flatten().int().argmax())
    found = {"logp": logp.flatten()[at], "got": got.flatten()[at], "want": want.flatten()[at]}
    raise Wrong(key, **{name: f"{value.item():.6g}" for name, value in found.items()})


# ---------------------------------------------------------------- orpo.loss


@checker("orpo.loss", pure=True)
def loss(answer, reference):
    import torch

    made = torch.Generator().manual_seed(7)
    for pairs, lam in ((4, 0.1), (3, 1.0), (5, 0.7), (1, 2.5)):
        chosen = -3 * torch.rand(pairs, generator=made) - 0.2
        rejected = -3 * torch.rand(pairs, generator=made) - 0.2
        nll = 2 * torch.rand((), generator=made) + 0.5
        _loss_case(answer, reference, nll, chosen, rejected, lam)
    # Apart by so much that a sigmoid is 0 in float32: log(sigmoid(x)) has no value there.
    far = torch.tensor(1.0), torch.tensor([-140.0]), torch.tensor([-0.5]), 1.0
    got = expect_type(answer(*far), torch.Tensor)
    if not _same(got.reshape(()), reference(*far), 1e-3):
        raise Wrong("log_of_sigmoid", got=f"{got.item():.4g}", want=f"{reference(*far).item():.4g}")
    if not _gradients_agree(
        lambda *leaves: answer(*leaves, 0.7),
        lambda *leaves: reference(*leaves, 0.7),
        [torch.tensor(1.5), torch.tensor([-0.4, -2.0, -1.1]), torch.tensor([-1.3, -0.8, -1.0])],
    ):
        raise Wrong("no_gradient")


def _loss_case(answer, reference, nll, chosen, rejected, lam) -> None:
    import torch

    want, got = reference(nll, chosen, rejected, lam), answer(nll, chosen, rejected, lam)
    if isinstance(got, float):
        raise Wrong("no_gradient")
    got = expect_shape(expect_type(got, torch.Tensor), (), "not_scalar")
    if _same(got, want):
        return
    for key, value in _loss_mistakes(nll, chosen, rejected, lam):
        if _same(got, value):
            raise Wrong(key)
    raise Wrong("loss_value", got=f"{got.item():.4f}", want=f"{want.item():.4f}")


def _loss_mistakes(nll, chosen, rejected, lam) -> list[tuple]:
    """(message key, the loss that this mistake gives), the frequent ones first."""
    import torch.nn.functional as F

    def odds(logp):
        return logp - (-logp.expm1()).log()

    ratio = odds(chosen) - odds(rejected)
    penalty = -F.logsigmoid(ratio)
    right = nll + lam * penalty.mean()
    return [
        ("swapped", nll - lam * F.logsigmoid(-ratio).mean()),
        ("sign", nll - lam * penalty.mean()),
        ("log_ratio", nll - lam * F.logsigmoid(chosen - rejected).mean()),
        ("odds_not_logs", nll - lam * F.logsigmoid(ratio.exp()).mean()),
        (
            "odds_not_logs",
            nll - lam * F.logsigmoid(odds(chosen).exp() - odds(rejected).exp()).mean(),
        ),
        ("lambda_inside", nll - F.logsigmoid(lam * ratio).mean()),
        ("no_lambda", nll + penalty.mean()),
        ("no_nll", lam * penalty.mean()),
        ("no_nll", penalty.mean()),
        ("lambda_on_nll", lam * nll + penalty.mean()),
        ("lambda_on_nll", lam * (nll + penalty.mean())),
        ("summed", nll + lam * penalty.sum()),
        ("mean_too_early", nll - lam * F.logsigmoid(ratio.mean())),
        ("mean_too_early", nll - lam * F.logsigmoid(odds(chosen.mean()) - odds(rejected.mean()))),
        ("no_sigmoid", nll - lam * ratio.mean()),
        ("no_log", nll - lam * ratio.sigmoid().mean()),
        ("no_log", nll + lam * (1 - ratio.sigmoid()).mean()),
        ("nll_negative", right - 2 * nll),
    ]
