# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.split."""
# ruff: noqa

def split_prompt(tokenizer, messages: list[dict]) -> tuple[list[int], list[int]]:
    r"""(prompt ids as at inference, answer ids as in the training text).

    Example: for [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}] the
    prompt decodes to '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n' and the answer to
    'Hello.<|im_end|>\n'.
    """
    prompt = tokenizer.apply_chat_template(
        messages[:-1], add_generation_prompt=True, return_dict=False
    )
    whole = tokenizer.apply_chat_template(messages, return_dict=False)
    if whole[: len(prompt)] != prompt:
        raise ValueError(
            "The training text does not begin with the prompt that the model sees at inference."
        )
    return prompt, whole[len(prompt) :]

answer = split_prompt
