"""Wrong and right answers to chat.render, chat.split and chat.mask, as learners write them."""

import torch  # noqa: F401 (a check's time limit is not for imports)

from answers import Answers
from smolcourse.checks.instruction_tuning_chat import ids_of, make_tokenizer

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- chat.render


def rendered(
    role_break="\n", end="<|im_end|>", end_break="\n", prompt="<|im_start|>assistant\n", strip=False
):
    """A renderer with one detail changed."""

    def render(messages, add_generation_prompt=False):
        text = ""
        for m in messages:
            content = m["content"].strip() if strip else m["content"]
            text += f"<|im_start|>{m['role']}{role_break}{content}{end}{end_break}"
        return text + (prompt if add_generation_prompt else "")

    return render


def only_last(messages, add_generation_prompt=False):
    return rendered()(messages[-1:], add_generation_prompt)


def without_system(messages, add_generation_prompt=False):
    return rendered()([m for m in messages if m["role"] != "system"], add_generation_prompt)


def default_system(messages, add_generation_prompt=False):
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": "You are SmolLM."}, *messages]
    return rendered()(messages, add_generation_prompt)


def open_last(messages, add_generation_prompt=False):
    text = rendered()(messages).removesuffix("<|im_end|>\n")
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")


def joined(messages, add_generation_prompt=False):
    parts = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>" for m in messages]
    return "\n".join(parts + ["<|im_start|>assistant"] * add_generation_prompt)


wrong("chat.render", "no_generation_prompt")(
    lambda messages, add_generation_prompt=False: rendered()(messages)
)
wrong("chat.render", "always_generation_prompt")(
    lambda m, add_generation_prompt=False: rendered()(m, True)
)
wrong("chat.render", "prompt_closed")(rendered(prompt="<|im_start|>assistant\n<|im_end|>\n"))
wrong("chat.render", "no_break_after_role")(rendered(role_break=""))
wrong("chat.render", "no_break_after_role")(rendered(role_break=" "))
wrong("chat.render", "no_break_after_end")(rendered(end_break=""))
wrong("chat.render", "end_missing")(rendered(end=""))
wrong("chat.render", "stripped")(rendered(strip=True))
wrong("chat.render", "last_break_lost")(rendered(prompt="<|im_start|>assistant"))
wrong("chat.render", "last_break_lost")(joined)
wrong("chat.render", "last_turn_open")(open_last)
wrong("chat.render", "turn_lost")(only_last)
wrong("chat.render", "system_lost")(without_system)
wrong("chat.render", "default_system")(default_system)
wrong("chat.render", "return_type")(lambda messages, add_generation_prompt=False: messages)
wrong("chat.render", "none")(lambda messages, add_generation_prompt=False: None)
wrong("chat.render", "exception")(lambda messages: rendered()(messages))


@right("chat.render")
def jinja(messages, add_generation_prompt=False):
    tokenizer = make_tokenizer()
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=add_generation_prompt
    )


@right("chat.render")
def by_list(messages, add_generation_prompt=False):
    pieces = []
    for m in [*messages]:
        pieces += ["<|im_start|>", m["role"], "\n", m["content"], "<|im_end|>", "\n"]
    if add_generation_prompt:
        pieces.append("<|im_start|>assistant\n")
    return "".join(pieces)


# ---------------------------------------------------------------- chat.split


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
    render = rendered()
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


wrong("chat.split", "no_generation_prompt")(without_prompt)
wrong("chat.split", "text_length")(by_text_length)
wrong("chat.split", "template_ignored")(own_markup)
wrong("chat.split", "no_error")(unguarded)
wrong("chat.split", "refused")(dictionaries)
right("chat.split")(silent)
wrong("chat.split", "answer_in_prompt")(split_with(prompt_of=lambda t, m, p, w: w))
wrong("chat.split", "answer_in_prompt")(
    split_with(prompt_of=lambda t, m, p, w: ids_of(t, m, prompt=True))
)
wrong("chat.split", "prompt_ids")(split_with(prompt_of=lambda t, m, p, w: p[1:]))
wrong("chat.split", "answer_is_whole")(split_with(answer_of=lambda t, m, p, w: w))
wrong("chat.split", "line_break_lost")(split_with(answer_of=lambda t, m, p, w: w[len(p) : -1]))
wrong("chat.split", "end_lost")(
    split_with(answer_of=lambda t, m, p, w: plain_ids(t, m[-1]["content"]))
)
wrong("chat.split", "extra_special_tokens")(
    split_with(answer_of=lambda t, m, p, w: [0, *w[len(p) :]])
)
wrong("chat.split", "extra_special_tokens")(
    split_with(answer_of=lambda t, m, p, w: ids_of(t, m[-1:]))
)
wrong("chat.split", "spaces_changed")(
    split_with(answer_of=lambda t, m, p, w: plain_ids(t, " " + t.decode(w[len(p) :])))
)
wrong("chat.split", "answer_ids")(split_with(answer_of=lambda t, m, p, w: w[len(p) + 1 :]))
wrong("chat.split", "batch_encoding")(
    lambda t, m: (
        t.apply_chat_template(m[:-1], add_generation_prompt=True),
        t.apply_chat_template(m),
    )
)
wrong("chat.split", "text_not_ids")(lambda t, m: (t.apply_chat_template(m, tokenize=False), ""))
wrong("chat.split", "not_a_pair")(lambda t, m: ids_of(t, m))
wrong("chat.split", "inside_type")(lambda t, m: ([True], [1.5]))
wrong("chat.split", "inside_type")(lambda t, m: ([1], None))
wrong("chat.split", "none")(lambda t, m: None)


