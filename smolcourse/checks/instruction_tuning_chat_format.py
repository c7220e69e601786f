"""Checker of 1_instruction_tuning/chat_templates: a chat format of the learner's own.

There is no right answer to compare with, so the template is judged by its properties, on
conversations made up here and with two end tokens.
"""

from itertools import groupby

from smolcourse.check import Wrong, checker, expect_type, short
from smolcourse.checks.instruction_tuning_chat import END, chat, make_tokenizer

# The answers begin with words that the checks' tokenizer joins with a space before them, so that a
# prompt that ends with a space is noticed.
TEMPLATE_CHATS = [
    chat(
        "user: My name is Ana.",
        "assistant: Hello, Ana.",
        "user: How many balls?",
        "assistant: The answer is 3.",
    ),
    chat("user: What is the capital of France?", "assistant: Paris."),
    chat("system: You are helpful.", "user:  a space, one after ", "assistant: The answer\nis 7."),
]


@checker("chat.template")
def chat_template(answer, reference):
    for end in (END, "<|endoftext|>"):
        template = expect_type(answer(end), str)
        tokenizer = make_tokenizer(template)
        for messages in TEMPLATE_CHATS:
            whole = _render(tokenizer, messages)
            _contents(whole, messages)
            if "<|im_start|>" in whole:
                raise Wrong("chatml")
            _ends(whole, messages, end)
        _roles(tokenizer)
        for messages in TEMPLATE_CHATS:
            _prompt(tokenizer, messages)
            _generation(tokenizer, messages, end)


def _render(tokenizer, messages, prompt: bool = False, tokenize: bool = False, **kwargs):
    options = {"add_generation_prompt": prompt, "tokenize": tokenize, **kwargs}
    try:
        return tokenizer.apply_chat_template(messages, **options)
    except Exception as error:
        text = f"{type(error).__name__}: {error}".rstrip(".")
        raise Wrong("jinja", error=short(_Bare(text), 120)) from None


class _Bare(str):
    def __repr__(self) -> str:
        return str(self)


def _contents(whole: str, messages: list[dict]) -> None:
    place = 0
    for message in messages:
        content = message["content"]
        count = whole.count(content)
        if count == 0:
            key = "content_stripped" if content.strip() in whole else "content_lost"
            raise Wrong(key, role=message["role"])
        if count > 1:
            raise Wrong("content_twice", role=message["role"])
        if whole.index(content) < place:
            raise Wrong("content_order")
        place = whole.index(content)


def _ends(whole: str, messages: list[dict], end: str) -> None:
    for message in messages:
        if message["role"] == "assistant" and message["content"] + end not in whole:
            raise Wrong("end_ignored" if END in whole and end != END else "end_missing", end=end)


def _roles(tokenizer) -> None:
    start = chat("user: alpha asks", "assistant: beta answers.")
    texts = {
        r: _render(tokenizer, start + chat(f"{r}: the same"))
        for r in ("system", "user", "assistant")
    }
    for one, two in (("system", "user"), ("user", "assistant"), ("system", "assistant")):
        if texts[one] == texts[two]:
            raise Wrong("same_role", one=one, two=two)


def _prompt(tokenizer, messages) -> None:
    before, whole = messages[:-1], _render(tokenizer, messages)
    closed, prompt = _render(tokenizer, before), _render(tokenizer, before, True)
    if prompt == closed:
        # Written in every case, it already stands before the answer; never written, it does not.
        always = whole.startswith(prompt + messages[-1]["content"])
        raise Wrong("prompt_always" if always else "no_generation_prompt")
    if not whole.startswith(prompt):
        raise Wrong(
            "prompt_no_prefix", prompt=short(prompt[-40:]), whole=short(whole[len(closed) :][:40])
        )
    other = _render(tokenizer, before + [{**messages[-1], "role": "user"}])
    if other.startswith(prompt):
        raise Wrong("prompt_not_committed")
    seen = _render(tokenizer, before, True, True)["input_ids"]
    trained = _render(tokenizer, messages, False, True)["input_ids"]
    if trained[: len(seen)] != seen:
        pairs = zip(seen, trained, strict=False)
        names = [tokenizer.convert_ids_to_tokens(list(p)) for p in pairs if p[0] != p[1]]
        raise Wrong("tokens_no_prefix", seen=names[0][0], trained=names[0][1])


def _generation(tokenizer, messages, end: str) -> None:
    encoded = _render(tokenizer, messages, False, True, return_assistant_tokens_mask=True)
    ids, mask = encoded["input_ids"], encoded["assistant_masks"]
    if not any(mask):
        raise Wrong("no_generation_tags")
    runs = groupby(zip(mask, ids, strict=True), key=lambda pair: pair[0])
    got = [tokenizer.decode([token for _, token in run]) for value, run in runs if value]
    contents = [m["content"] for m in messages if m["role"] == "assistant"]
    want = [content + end for content in contents]
    if got == want:
        return
    if got == contents:
        raise Wrong("end_not_masked", end=end)
    if len(got) != len(want):
        raise Wrong("mask_count", got=len(got), expected=len(want))
    for text, right in zip(got, want, strict=True):
        if text.endswith(right):
            raise Wrong("header_masked", text=short(text[: -len(right)]))
        if text.startswith(right):
            raise Wrong("too_much_masked", text=short(text[len(right) :]))
    raise Wrong("mask", got=short(got[0]), expected=short(want[0]))
