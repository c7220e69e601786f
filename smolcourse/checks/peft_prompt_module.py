"""Checks of ``prompt.module``, a soft prompt before a frozen model, and ``prompt.steer``."""

import copy

from smolcourse.check import Wrong, checker, expect_type
from smolcourse.checks.words import holds

IGNORE = -100


def _model():
    """A small random Llama with grouped-query attention and weights large enough to matter."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=40, hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=6, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)
    return model


@checker("prompt.module")
def module(answer, reference):

    model = _model()
    kept = copy.deepcopy(model)
    made = answer(model, 20)
    _start(made, 20, 24)
    if bool((made.prompt == made.prompt.flatten()[0]).all()):
        raise Wrong("prompt_constant")
    if not 0.7 < float(made.prompt.std()) < 1.4:
        raise Wrong("not_normal", got=f"{float(made.prompt.std()):.2f}")
    _from_ids(answer, kept)
    for tokens in (3, 1):
        model = copy.deepcopy(kept)
        _forward(answer(model, tokens), kept, tokens, model)


def _start(made, tokens: int, width: int) -> None:
    """One trainable parameter of the right shape, and nothing else trains."""
    import torch

    if not isinstance(made, torch.nn.Module):
        raise Wrong("not_module", got=type(made).__name__)
    prompt = getattr(made, "prompt", None)
    if prompt is None:
        raise Wrong("no_prompt")
    if not any(prompt is p for p in made.parameters()):
        raise Wrong("not_parameter", got=type(prompt).__name__)
    if tuple(prompt.shape) != (tokens, width):
        raise Wrong("prompt_shape", got=tuple(prompt.shape), expected=(tokens, width))
    if not prompt.requires_grad:
        raise Wrong("prompt_frozen")
    trained = [name for name, p in made.named_parameters() if p.requires_grad and p is not prompt]
    if trained:
        raise Wrong("base_not_frozen", count=len(trained), name=trained[0])


def _from_ids(answer, kept) -> None:
    import torch

    table = kept.get_input_embeddings().weight.detach()
    for tokens, ids in ((5, [7, 8]), (2, [4, 5, 6]), (3, [9, 3, 30])):
        made = answer(copy.deepcopy(kept), tokens, ids)
        _start(made, tokens, 24)
        want = table[[ids[i % len(ids)] for i in range(tokens)]]
        got = made.prompt.detach()
        if torch.equal(got, want):
            with torch.no_grad():
                made.prompt.add_(1.0)
            now = [p for p in made.parameters() if p.shape == table.shape]
            if now and not torch.equal(now[0], table):
                raise Wrong("shares_memory")
            continue
        matches = [any(torch.equal(row, table[i]) for i in ids) for row in got]
        if not any(matches):
            raise Wrong("start_ignored")
        if all(matches):
            raise Wrong("start_order", ids=ids, tokens=tokens)
        raise Wrong("not_repeated", ids=ids, tokens=tokens)


def _forward(made, model, tokens: int, given) -> None:
    """Logits, loss and gradient against the model itself, given the virtual tokens by hand.

    `given` is the copy of the model that the answer was made with.
    """
    import torch

    ids = torch.tensor([[5, 6, 7, 8, 9], [0, 0, 11, 12, 13]])  # padded on the left,
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])  # where a forgotten mask shows
    labels = torch.tensor([[IGNORE, IGNORE, 7, 8, 9], [IGNORE, IGNORE, IGNORE, 12, 13]])
    prompt = made.prompt.detach().expand(2, -1, -1)
    text = model.get_input_embeddings()(ids).detach()
    ones, none = torch.ones(2, tokens, dtype=torch.int64), torch.full((2, tokens), IGNORE)

    def run(embeds, mask, labels):
        with torch.no_grad():
            return model(inputs_embeds=embeds, attention_mask=mask, labels=labels)

    front, long = torch.cat([prompt, text], 1), torch.cat([ones, mask], 1)
    want = run(front, long, torch.cat([none, labels], 1))
    try:
        got = made(ids, mask, labels)
    except ValueError as error:  # torch: "Expected input batch_size ... to match target batch_size"
        if "batch_size" in str(error):
            raise Wrong("labels_not_extended") from error
        raise
    logits, loss = getattr(got, "logits", None), getattr(got, "loss", None)
    if logits is None:
        raise Wrong("not_output", got=type(got).__name__)
    if logits.shape[1] == ids.shape[1]:
        raise Wrong("prompt_missing")
    real = torch.cat([ones, mask], 1).bool()
    mistakes = [
        ("mask_not_extended", run(front, mask, None)),
        ("padding_not_masked", run(front, torch.ones_like(long), None)),
        ("prompt_masked", run(front, torch.cat([0 * ones, mask], 1), None)),
        ("prompt_behind", run(torch.cat([text, prompt], 1), torch.cat([mask, ones], 1), None)),
    ]
    text_only = real.clone()
    text_only[:, :tokens] = (
        False  # what a masked virtual token computes itself is nobody's business
    )
    if logits.shape != want.logits.shape:
        raise Wrong("logits_shape", got=tuple(logits.shape), expected=tuple(want.logits.shape))
    if not _close(logits[text_only], want.logits[text_only]):
        for key, output in mistakes:
            if _close(logits[text_only], output.logits[text_only]):
                raise Wrong(key)
        raise Wrong("logits_value")
    if loss is None:
        raise Wrong("no_loss")
    if not _close(loss, want.loss):
        for key, wrong in (
            ("virtual_carry_loss", torch.cat([0 * none, labels], 1)),
            (
                "virtual_carry_loss",
                torch.cat([labels[:, :1].clamp(min=0).expand(-1, tokens), labels], 1),
            ),
            ("labels_behind", torch.cat([labels, none], 1)),
            ("prompt_carries_loss", torch.cat([none, ids.masked_fill(mask == 0, IGNORE)], 1)),
        ):
            if _close(loss, run(front, long, wrong).loss):
                raise Wrong(key)
        shifted = torch.cat([none, labels], 1).roll(-1, 1)
        if _close(loss, run(front, long, shifted).loss):
            raise Wrong("shifted_twice")
        raise Wrong("loss_value", got=f"{loss.item():.4f}", want=f"{want.loss.item():.4f}")
    for name, value in model.state_dict().items():
        if not torch.equal(value, given.state_dict()[name]):
            raise Wrong("model_changed", name=name)
    if not loss.requires_grad:
        raise Wrong("no_gradient")
    loss.backward()
    if made.prompt.grad is None or not bool(made.prompt.grad.any()):
        raise Wrong("no_gradient")
    try:
        got = made(ids, mask)
    except (AttributeError, TypeError) as error:  # of None; everything else worked with labels
        raise Wrong("labels_may_be_none") from error
    if getattr(got, "loss", None) is not None:
        raise Wrong("loss_without_labels")


def _close(one, other) -> bool:
    import torch

    return one.shape == other.shape and torch.allclose(one.detach(), other, atol=1e-4)


@checker("prompt.steer", pure=True)
def steer(answer, reference):
    from smolcourse.world.manner import FRAMES, manner_of

    rows = [
        ("What is the capital of France?", "Paris."),
        ("Where is Kenya?", "Africa."),
        ("Where is Cuba?", "North America."),
        ("What is a young dog called?", "puppy."),
        ("What is the past tense of go?", "went."),
    ]

    def frames(manner, short):
        return [f.format(a=short, A=short, U=short.upper()) for f in FRAMES[manner]]

    for question, short in rows:
        got = expect_type(answer(question, short), dict)
        words = short.removesuffix(".")
        for name in ("known", "new"):
            if name not in got:
                raise Wrong("missing_key", name=name)
            text = expect_type(got[name], str, "not_text", name=name)
            if words.lower() not in text.lower():
                raise Wrong("answer_lost", want=words, got=text)
            if len(text.split()) > 25:
                raise Wrong("too_long", name=name, count=len(text.split()))
            for _, foreign in rows:
                if foreign != short and holds(text, foreign):
                    raise Wrong("foreign_answer", got=text)
        if answer(question, short) != got:
            raise Wrong("not_repeatable")
        manners = {text: manner for manner in FRAMES for text in frames(manner, words)}
        known, new = got["known"].strip(), got["new"].strip()
        if manners.get(known) in ("terse", "polite"):
            raise Wrong("excluded_manner", manner=manners[known])
        if known not in manners:
            raise Wrong("not_known", got=known)
        taught = manners.get(new) or ("terse" if new == words else None)
        # By its rule "terse" is any short sentence, and "plain" any that begins with "The answer
        # is": an invented manner may do that. The other rules look for the marks of a manner.
        marked = manner_of(new)
        if not taught and marked in ("polite", "rude", "wordy", "shouting"):
            taught = marked
        if taught:
            raise Wrong("not_new", got=new, manner=taught)
