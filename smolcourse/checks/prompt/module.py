"""prompt.module: a soft prompt before a frozen model: where it starts, what the model is given."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from smolcourse.checks.core import Seen, Wrong, integers, normal

IGNORE = -100
WIDTH = 24
tolerance = 1e-4


def cases(rng):
    first = rng.randrange(3, 30)
    drawn = []
    for tokens, init_ids in (
        (21, None),
        (5, rng.sample(range(3, 40), 2)),
        (2, [first, first + 1, first + 2]),  # side by side: a slice of the table would do
        (3, rng.sample(range(3, 40), 3)),
    ):
        ids = integers(rng, 3, 40, 2, 5)
        mask = torch.ones(2, 5, dtype=torch.int64)
        ids[1, :2] = mask[1, :2] = 0  # padded on the left, where a forgotten mask shows
        labels = ids.clone()
        labels[0, :2] = labels[1, :3] = IGNORE
        drawn.append(
            {
                "seed": rng.getrandbits(30),
                "tokens": tokens,
                "init_ids": init_ids,
                "prompt": normal(rng, tokens, WIDTH),
                "batch": (ids, mask, labels),
            }
        )
    return drawn


def observe(answer, case):
    model, tokens = _model(case["seed"]), case["tokens"]
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    table = model.get_input_embeddings().weight
    words = table.detach().clone()
    ids = [] if case["init_ids"] is None else [case["init_ids"]]
    made = answer(model, tokens, *ids)
    _look(made, tokens, random=not ids)
    start = [_which(row, words) for row in made.prompt.detach()]
    with torch.no_grad():
        made.prompt.copy_(case["prompt"])
    seen = Seen(start_order=start, shares_memory=table.detach().clone())
    return Seen(seen, **_run(made, model, kept, *case["batch"]))


def _model(seed):
    """A small random Llama with grouped-query attention and weights large enough to matter."""
    config = LlamaConfig(
        vocab_size=40, hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=64,
        pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.copy_(0.16 * torch.randn(parameter.shape, generator=drawn))
    return model


def _which(row, words):
    """The id whose embedding a virtual token starts from; None if there is none."""
    return next((i for i, word in enumerate(words) if torch.equal(row, word)), None)


def _look(made, tokens: int, random: bool) -> None:
    """One trainable parameter of the right shape, and nothing else trains; or Wrong."""
    if not isinstance(made, torch.nn.Module):
        raise Wrong("not_module", got=type(made).__name__)
    prompt = getattr(made, "prompt", None)
    if prompt is None:
        raise Wrong("no_prompt")
    if not any(prompt is p for p in made.parameters()):
        raise Wrong("not_parameter", got=type(prompt).__name__)
    if tuple(prompt.shape) != (tokens, WIDTH):
        raise Wrong("prompt_shape", got=tuple(prompt.shape), expected=(tokens, WIDTH))
    if not prompt.requires_grad:
        raise Wrong("prompt_frozen")
    trained = [name for name, p in made.named_parameters() if p.requires_grad and p is not prompt]
    if trained:
        raise Wrong("base_not_frozen", count=len(trained), name=trained[0])
    if random and bool((prompt == prompt.flatten()[0]).all()):
        raise Wrong("prompt_constant")
    if random and not 0.7 < float(prompt.std()) < 1.4:
        raise Wrong("not_normal", got=f"{float(prompt.std()):.2f}")


def _run(made, model, kept, ids, mask, labels) -> dict:
    """What is computed with labels and without; of logits only those of the text's own tokens."""
    try:
        output = made(ids.clone(), mask.clone(), labels.clone())
    except ValueError as error:  # torch: "Expected input batch_size ... to match target batch_size"
        if "batch_size" in str(error):
            raise Wrong("labels_not_extended") from error
        raise
    logits, loss = getattr(output, "logits", None), getattr(output, "loss", None)
    if logits is None:
        raise Wrong("not_output", got=type(output).__name__)
    shape = tuple(logits.shape)
    if len(shape) != 3 or shape[1] < ids.shape[1]:
        return {"logits_shape": shape}
    changed = [name for name, value in model.state_dict().items() if not kept[name].equal(value)]
    slope = None
    if loss is not None and loss.requires_grad and not changed:
        slope = torch.autograd.grad(loss, made.prompt, allow_unused=True)[0]
    try:
        bare = getattr(made(ids.clone(), mask.clone()), "loss", None) is None
    except (AttributeError, TypeError):  # of None
        bare = "stopped"
    return {
        "logits_shape": shape,
        "logits_value": logits[:, -ids.shape[1] :][mask.bool()],
        "no_loss": loss is None,
        "loss_value": loss,
        "model_changed": changed,
        "no_gradient": slope,
        "labels_may_be_none": bare == "stopped",
        "loss_without_labels": bare,
    }


def _start(start):
    """A mistake: given init_ids, the prompt starts as `start(their embeddings, right start)`."""

    def make(right):
        class Soft(right):
            def __init__(self, model, tokens, init_ids=None):
                super().__init__(model, tokens, init_ids)
                if init_ids:
                    table = model.get_input_embeddings().weight.detach()
                    self.prompt.data = start(table[init_ids], self.prompt.data)

        return Soft

    return make


def _given(change):
    """A mistake: the model is given other inputs, `change(inputs, virtual tokens, input_ids)`."""

    def make(right):
        class Soft(right):
            def forward(self, input_ids, attention_mask, labels=None):
                def replace(module, args, inputs):
                    return args, inputs | change(inputs, len(self.prompt), input_ids)

                hook = self.model.register_forward_pre_hook(replace, with_kwargs=True)
                try:
                    return super().forward(input_ids, attention_mask, labels)
                finally:
                    hook.remove()

        return Soft

    return make


def _labels(change):
    """A mistake: the model is given the labels `change(labels, virtual tokens, input_ids)`."""

    def replaced(inputs, n, ids):
        labels = inputs["labels"]
        return {} if labels is None else {"labels": change(labels.clone(), n, ids)}

    return _given(replaced)


def _no_prompt(right):
    def forward(self, input_ids, attention_mask, labels=None):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, labels=labels)

    return type("Soft", (right,), {"forward": forward})


def _front(labels, n, value):
    labels[:, :n] = value
    return labels


mistakes = {
    "start_ignored": _start(lambda rows, right: torch.randn_like(right)),
    "not_repeated": _start(lambda rows, right: torch.cat([rows, right + 1])[: len(right)]),
    "prompt_missing": _no_prompt,
    "mask_not_extended": _given(lambda x, n, _: {"attention_mask": x["attention_mask"][:, n:]}),
    "padding_not_masked": _given(lambda x, n, _: {"attention_mask": None}),
    "prompt_masked": _given(
        lambda x, n, _: {"attention_mask": _front(x["attention_mask"].clone(), n, 0)}
    ),
    "prompt_behind": _given(
        lambda x, n, _: {name: x[name].roll(-n, 1) for name in ("inputs_embeds", "attention_mask")}
    ),
    "virtual_carry_loss": [
        _labels(lambda y, n, _: _front(y, n, 0)),
        _labels(lambda y, n, ids: _front(y, n, ids[:, :1])),
    ],
    "labels_behind": _labels(lambda y, n, _: y.roll(-n, 1)),
    "prompt_carries_loss": _labels(
        lambda y, n, ids: torch.cat([y[:, :n], ids.masked_fill(ids == 0, IGNORE)], 1)
    ),
    "shifted_twice": _labels(lambda y, n, _: y.roll(-1, 1)),
    "no_gradient": _given(lambda x, n, _: {"inputs_embeds": x["inputs_embeds"].detach()}),
}
