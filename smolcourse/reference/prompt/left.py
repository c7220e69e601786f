# generated from 3_parameter_efficient_finetuning/notebooks/source/prompt_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise prompt.left."""
# ruff: noqa

def left_batch(prompt, texts: list) -> dict:
    """A batch for generation with a soft prompt.

    Example: with 2 virtual tokens and texts of 1 and 3 tokens, the first row's mask is [0, 0, 1, 1, 1] and its positions are
    [0, 0, 0, 1, 2].
    """
    import torch

    longest = max(len(text) for text in texts)
    rows, masks = [], []
    for text in texts:
        missing = longest - len(text)
        rows.append(torch.cat([text.new_zeros(missing, text.shape[1]), prompt, text]))
        masks.append([0] * missing + [1] * (len(prompt) + len(text)))
    mask = torch.tensor(masks, device=prompt.device)
    return {
        "inputs_embeds": torch.stack(rows),
        "attention_mask": mask,
        "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
    }

answer = left_batch
