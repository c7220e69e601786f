"""Batched text generation for chats and raw prompts: padded on the left, greedy by default.

How generation works is taught in `7_inference/inference_pipeline`; before that, lessons need
many answers quickly, and the mistakes that this file avoids (padding on the right, running
past the end of the turn) would distract.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from smolcourse import clock
from smolcourse.batches import by_length, padded
from smolcourse.chatml import END_OF_TURN
from smolcourse.chats import in_order, tools_in_order
from smolcourse.errors import CourseError

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer


def _as_messages(conversation) -> list[dict]:
    if isinstance(conversation, str):
        return [{"role": "user", "content": conversation}]
    if isinstance(conversation, Sequence) and all(
        isinstance(message, dict) and "role" in message for message in conversation
    ):
        return list(conversation)
    raise CourseError(
        "A conversation must be a string or a list of {{'role', 'content'}} messages, not {conversation}.",
        conversation=type(conversation).__name__,
    )


def _as_batch(prompts, what: str) -> list:
    if isinstance(prompts, str) or (
        isinstance(prompts, Sequence) and prompts and isinstance(prompts[0], dict)
    ):
        raise CourseError("Give a list of {what}s, even for one {what}: [{what}].", what=what)
    return list(prompts)


def end_ids(model: Model, tokenizer: Tokenizer) -> list[int]:
    """The token ids at which an answer ends: the model's and tokenizer's eos, and `<|im_end|>`.

    A base model ends a text with `<|endoftext|>`, a chat model ends a turn with
    `<|im_end|>`; while one is being turned into the other, either may come.
    """
    ids = set()
    for value in (getattr(model.generation_config, "eos_token_id", None), tokenizer.eos_token_id):
        if value is not None:
            ids |= set(value) if isinstance(value, (list, tuple)) else {int(value)}
    turn = tokenizer.get_vocab().get(END_OF_TURN)
    if turn is not None:
        ids.add(turn)
    return sorted(ids)


def turn_end_ids(model: Model, tokenizer: Tokenizer) -> list[int]:
    """The token ids that end a chat turn: `<|im_end|>` where the tokenizer has it, else `end_ids`.

    A chat program waits for the end of the turn. A base model that writes `<|endoftext|>` has
    ended a document, not its turn, and goes on with the next document.
    """
    turn = tokenizer.get_vocab().get(END_OF_TURN)
    return [turn] if turn is not None else end_ids(model, tokenizer)


def chat(
    model: Model,
    tokenizer: Tokenizer,
    conversations,
    max_new_tokens: int = 32,
    tools: list | None = None,
    add_generation_prompt: bool = True,
    do_sample: bool = False,
    batch_size: int = 64,
    progress: bool = False,
    return_ended: bool = False,
    template_kwargs: dict | None = None,
    **kw,
) -> Any:
    """Answers to conversations: a list of strings, in the order given.

    `conversations`: list of message lists (`[{"role": ..., "content": ...}, ...]`) or of plain
    user strings. Answers are cut at the end of the turn. With `return_ended=True` returns
    `(texts, ended)`, where `ended[i]` says that the model ended answer i by itself within
    `max_new_tokens` tokens. `add_generation_prompt=False` shows what a model does when it is
    not told that it is its turn. Other keyword arguments go to `model.generate`.

    Messages and tools may be written as datasets and SDKs write them, see `chats.in_order`.

    Raises `CourseError` for a tokenizer without a chat template and for anything that is not
    a conversation. Introduced in `1_instruction_tuning/chat_templates`; format: ChatML as in
    the Transformers documentation, "Chat templates".
    """
    conversations = [_as_messages(c) for c in _as_batch(conversations, "conversation")]
    if tokenizer.chat_template is None:
        raise CourseError(
            "This tokenizer has no chat template; use generate.complete for raw text, "
            "or set tokenizer.chat_template first."
        )
    # Once more for tokenizers that `models.load_tokenizer` did not load.
    tools = tools_in_order(tools)
    prompts = [
        tokenizer.apply_chat_template(
            in_order(messages),
            tools=tools,
            add_generation_prompt=add_generation_prompt,
            tokenize=False,
            **(template_kwargs or {}),
        )
        for messages in conversations
    ]
    return complete(
        model,
        tokenizer,
        prompts,
        max_new_tokens=max_new_tokens,
        do_sample=do_sample,
        batch_size=batch_size,
        progress=progress,
        return_ended=return_ended,
        stop_ids=turn_end_ids(model, tokenizer),
        **kw,
    )


def complete(
    model: Model,
    tokenizer: Tokenizer,
    prompts,
    max_new_tokens: int = 32,
    do_sample: bool = False,
    batch_size: int = 64,
    progress: bool = False,
    return_ended: bool = False,
    skip_special_tokens: bool = True,
    stop_ids: list[int] | None = None,
    **kw,
) -> Any:
    """Continuations of raw texts: a list of strings without the prompts, in the order given.

    Prompts are tokenised as they are (no special tokens added). Sorted by length inside, so
    that a batch wastes little on padding; the padding side is left, and the answer of a
    prompt does not depend on its neighbours. `stop_ids` are the token ids that end a text
    (default: `end_ids`). Returns `(texts, ended)` with
    `return_ended=True`; see `chat`. Raises `CourseError` for anything but a list of strings.
    Introduced in `1_instruction_tuning/chat_templates`.
    """
    import torch

    prompts = _as_batch(prompts, "prompt")
    if not all(isinstance(prompt, str) for prompt in prompts):
        raise CourseError("Prompts must be strings; use generate.chat for lists of messages.")
    if batch_size < 1 or max_new_tokens < 1:
        raise CourseError("batch_size and max_new_tokens must be at least 1.")
    ends = end_ids(model, tokenizer) if stop_ids is None else list(stop_ids)
    pad = tokenizer.pad_token_id
    if pad is None:
        pad = ends[0] if ends else 0
    ids = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
    # Generation needs one token to start from; an empty prompt starts as a new text does.
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else pad
    ids = [row or [start] for row in ids]

    options = {"do_sample": do_sample, "max_new_tokens": max_new_tokens, "pad_token_id": pad}
    if ends:
        options["eos_token_id"] = ends
    if not do_sample:
        # A checkpoint's sampling defaults would only cause warnings here.
        options |= {"temperature": None, "top_p": None, "top_k": None}
    options |= kw

    texts: list[str] = [""] * len(ids)
    ended = [False] * len(ids)
    with _generating(model):
        for batch in _track(by_length(ids, batch_size), progress):
            rows, mask = padded([ids[index] for index in batch], pad, "left", model.device)
            with torch.no_grad():
                output = model.generate(input_ids=rows, attention_mask=mask, **options)
            answers = output[:, rows.shape[1] :].tolist()
            for index, row in zip(batch, answers, strict=True):
                stop = next((at for at, token in enumerate(row) if token in ends), None)
                ended[index] = stop is not None
                texts[index] = tokenizer.decode(row[:stop], skip_special_tokens=skip_special_tokens)
    return (texts, ended) if return_ended else texts


def _track(batches: list, progress: bool):
    if not progress:
        return batches
    from tqdm.auto import tqdm

    return tqdm(batches, desc="generating", leave=False)


@contextmanager
def _generating(model: Model):
    """Eval mode and the key-value cache while generating, as before afterwards; timed.

    A model that was just trained is in train mode (dropout) and often has its cache off.
    """
    training, cache = model.training, getattr(model.config, "use_cache", None)
    model.eval()
    if cache is False:
        model.config.use_cache = True
    try:
        with clock.current().timed("generate"):
            yield
    finally:
        model.train(training)
        if cache is False:
            model.config.use_cache = False