@right("chat.split")
def by_text(tokenizer, messages):
    options = {"tokenize": False}
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, **options)
    whole = tokenizer.apply_chat_template(messages, **options)
    ids, all_ids = plain_ids(tokenizer, prompt), plain_ids(tokenizer, whole)
    if all_ids[: len(ids)] != ids:
        raise ValueError("not a prefix")
    return [ids, all_ids[len(ids) :]]  # a list of two is a pair too


@right("chat.split")
def with_tensors(tokenizer, messages):
    prompt = tokenizer.apply_chat_template(
        messages[:-1], add_generation_prompt=True, return_tensors="pt"
    )["input_ids"][0]
    whole = tokenizer.apply_chat_template(messages, return_tensors="pt")["input_ids"][0]
    if whole[: len(prompt)].tolist() != prompt.tolist():
        raise ValueError("not a prefix")
    return prompt.tolist(), whole[len(prompt) :].tolist()


# ---------------------------------------------------------------- chat.mask


def library_mask(tokenizer, messages):
    encoded = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True)
    return encoded["assistant_masks"]


def scanning(tokenizer, messages):
    """Right for ChatML: walk over the ids, note who is speaking."""
    ids = ids_of(tokenizer, messages)
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    header = ids_of(tokenizer, messages[:1], prompt=True)
    header = header[len(header) - header[::-1].index(start) - 1 :]
    mask, position, writing = [], 0, False
    while position < len(ids):
        if ids[position : position + len(header)] == header:
            mask += [0] * len(header)
            position += len(header)
            writing = True
            continue
        mask.append(int(writing))
        writing = writing and ids[position] != end
        position += 1
    return mask


def changed(change):
    """`change(tokenizer, messages, mask, ids)` of the right mask."""
    return lambda t, m: change(t, m, library_mask(t, m), ids_of(t, m))


def last_turn(t, m, mask, ids):
    kept, seen_one, done = [], False, False
    for value in reversed(mask):
        done = done or (seen_one and not value)
        kept.append(0 if done else value)
        seen_one = seen_one or bool(value)
    return kept[::-1]


def without_end(t, m, mask, ids):
    end = t.convert_tokens_to_ids("<|im_end|>")
    return [0 if token == end else value for value, token in zip(mask, ids, strict=True)]


def with_break(t, m, mask, ids):
    return [int(v or (i and mask[i - 1])) for i, v in enumerate(mask)]


def with_header(t, m, mask, ids):
    start, wide = t.convert_tokens_to_ids("<|im_start|>"), list(mask)
    for i, value in enumerate(mask):
        if value and not mask[i - 1]:
            j = i
            while ids[j] != start:
                j -= 1
                wide[j] = 1
    return wide


def four_token_header(t, m, mask, ids):
    """The length of the header as it is with another tokenizer."""
    starts = [i for i, v in enumerate(mask) if v and not mask[i - 1]]
    return [0 if any(s <= i < s + 1 for s in starts) else v for i, v in enumerate(mask)]


wrong("chat.mask", "only_last_turn")(changed(last_turn))
wrong("chat.mask", "header_has_loss")(changed(with_header))
wrong("chat.mask", "end_has_no_loss")(changed(without_end))
wrong("chat.mask", "break_has_loss")(changed(with_break))
wrong("chat.mask", "content_has_no_loss")(changed(four_token_header))
wrong("chat.mask", "inverted")(changed(lambda t, m, mask, ids: [1 - v for v in mask]))
wrong("chat.mask", "all_zero")(changed(lambda t, m, mask, ids: [0] * len(mask)))
wrong("chat.mask", "others_have_loss")(changed(lambda t, m, mask, ids: [1] * len(mask)))
wrong("chat.mask", "shifted")(changed(lambda t, m, mask, ids: mask[1:] + [0]))
wrong("chat.mask", "shifted")(changed(lambda t, m, mask, ids: [0] + mask[:-1]))
wrong("chat.mask", "length")(changed(lambda t, m, mask, ids: mask + [0]))
wrong("chat.mask", "not_binary")(
    changed(lambda t, m, mask, ids: [-100 if not v else 1 for v in mask])
)
wrong("chat.mask", "batch_encoding")(lambda t, m: t.apply_chat_template(m))
wrong("chat.mask", "none")(lambda t, m: None)


@right("chat.mask")
def booleans(tokenizer, messages):
    return [bool(value) for value in library_mask(tokenizer, messages)]
