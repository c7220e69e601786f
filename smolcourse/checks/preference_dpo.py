"""Checks of 2_preference_alignment/dpo that compute: ``dpo.bradley_terry`` to ``dpo.batch_loss``.

Small tensors, and for the batch random models of one layer. The notebook's other exercises:
preference_dpo_signs.py.
"""

import math

from smolcourse.check import Wrong, checker, compare_on, expect_shape, expect_type

TOLERANCE = 1e-5


@checker("dpo.bradley_terry", pure=True)
def bradley_terry(answer, reference):
    cases = [(2.5, 1.0), (1.0, 2.0), (-3.0, 1.0), (0.5, 0.25), (-1.5, -2.0), (4.0, 4.5), (0.5, 0.5)]
    for args in cases:
        expect_type(answer(*args), (float, int))

    def explain(args, got, want):
        a, b = args
        known = {
            "swapped": 1 - want,
            "difference": a - b,
            "certain": float(a > b),
            "elo": 1 / (1 + 10 ** (b - a)),
            "not_logistic": math.exp(min(a - b, 50)),
        }
        if a + b:
            known["share"] = a / (a + b)
        return next((key for key, value in known.items() if abs(got - value) < 1e-6), None)

    compare_on(answer, reference, cases, tol=1e-6, explain=explain)
    for args in ((1000.0, 0.0), (0.0, 1000.0)):
        try:
            got = expect_type(answer(*args), (float, int))
        except OverflowError as error:
            raise Wrong("overflow", a=args[0], b=args[1]) from error
        if not abs(got - reference(*args)) < 1e-6:
            raise Wrong("overflow", a=args[0], b=args[1])


# ---------------------------------------------------------------- log-probabilities


@checker("dpo.log_probs", pure=True)
def log_probs(answer, reference):
    import torch

    made = torch.Generator().manual_seed(5)
    for rows, length, vocabulary in ((2, 6, 9), (3, 8, 12), (1, 5, 7)):
        logits = 2 * torch.randn(rows, length, vocabulary, generator=made)
        ids = torch.randint(1, vocabulary, (rows, length), generator=made)
        mask = torch.zeros_like(ids)
        for row in range(rows):  # prompts of several lengths, padding behind some answers
            mask[row, 2 + row % 2 : length - row] = 1
        _log_probs_value(answer, reference, logits, ids, mask)
    slopes = []
    for function in (answer, reference):
        leaf = logits.clone().requires_grad_()
        got = function(leaf, ids, mask)
        if not isinstance(got, torch.Tensor) or not got.requires_grad:
            raise Wrong("no_gradient")
        slopes += torch.autograd.grad(got.sum(), leaf, allow_unused=True)
    if slopes[0] is None or not torch.allclose(*slopes, atol=TOLERANCE):
        raise Wrong("no_gradient")


def _log_probs_value(answer, reference, logits, ids, mask) -> None:
    import torch

    got, want = answer(logits, ids, mask), reference(logits, ids, mask)
    got = expect_type(got, torch.Tensor)
    if got.shape == () and len(want) > 1:
        raise Wrong("whole_batch", rows=len(want))
    got = expect_shape(got, tuple(want.shape), "one_a_row", rows=len(want))
    if torch.allclose(got.to(want.dtype), want, atol=1e-4):
        return
    for key, value in _log_probs_mistakes(logits, ids, mask):
        if torch.allclose(got.to(want.dtype), value, atol=1e-4):
            raise Wrong(key)
    raise Wrong("log_prob_value", got=_numbers(got), want=_numbers(want))


