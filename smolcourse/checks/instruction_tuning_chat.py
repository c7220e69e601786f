"""Checkers of 1_instruction_tuning/chat_templates: rendering, prompt and answer, the mask.

They need a tokenizer but no checkpoint: a small one is trained on a few sentences, in milliseconds.
Each checker first asks for the mistakes that it knows by name, then for equality. The notebook's
other exercises: instruction_tuning_chat_data.py, instruction_tuning_chat_format.py.
"""

import copy
import re
from functools import cache

# Here and not in the functions, because the first import takes seconds, and a check's time limit
# is meant for the learner's code. This file itself is only imported when a chat.* id is checked.
from transformers import PreTrainedTokenizerFast

from smolcourse.check import Wrong, checker, compare_on, describe_error, expect_type, short
from smolcourse.recipes.tokenizer import CHAT_TEMPLATE, train_tokenizer

END = "<|im_end|>"
PROMPT = "<|im_start|>assistant\n"
SENTENCES = [
    "What is the capital of France? The answer is Paris, and the capital of Italy is Rome.",
    "My name is Ana. Hello, Ana. How can I help you today? You are a helpful assistant.",
    "The user asks, the assistant answers, the system message comes first.",
    "There are 3 + 4 = 7 balls. The opposite of hot is cold. I do not know the number.",
]

# Another format, so that only code that asks the tokenizer for its template passes.
OTHER_TEMPLATE = (
    "{% for message in messages %}{{ '[' + message['role'] + ']\n' + message['content'] }}"
    "{{ '<|endoftext|>\n\n' if message['role'] == 'assistant' else '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '[assistant]\n' }}{% endif %}"
)
# Two ways to break the rule: the prompt ends inside a token of the training text, or it opens a
# reasoning block that the training text does not have.
SPACED_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
THINKING_TEMPLATE = (
    CHAT_TEMPLATE + "{%- if add_generation_prompt -%}{{- '<think>\n' -}}{%- endif -%}"
)


@cache
def _trained() -> PreTrainedTokenizerFast:
    return train_tokenizer(SENTENCES * 3)


def make_tokenizer(template: str = CHAT_TEMPLATE) -> PreTrainedTokenizerFast:
    """A tokenizer of its own for each check: an answer may set its template or its padding."""
    tokenizer = copy.deepcopy(_trained())
    tokenizer.chat_template = template
    return tokenizer


def chat(*turns: str) -> list[dict]:
    """Messages from "role: content" strings."""
    pairs = (turn.split(": ", 1) for turn in turns)
    return [{"role": role, "content": content} for role, content in pairs]


def ids_of(tokenizer, messages: list[dict], prompt: bool = False) -> list[int]:
    return tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, return_dict=False)


# ---------------------------------------------------------------- chat.render

RENDER_CHATS = [
    chat("user: What is 3 + 4?", "assistant: 7."),
    chat("user: Hi"),
    chat("system: Be terse.", "user: Who are you?"),
    chat(
        "system: Be terse.", "user: Hello.", "assistant: Hello.", "user: Again!", "assistant: Hi."
    ),
    chat("user:  a space before, one after ", "assistant: line 1\nline 2\n", "user: Zürich 你好"),
    chat("user: assistant", "assistant: user", "tool: 42", "assistant: 42."),
]


@checker("chat.render")
def chat_render(answer, reference):
    expect_type(answer(RENDER_CHATS[0]), str)
    cases = [(m,) for m in RENDER_CHATS] + [(m, True) for m in RENDER_CHATS]
    compare_on(answer, reference, cases, explain=_explain_render)


