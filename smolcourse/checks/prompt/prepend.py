"""prompt.prepend: virtual tokens in front of a batch, in embeddings, mask and labels."""

import torch

from smolcourse.checks.core import Seen, integers, normal
from smolcourse.checks.prompt.common import form_of, slope, tensors, with_tensor

IGNORE = -100
NAMES = ("inputs_embeds", "attention_mask", "labels")
pure = True


def cases(rng):
    drawn = []
    for tokens, rows, length in ((2, 1, 2), (3, 2, 4), (1, 3, 5), (4, 2, 4)):
        mask = torch.ones(rows, length, dtype=torch.int64)
        labels = integers(rng, 1, 50, rows, length)
        labels[:, 0] = IGNORE
        if rows > 1:
            mask[1, -1], labels[1, -1] = 0, IGNORE
        drawn.append((normal(rng, tokens, 6), normal(rng, rows, length, 6), mask, labels))
    return drawn


def observe(answer, case):
    batch = tensors(answer(*case), NAMES)
    form = form_of(batch, NAMES)
    if [tensor.ndim for tensor in batch] != [3, 2, 2]:
        return form
    (embeds, mask, labels), n = batch, len(case[0])
    prompt, *others = (tensor.clone() for tensor in case)
    prompt.requires_grad_()
    joined = answer.unwrapped(prompt, *others)["inputs_embeds"]
    return Seen(
        form,
        not_the_prompt=embeds[:, :n],
        text_changed=embeds[:, n:],
        virtual_carry_loss=labels[:, :n],
        labels_changed=labels[:, n:],
        prompt_masked=mask[:, :n],
        mask_changed=mask[:, n:],
        no_gradient=slope([joined], prompt),
    )


mistakes = {
    "mask_not_extended": with_tensor("attention_mask", lambda b, p, x, m, y: m),
    "labels_not_extended": with_tensor("labels", lambda b, p, x, m, y: y),
    "prompt_behind": with_tensor(
        "inputs_embeds", lambda b, p, *_: b["inputs_embeds"].roll(-len(p), 1)
    ),
    "labels_behind": with_tensor("labels", lambda b, p, *_: b["labels"].roll(-len(p), 1)),
    "padding_not_masked": with_tensor("attention_mask", lambda b, *_: 0 * b["attention_mask"] + 1),
    "no_gradient": lambda right, p, *others: right(p.detach(), *others),
}
