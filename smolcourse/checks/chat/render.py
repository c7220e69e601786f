"""chat.render: ChatML, to the last line break."""

import re

from smolcourse.checks.chat.common import END, chat
from smolcourse.checks.core import Wrong, expect_type


def cases(rng):
    name = rng.choice(["Ana", "Bo", "Li", "Zoë"])
    chats = [
        chat("user: What is 3 + 4?", "assistant: 7."),
        chat("user: Hi"),
        chat("system: Be terse.", f"user: I am {name}. Who are you?"),
        chat(
            "system: Be terse.",
            "user: Hello.",
            "assistant: Hello.",
            "user: Again!",
            "assistant: Hi.",
        ),
        chat(
            "user:  a space before, one after ", "assistant: line 1\nline 2\n", f"user: {name} 你好"
        ),
        chat("user: assistant", "assistant: user", "tool: 42", "assistant: 42."),
    ]
    return [(messages,) for messages in chats] + [(messages, True) for messages in chats]


def observe(answer, case):
    return expect_type(answer(*case), str)


def judge(seen, wanted, case):
    if seen == wanted:
        return
    messages, prompt = case[0], len(case) > 1
    if "<|im_start|>system" in seen and messages[0]["role"] != "system":
        raise Wrong("default_system")
    for message in messages:
        if message["content"] not in seen:
            lost = "system_lost" if message["role"] == "system" else "turn_lost"
            raise Wrong("stripped" if message["content"].strip() in seen else lost)
    ends_open = re.search(r"<\|im_start\|>assistant\s*\Z", seen)
    if prompt and not ends_open:
        closed = re.search(r"<\|im_start\|>assistant\s*<\|im_end\|>\s*\Z", seen)
        raise Wrong("prompt_closed" if closed else "no_generation_prompt")
    if not prompt and ends_open:
        raise Wrong("always_generation_prompt")
    if seen.count(END) < wanted.count(END):
        last = seen.rstrip() == wanted.rstrip().removesuffix(END).rstrip()
        raise Wrong("last_turn_open" if last else "end_missing")
    if seen == wanted.rstrip("\n"):
        raise Wrong("last_break_lost")
    raise Wrong("value", got=seen, expected=wanted)


def _edited(pattern, by):
    """A mistake: the right text with every match of a pattern replaced."""
    return lambda right, *case: re.sub(pattern, by, right(*case))


mistakes = {
    "no_break_after_end": _edited(r"<\|im_end\|>\n", END),
    "no_break_after_role": [
        _edited(r"(<\|im_start\|>\w+)\n", r"\1"),
        _edited(r"(<\|im_start\|>\w+)\n", r"\1 "),
    ],
    "end_missing": _edited(r"<\|im_end\|>", ""),
    "last_break_lost": lambda right, *case: right(*case).removesuffix("\n"),
    "no_generation_prompt": lambda right, messages, prompt=False: right(messages),
    "always_generation_prompt": lambda right, messages, prompt=False: right(messages, True),
    "turn_lost": lambda right, messages, *prompt: right(messages[-1:], *prompt),
    "system_lost": lambda right, messages, *prompt: right(
        [m for m in messages if m["role"] != "system"], *prompt
    ),
    "stripped": lambda right, messages, *prompt: right(
        [{**m, "content": m["content"].strip()} for m in messages], *prompt
    ),
}
