"""Wrong and right answers to chat.render."""

from answers import answers

from smolcourse.checks.chat.common import make_tokenizer

wrong, right, good = answers("chat.render")


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


def default_system(messages, add_generation_prompt=False):
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": "You are SmolLM."}, *messages]
    return rendered()(messages, add_generation_prompt)


def open_last(messages, add_generation_prompt=False):
    text = rendered()(messages).removesuffix("<|im_end|>\n")
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")


wrong("prompt_closed")(rendered(prompt="<|im_start|>assistant\n<|im_end|>\n"))
wrong("last_turn_open")(open_last)
wrong("default_system")(default_system)
wrong("return_type")(lambda messages, add_generation_prompt=False: messages)
wrong("none")(lambda messages, add_generation_prompt=False: None)
wrong("exception")(lambda messages: rendered()(messages))


@right
def jinja(messages, add_generation_prompt=False):
    tokenizer = make_tokenizer()
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=add_generation_prompt
    )


@right
def by_list(messages, add_generation_prompt=False):
    pieces = []
    for m in [*messages]:
        pieces += ["<|im_start|>", m["role"], "\n", m["content"], "<|im_end|>", "\n"]
    if add_generation_prompt:
        pieces.append("<|im_start|>assistant\n")
    return "".join(pieces)