def _explain_render(args, got, want):
    messages, prompt = args[0], len(args) > 1
    if not isinstance(got, str):
        return None
    if "<|im_start|>system" in got and messages[0]["role"] != "system":
        return "default_system"
    if messages[0]["content"] not in got and messages[0]["role"] == "system":
        return "system_lost"
    for message in messages:
        if message["content"] not in got:
            return "stripped" if message["content"].strip() in got else "turn_lost"
    ends_open = re.search(r"<\|im_start\|>assistant\s*\Z", got)
    if prompt and not ends_open:
        closed = re.search(r"<\|im_start\|>assistant\s*<\|im_end\|>\s*\Z", got)
        return "prompt_closed" if closed else "no_generation_prompt"
    if not prompt and ends_open:
        return "always_generation_prompt"
    if got.count(END) < want.count(END):
        if got.rstrip() == want.rstrip().removesuffix(END).rstrip():
            return "last_turn_open"
        return "end_missing"
    if got == want.replace(f"{END}\n", END):
        return "no_break_after_end"
    if got == re.sub(r"(<\|im_start\|>\w+)\n", r"\1", want):
        return "no_break_after_role"
    if got == re.sub(r"(<\|im_start\|>\w+)\n", r"\1 ", want):
        return "no_break_after_role"
    return "last_break_lost" if got == want.rstrip("\n") else None


# ---------------------------------------------------------------- chat.split

SPLIT_CHATS = [
    chat("user: What is the capital of France?", "assistant: Paris."),
    chat("system: Be terse.", "user: What is 3 + 4?", "assistant: 3 + 4 = 7.\nThe answer is 7."),
    chat("user: My name is Ana.", "assistant: Hello, Ana.", "user: Who am I?", "assistant: Ana."),
    chat("user: assistant", "assistant: the assistant answers", "user: Zürich?", "assistant: 你好"),
]


@checker("chat.split")
def chat_split(answer, reference):
    for tokenizer in (make_tokenizer(), make_tokenizer(OTHER_TEMPLATE)):
        for messages in SPLIT_CHATS:
            try:
                got = _id_lists(answer(tokenizer, messages))
            except ValueError as error:
                raise Wrong("refused", **describe_error(error)) from error
            _name_split(tokenizer, messages, got, reference(tokenizer, messages))
    for template in (SPACED_TEMPLATE, THINKING_TEMPLATE):
        try:
            answer(make_tokenizer(template), SPLIT_CHATS[0])
        except ValueError:
            continue
        raise Wrong("no_error")


def _id_lists(got) -> tuple[list[int], list[int]]:
    got = expect_type(got, (tuple, list))
    if len(got) != 2:
        raise Wrong("not_a_pair", count=len(got))
    outer = type(got).__name__
    for place, part in enumerate(got):
        _one_id_list(part, f"[{place}]", outer)
    return got[0], got[1]


def _one_id_list(part, where: str, outer: str) -> None:
    if isinstance(part, dict):
        raise Wrong("batch_encoding")
    if isinstance(part, str):
        raise Wrong("text_not_ids")
    for place, token in enumerate(expect_type(part, list, where=where, outer=outer)):
        expect_type(token, int, where=f"{where}[{place}]", outer=outer)


def _name_split(tokenizer, messages, got, want) -> None:
    (prompt, answer), (right_prompt, right_answer) = got, want
    if prompt == right_prompt and answer == right_answer:
        return
    decode = lambda ids: short(tokenizer.decode(ids))  # noqa: E731
    whole = right_prompt + right_answer
    characters = len(tokenizer.decode(right_prompt))
    if (prompt, answer) == (whole[:characters], whole[characters:]):
        raise Wrong("text_length", characters=characters, tokens=len(right_prompt))
    if prompt == ids_of(tokenizer, messages[:-1]):
        raise Wrong("no_generation_prompt")
    if prompt[: len(whole)] == whole:
        raise Wrong("answer_in_prompt")
    if prompt != right_prompt and tokenizer.chat_template == OTHER_TEMPLATE:
        raise Wrong("template_ignored", expected=decode(right_prompt), got=decode(prompt))
    if prompt != right_prompt:
        raise Wrong("prompt_ids", expected=decode(right_prompt), got=decode(prompt))
    if answer == whole:
        raise Wrong("answer_is_whole")
    if answer == whole[characters:]:
        raise Wrong("text_length", characters=characters, tokens=len(right_prompt))
    text, right_text = tokenizer.decode(answer), tokenizer.decode(right_answer)
    if text == right_text.rstrip("\n"):
        raise Wrong("line_break_lost")
    if text == messages[-1]["content"]:
        raise Wrong("end_lost")
    special = set(tokenizer.all_special_ids)
    if sum(t in special for t in answer) > sum(t in special for t in right_answer):
        raise Wrong("extra_special_tokens", got=decode(answer))
    if text.split() == right_text.split():
        raise Wrong("spaces_changed", expected=decode(right_answer), got=decode(answer))
    if tokenizer.chat_template == OTHER_TEMPLATE:
        raise Wrong("template_ignored", expected=decode(right_answer), got=decode(answer))
    raise Wrong("answer_ids", expected=decode(right_answer), got=decode(answer))


