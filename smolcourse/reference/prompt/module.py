# generated from 3_parameter_efficient_finetuning/notebooks/source/prompt_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise prompt.module."""
# ruff: noqa

import torch


class SoftPrompt(torch.nn.Module):
    """A frozen causal language model with trained vectors before its input.

    Example: with a model of width 192, SoftPrompt(model, 5, [7, 8]).prompt starts as the embeddings of 7, 8, 7, 8, 7.
    """

    def __init__(self, model, tokens: int, init_ids: list[int] | None = None):
        super().__init__()
        self.model = model.requires_grad_(False)
        table = model.get_input_embeddings().weight
        if init_ids:
            start = table[[init_ids[i % len(init_ids)] for i in range(tokens)]].detach().clone()
        else:
            start = torch.randn(tokens, table.shape[1], device=table.device, dtype=table.dtype)
        self.prompt = torch.nn.Parameter(start)

    def forward(self, input_ids, attention_mask, labels=None):
        rows, tokens = len(input_ids), len(self.prompt)
        embeddings = self.model.get_input_embeddings()(input_ids)
        if labels is not None:
            labels = torch.cat([labels.new_full((rows, tokens), -100), labels], dim=1)
        return self.model(
            inputs_embeds=torch.cat([self.prompt.expand(rows, -1, -1), embeddings], dim=1),
            attention_mask=torch.cat(
                [attention_mask.new_ones(rows, tokens), attention_mask], dim=1
            ),
            labels=labels,
        )

answer = SoftPrompt
