# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.template."""
# ruff: noqa

def my_template(end: str) -> str:
    r"""A chat template of my own; `end` is the special token that closes an assistant's turn.

    Example: with my_template("<|im_end|>"), a question and its answer may be rendered as
    '<file_sep>user\nHi\n<file_sep>assistant\nHello.<|im_end|>\n' (yours will look different).
    """
    return (
        "{% for message in messages %}"
        "{{ '<file_sep>' + message['role'] + '\n' }}"
        "{% if message['role'] == 'assistant' %}"
        "{% generation %}{{ message['content'] + '" + end + "' }}{% endgeneration %}"
        "{% else %}{{ message['content'] }}{% endif %}"
        "{{ '\n' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<file_sep>assistant\n' }}{% endif %}"
    )

answer = my_template
