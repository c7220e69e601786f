"""chat.template: a format of the learner's own, judged by its properties.

There is no right answer to compare with: conversations are rendered here, with two end tokens.
"""

from itertools import groupby

from smolcourse.checks.chat.common import END, chat, make_tokenizer
from smolcourse.checks.core import Wrong, expect_type, short
from smolcourse.checks.core.observe import error_facts


def cases(rng):
    # The answers begin with words that the tokenizer joins with a space before them, so that a
    # prompt that ends with a space is noticed.
    name = rng.choice(["Ana", "Rome", "Italy"])
    chats = [
        chat(f"user: My name is {name}.", f"assistant: Hello, {name}, dear.", "user: How many balls?",
             "assistant: The answer is 3."),
        chat("user: What is the capital of France?", "assistant: Paris."),
        chat("system: You are helpful.", "user:  a space, one after ", "assistant: The answer\nis 7."),
    ]  # fmt: skip
    return [(end, chats) for end in (END, "<|endoftext|>")]


def observe(answer, case):
    """Everything that is asked of a template is looked at here: there is nothing to compare with."""
    end, chats = case
    tokenizer = make_tokenizer(expect_type(answer(end), str))
    for messages in chats:
        whole = _render(tokenizer, messages)
        _contents(whole, messages)
        if "<|im_start|>" in whole:
            raise Wrong("chatml")
        _ends(whole, messages, end)
    _roles(tokenizer)
    for messages in chats:
        _prompt(tokenizer, messages)
        _generation(tokenizer, messages, end)
    return "a template"


def _rewritten(before, after):
    """A mistake: a piece of the right template replaced."""
    return lambda right, end: right(end).replace(before, after)


def _render(tokenizer, messages, prompt: bool = False, tokenize: bool = False, **kwargs):
    options = {"add_generation_prompt": prompt, "tokenize": tokenize, **kwargs}
    try:
        return tokenizer.apply_chat_template(messages, **options)
    except Exception as error:
        raise Wrong("jinja", error=error_facts(error)["error"]) from None


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


mistakes = {
    "no_generation_prompt": _rewritten("{% if add_generation_prompt %}", "{% if false %}"),
    "prompt_always": _rewritten("{% if add_generation_prompt %}", "{% if true %}"),
    "no_generation_tags": lambda right, end: (
        right(end).replace("{% generation %}", "").replace("{% endgeneration %}", "")
    ),
    "content_lost": _rewritten("message['content']", "'...'"),
    "content_stripped": _rewritten("message['content']", "(message['content'] | trim)"),
    "content_twice": _rewritten("message['content']", "message['content'] + message['content']"),
    "content_order": _rewritten("in messages %}", "in messages | reverse %}"),
    "end_ignored": lambda right, end: right(END),
    "jinja": lambda right, end: "{% for message in messages %}",
}
