# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.mask."""
# ruff: noqa

def assistant_mask(tokenizer, messages: list[dict]) -> list[int]:
    """1 for each token that the assistant writes, else 0.

    Example: for [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}] the
    tokens with a 1 decode to 'Hello.<|im_end|>'.
    """

    def length(messages, add_generation_prompt=False):
        ids = tokenizer.apply_chat_template(
            messages, add_generation_prompt=add_generation_prompt, return_dict=False
        )
        return len(ids)

    mask = [0] * length(messages)
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            start = length(messages[:i], add_generation_prompt=True)
            end = length(messages[: i + 1]) - 1  # the line break after <|im_end|> is the template's
            mask[start:end] = [1] * (end - start)
    return mask

answer = assistant_mask