def _log_probs_mistakes(logits, ids, mask) -> list[tuple]:
    """(message key, the values that this mistake gives), the frequent ones first."""
    import torch

    def taken(scores, tokens):
        return scores.gather(2, tokens[..., None])[..., 0]

    logs = logits.log_softmax(-1)
    step, counted = taken(logs[:, :-1], ids[:, 1:]), mask[:, 1:]
    right = (step * counted).sum(1)
    last = counted * (counted.flip(1).cumsum(1).flip(1) > 1)  # all but the last of each answer
    first = counted * (counted.cumsum(1) > 1)
    before = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], 1)
    return [
        ("prompt_counted", step.sum(1)),
        ("averaged", right / counted.sum(1)),
        ("averaged_over_all", (step * counted).mean(1)),
        ("not_shifted", (taken(logs, ids) * mask).sum(1)),
        ("mask_not_shifted", (step * mask[:, :-1]).sum(1)),
        ("mask_not_shifted", (taken(logs, ids.roll(-1, 1)) * mask).sum(1)),
        ("no_softmax", (taken(logits[:, :-1], ids[:, 1:]) * counted).sum(1)),
        ("sign", -right),
        ("not_logs", (taken(logits[:, :-1].softmax(-1), ids[:, 1:]) * counted).sum(1)),
        ("end_lost", (step * last).sum(1)),
        ("start_lost", (step * first).sum(1)),
        ("not_shifted", (taken(logs, ids) * before).sum(1)),
    ]


# ---------------------------------------------------------------- the loss


@checker("dpo.loss", pure=True)
def loss(answer, reference):
    import torch

    made = torch.Generator().manual_seed(7)
    for pairs, beta in ((4, 0.1), (3, 0.5), (1, 0.3)):
        tensors = [-20 + 8 * torch.randn(pairs, generator=made) for _ in range(4)]
        _loss_value(answer, reference, (*tensors, beta), _loss_mistakes(*tensors, beta))
    far = [torch.tensor([-400.0, -1.0]), torch.tensor([-1.0, -400.0])]
    far += [torch.tensor([-1.0, -1.0])] * 2
    got, want = expect_type(answer(*far, 1.0), torch.Tensor), reference(*far, 1.0)
    if not bool((got - want).abs() < 1e-3):
        raise Wrong("unstable", want=f"{want.item():.1f}", got=f"{got.item():.4g}")
    slopes = []
    for function in (answer, reference):
        leaves = [tensor.clone().requires_grad_() for tensor in tensors[:2]]
        got = function(*leaves, *tensors[2:], beta)
        if not isinstance(got, torch.Tensor) or not got.requires_grad:
            raise Wrong("no_gradient")
        slopes.append(torch.autograd.grad(got, leaves, allow_unused=True))
    for mine, theirs in zip(*slopes, strict=True):
        if mine is None or not torch.allclose(mine, theirs, atol=TOLERANCE):
            raise Wrong("no_gradient")


def _loss_value(answer, reference, arguments, mistakes) -> None:
    """One scalar against the reference's, then against those of known mistakes."""
    import torch

    got, want = answer(*arguments), reference(*arguments)
    if isinstance(got, float):
        raise Wrong("no_gradient")
    got = expect_shape(expect_type(got, torch.Tensor), (), "not_scalar")
    if bool((got - want).abs() < TOLERANCE):
        return
    for key, value in mistakes:
        if bool((got - value).abs() < TOLERANCE):
            raise Wrong(key)
    raise Wrong("loss_value", got=f"{got.item():.4f}", want=f"{want.item():.4f}")


def _loss_mistakes(chosen, rejected, ref_chosen, ref_rejected, beta) -> list[tuple]:
    """(message key, the loss that this mistake gives), the frequent ones first."""
    from torch.nn.functional import logsigmoid

    policy, start = chosen - rejected, ref_chosen - ref_rejected
    margin = policy - start

    def mean(logits):
        return -logsigmoid(logits).mean()

    return [
        ("swapped", mean(-beta * margin)),
        ("no_reference", mean(beta * policy)),
        ("reference_added", mean(beta * (policy + start))),
        ("reference_added", mean(beta * (policy - ref_chosen - ref_rejected))),
        ("sides_added", mean(beta * (chosen + rejected - ref_chosen - ref_rejected))),
        ("no_beta", mean(margin)),
        ("bracket", mean(beta * (chosen - ref_chosen) - (rejected - ref_rejected))),
        ("bracket", mean((chosen - ref_chosen) - beta * (rejected - ref_rejected))),
        ("beta_divides", mean(margin / beta)),
        ("beta_outside", beta * mean(margin)),
        ("sign", -mean(beta * margin)),
        ("no_log", -(beta * margin).sigmoid().mean()),
        ("no_log", 1 - (beta * margin).sigmoid().mean()),
        ("no_sigmoid", -(beta * margin).mean()),
        ("mean_first", mean(beta * margin.mean())),
        ("chosen_only", mean(beta * (chosen - ref_chosen))),
        ("summed", mean(beta * margin) * len(margin)),
    ]


