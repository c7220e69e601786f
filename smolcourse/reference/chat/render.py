# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.render."""
# ruff: noqa

def render(messages: list[dict], add_generation_prompt: bool = False) -> str:
    r"""The ChatML text of a conversation.

    >>> render([{"role": "user", "content": "Hi"}], add_generation_prompt=True)
    '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'
    """
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")

answer = render
