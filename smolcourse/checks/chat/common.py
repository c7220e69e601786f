"""What the exercises on chat templates share: small tokenizers, with the right template and others.

They need no checkpoint: a tokenizer is trained on a few sentences, in milliseconds.
"""

import copy
from functools import cache

# At the top and not in the functions: a check's time limit is for the learner's code.
from transformers import PreTrainedTokenizerFast

from smolcourse.chatml import CHAT_TEMPLATE
from smolcourse.checks.core import Wrong, expect_type
from smolcourse.recipes.tokenizer import train_tokenizer

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
    """A tokenizer of its own for each case: an answer may set its template or its padding."""
    tokenizer = copy.deepcopy(_trained())
    tokenizer.chat_template = template
    return tokenizer


def chat(*turns: str) -> list[dict]:
    """Messages from "role: content" strings."""
    pairs = (turn.split(": ", 1) for turn in turns)
    return [{"role": role, "content": content} for role, content in pairs]


def ids_of(tokenizer, messages: list[dict], prompt: bool = False) -> list[int]:
    """The token ids of a conversation, with the generation prompt if asked for."""
    return tokenizer.apply_chat_template(messages, add_generation_prompt=prompt, return_dict=False)


def expect_chat(got) -> dict:
    """`got` rebuilt, if it is {"messages": [{"role", "content"}, ...]} whatever is in there."""
    got = expect_type(got, dict)
    if "messages" not in got:
        raise Wrong("no_messages")
    if len(got) > 1:
        raise Wrong("extra_columns", names=", ".join(sorted(map(str, got.keys() - {"messages"}))))
    messages = got["messages"]
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise Wrong("message_keys")
    if any(m.keys() > {"role", "content"} for m in messages):
        raise Wrong("extra_message_keys")
    if any(m.keys() != {"role", "content"} for m in messages):
        raise Wrong("message_keys")
    for place, message in enumerate(messages):
        for name, value in message.items():
            expect_type(value, str, where=f"['messages'][{place}][{name!r}]", outer="dict")
    return got