# ---------------------------------------------------------------- chat.mask

MASK_CHATS = [
    chat("user: What is the capital of France?", "assistant: Paris."),
    chat("system: Be terse.", "user: What is 3 + 4?", "assistant: 3 + 4 = 7.\nThe answer is 7."),
    chat("user: My name is Ana.", "assistant: Hello, Ana.", "user: Who am I?", "assistant: Ana."),
    chat("user: Hello.", "assistant: Hello.", "user: assistant\nsays the user", "assistant: user"),
    chat("user: Hello.", "assistant: Hello.", "user: And now?"),
    chat("user: Only a question."),
]


@checker("chat.mask")
def chat_mask(answer, reference):
    tokenizer = make_tokenizer()
    for messages in MASK_CHATS:
        got, want = answer(tokenizer, messages), reference(tokenizer, messages)
        if isinstance(got, dict):
            raise Wrong("batch_encoding")
        got = expect_type(got, list)
        if len(got) != len(want):
            raise Wrong("length", got=len(got), expected=len(want))
        if any(value not in (0, 1) for value in got):
            raise Wrong("not_binary", got=short(next(v for v in got if v not in (0, 1))))
        _name_mask(tokenizer, messages, [int(value) for value in got], want)


def _name_mask(tokenizer, messages, got, want) -> None:
    if got == want:
        return
    if got == [1 - value for value in want]:
        raise Wrong("inverted")
    if not any(got):
        raise Wrong("all_zero")
    if got in (want[1:] + [0], [0] + want[:-1]):
        raise Wrong("shifted")
    header, ends, breaks, earlier, other = _places(tokenizer, messages, want)
    extra = {i for i, (g, w) in enumerate(zip(got, want, strict=True)) if g > w}
    missing = {i for i, (g, w) in enumerate(zip(got, want, strict=True)) if g < w}
    if earlier and missing == earlier:
        raise Wrong("only_last_turn")
    if extra & other:
        raise Wrong("others_have_loss", count=len(extra & other))
    if extra & header:
        raise Wrong("header_has_loss", count=len(extra & header))
    if missing and missing <= ends:
        raise Wrong("end_has_no_loss")
    if extra & breaks:
        raise Wrong("break_has_loss")
    raise Wrong("content_has_no_loss", count=len(missing), total=sum(want))


def _places(tokenizer, messages, want) -> tuple[set, set, set, set, set]:
    """Positions by kind: assistant headers, their ends, the line breaks after them, what the
    assistant wrote before its last turn, and everything that others wrote."""
    edges = range(1, len(want))
    starts = [i for i in edges if want[i] > want[i - 1]]
    stops = [i for i in edges if want[i] < want[i - 1]]
    width = len(tokenizer(PROMPT)["input_ids"])
    header = {i for start in starts for i in range(start - width, start)}
    ends = {stop - 1 for stop in stops}
    breaks = set(stops)
    written = {i for i, value in enumerate(want) if value}
    earlier = {i for i in written if i < starts[-1]} if starts else set()
    return header, ends, breaks, earlier, set(range(len(want))) - written - header - breaks
