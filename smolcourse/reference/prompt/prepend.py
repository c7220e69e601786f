# generated from 3_parameter_efficient_finetuning/notebooks/source/prompt_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise prompt.prepend."""
# ruff: noqa

def prepend(prompt, embeddings, attention_mask, labels) -> dict:
    """What the model is given: a soft prompt before each row.

    Example: with 2 virtual tokens and labels [[-100, 7]] the new labels are [[-100, -100, -100, 7]].
    """
    import torch

    rows, tokens = len(embeddings), len(prompt)
    return {
        "inputs_embeds": torch.cat([prompt.expand(rows, -1, -1), embeddings], dim=1),
        "attention_mask": torch.cat([attention_mask.new_ones(rows, tokens), attention_mask], dim=1),
        "labels": torch.cat([labels.new_full((rows, tokens), -100), labels], dim=1),
    }

answer = prepend
