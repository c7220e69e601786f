"""Wrong and right answers to chat.split."""

from answers import answers

from smolcourse import reference
from smolcourse.checks.chat.common import ids_of

wrong, right, good = answers("chat.split")


def split_with(prompt_of=None, answer_of=None):
    """`prompt_of(tokenizer, messages, prompt, whole)`, `answer_of(...)` replace the right lists."""

    def split(tokenizer, messages):
        prompt, whole = ids_of(tokenizer, messages[:-1], prompt=True), ids_of(tokenizer, messages)
        if whole[: len(prompt)] != prompt:
            raise ValueError("no prefix")
        answer = whole[len(prompt) :]
        arguments = (tokenizer, messages, prompt, whole)
        return (
            prompt_of(*arguments) if prompt_of else prompt,
            answer_of(*arguments) if answer_of else answer,
        )

    return split


def by_text_length(tokenizer, messages):
    whole = ids_of(tokenizer, messages)
    text = tokenizer.decode(ids_of(tokenizer, messages[:-1], prompt=True))
    return whole[: len(text)], whole[len(text) :]


def own_markup(tokenizer, messages):
    render = reference.load("chat.render")
    prompt = tokenizer(render(messages[:-1], True), add_special_tokens=False)["input_ids"]
    return prompt, tokenizer(render(messages), add_special_tokens=False)["input_ids"][len(prompt) :]


def unguarded(tokenizer, messages):
    prompt = ids_of(tokenizer, messages[:-1], prompt=True)
    return prompt, ids_of(tokenizer, messages)[len(prompt) :]


def without_prompt(tokenizer, messages):
    prompt = ids_of(tokenizer, messages[:-1])
    return prompt, ids_of(tokenizer, messages)[len(prompt) :]


def dictionaries(tokenizer, messages):
    """Compares two dictionaries of the tokenizer, which are never equal."""
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(messages)
    if whole[: len(prompt)] != prompt:
        raise ValueError("the training text does not begin with the prompt")
    return prompt["input_ids"], whole["input_ids"][len(prompt["input_ids"]) :]


def silent(tokenizer, messages):
    """Right, but its error says nothing."""
    prompt, whole = ids_of(tokenizer, messages[:-1], prompt=True), ids_of(tokenizer, messages)
    if whole[: len(prompt)] != prompt:
        raise ValueError
    return prompt, whole[len(prompt) :]


def plain_ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


wrong("no_generation_prompt")(without_prompt)
wrong("text_length")(by_text_length)
wrong("template_ignored")(own_markup)
wrong("no_error")(unguarded)
wrong("refused")(dictionaries)
right(silent)
wrong("end_lost")(split_with(answer_of=lambda t, m, p, w: plain_ids(t, m[-1]["content"])))
wrong("spaces_changed")(
    split_with(answer_of=lambda t, m, p, w: plain_ids(t, " " + t.decode(w[len(p) :])))
)
wrong("batch_encoding")(
    lambda t, m: (
        t.apply_chat_template(m[:-1], add_generation_prompt=True),
        t.apply_chat_template(m),
    )
)
wrong("text_not_ids")(lambda t, m: (t.apply_chat_template(m, tokenize=False), ""))
wrong("inside_type")(lambda t, m: ([True], [1.5]))
wrong("inside_type")(lambda t, m: ([1], None))
wrong("none")(lambda t, m: None)


@right
def by_text(tokenizer, messages):
    options = {"tokenize": False}
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, **options)
    whole = tokenizer.apply_chat_template(messages, **options)
    ids, all_ids = plain_ids(tokenizer, prompt), plain_ids(tokenizer, whole)
    if all_ids[: len(ids)] != ids:
        raise ValueError("not a prefix")
    return [ids, all_ids[len(ids) :]]  # a list of two is a pair too


@right
def with_tensors(tokenizer, messages):
    prompt = tokenizer.apply_chat_template(
        messages[:-1], add_generation_prompt=True, return_tensors="pt"
    )["input_ids"][0]
    whole = tokenizer.apply_chat_template(messages, return_tensors="pt")["input_ids"][0]
    if whole[: len(prompt)].tolist() != prompt.tolist():
        raise ValueError("not a prefix")
    return prompt.tolist(), whole[len(prompt) :].tolist()