# ---------------------------------------------------------------- the batch


@checker("dpo.batch_loss", pure=True)
def batch_loss(answer, reference):
    import torch

    policy, start = _model(1), _model(2)
    for pairs, beta in ((2, 0.1), (3, 0.4)):
        batch = _batch(pairs, seed=pairs)
        mistakes = _batch_mistakes(reference, policy, start, batch, beta)
        with torch.no_grad():
            _loss_value(answer, reference, (policy, start, batch, beta), mistakes)
    for model in (policy, start):
        model.zero_grad(set_to_none=True)
    got = answer(policy, start, batch, beta)
    if not isinstance(got, torch.Tensor) or not got.requires_grad:
        raise Wrong("no_gradient")
    got.backward()
    if any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in start.parameters()):
        raise Wrong("reference_trains")
    mine = {name: p.grad for name, p in policy.named_parameters()}
    policy.zero_grad(set_to_none=True)
    reference(policy, start, batch, beta).backward()
    for name, parameter in policy.named_parameters():
        theirs = parameter.grad
        if mine[name] is None or not torch.allclose(mine[name], theirs, atol=1e-4):
            raise Wrong("no_gradient")


def _model(seed: int):
    """A random Llama of one layer with 24 tokens, in eval mode."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 24, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "initializer_range": 0.5}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(LlamaConfig(**sizes, **heads)).eval()


def _batch(pairs: int, seed: int) -> dict:
    """TRL's layout: all chosen rows first, then all rejected ones; prompts equal, padding right."""
    import torch

    made = torch.Generator().manual_seed(seed)
    width = 9
    names = ("input_ids", "attention_mask", "completion_mask")
    batch = {name: torch.zeros(2 * pairs, width, dtype=torch.long) for name in names}
    for row in range(2 * pairs):
        prompt = 2 + row % pairs  # the same for both answers of a pair
        end = width - (row + row // pairs) % 3
        ids = torch.randint(2, 24, (end,), generator=made)
        ids[:prompt] = torch.arange(3, 3 + prompt)
        batch["input_ids"][row, :end] = ids
        batch["attention_mask"][row, :end] = 1
        batch["completion_mask"][row, prompt:end] = 1
    return batch


def _batch_mistakes(reference, policy, start, batch, beta) -> list[tuple]:
    """(message key, the loss that this mistake gives), made with the reference itself."""
    import torch
    from torch.nn.functional import logsigmoid

    def logps(model, mask):
        ids = batch["input_ids"]
        logits = model(input_ids=ids, attention_mask=batch["attention_mask"]).logits
        steps = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
        return steps, mask[:, 1:]

    mask = batch["completion_mask"]
    pairs = len(mask) // 2
    order = torch.arange(2 * pairs)
    halves, zipped = order.roll(pairs), torch.cat([order[0::2], order[1::2]])
    everything = {**batch, "completion_mask": torch.ones_like(mask)}

    def again(rows=order, beta=beta, batch=batch):
        rows = {name: tensor[rows] for name, tensor in batch.items()}
        return reference(policy, start, rows, beta)

    with torch.no_grad():
        steps, counted = logps(policy, mask)
        alone = (steps * counted).sum(1)
        means = [(s * c).sum(1) / c.sum(1) for s, c in (logps(m, mask) for m in (policy, start))]
    margins = [(m[:pairs] - m[pairs:]) for m in (alone, means[0] - means[1])]
    with torch.no_grad():
        return [
            ("swapped", again(halves)),  # policy and reference swapped give the same number
            ("interleaved", again(zipped)),
            ("same_model", torch.tensor(math.log(2))),
            ("no_reference", -logsigmoid(beta * margins[0]).mean()),
            ("padding_counted", again(batch=everything)),
            ("averaged", -logsigmoid(beta * margins[1]).mean()),
            ("fixed_beta", again(beta=0.1)),
            ("fixed_beta", again(beta=1.0)),
        ]


def _numbers(tensor) -> str:
    return "[" + ", ".join(f"{value:.3f}" for value in tensor.tolist()) + "]"
