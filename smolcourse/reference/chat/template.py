# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.template."""
# ruff: noqa

def my_template(end: str) -> str:
    r"""A chat template of my own; `end` is the special token that closes an assistant's turn.

    Example: with my_template("<|im_end|>"), a question and its answer may be rendered as
    '<file_sep>USER: Hi\n<file_sep>ASSISTANT:\nHello.<|im_end|>\n' (yours will look different).
    """
    # Each role has a special token of its own: one token instead of a header, and a safe end
    # of the prompt.
    return (
        "{% set markers = {'system': '<repo_name>', 'user': '<issue_start>', 'assistant': '<issue_comment>'} %}"
        "{% for message in messages %}"
        "{{ markers[message['role']] }}"
        "{% if message['role'] == 'assistant' %}"
        "{% generation %}{{ message['content'] + '" + end + "' }}{% endgeneration %}"
        "{% else %}{{ message['content'] }}{% endif %}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ markers['assistant'] }}{% endif %}"
    )

answer = my_template
