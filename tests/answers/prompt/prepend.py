"""Wrong and right answers to prompt.prepend."""

import torch
from answers import answers

wrong, right, good = answers("prompt.prepend")

IGNORE = -100


def but(name, change):
    """The reference, with one of its tensors replaced by `change(tensor, prompt, text)`."""
    return lambda p, x, *rest: (b := good(p, x, *rest)) | {name: change(b[name].clone(), p, x)}


def begins(tensor, value, prompt):
    tensor[:, : len(prompt)] = value
    return tensor


wrong("virtual_carry_loss")(but("labels", lambda y, p, x: begins(y, 0, p)))
wrong("virtual_carry_loss")(but("labels", lambda y, p, x: begins(y, y[:, -1:].clamp(min=0), p)))
wrong("labels_changed")(but("labels", lambda y, p, x: y.roll(-1, 1)))
wrong("prompt_masked")(but("attention_mask", lambda m, p, x: begins(m, 0, p)))
wrong("mask_changed")(but("attention_mask", lambda m, p, x: begins(1 - m, 1, p)))
wrong("not_the_prompt")(lambda p, *rest: good(p.flip(0), *rest))
wrong("not_the_prompt")(lambda p, *rest: good(0 * p, *rest))
wrong("text_changed")(lambda p, x, m, y: good(p, x * m[..., None] + 1, m, y))
wrong("batch_shape")(but("inputs_embeds", lambda e, p, x: x))
wrong("batch_shape")(but("labels", lambda y, p, x: y.flatten()))
wrong("not_int64")(but("attention_mask", lambda m, p, x: m.float()))
wrong("not_tensor")(but("labels", lambda y, p, x: y.tolist()))
wrong("missing_key")(lambda p, x, m, y: {"inputs_embeds": x, "labels": y})
wrong("return_type")(lambda *args: tuple(good(*args).values()))
wrong("exception")(lambda p, x, m, y: torch.cat([p, x], dim=1))
wrong("mutated")(lambda p, x, m, y: y.fill_(IGNORE) is None or good(p, x, m, y))


@right
def _(prompt, embeddings, attention_mask, labels):
    n, (rows, _) = prompt.size(0), attention_mask.shape
    pad = torch.nn.functional.pad
    return {
        "labels": pad(labels, (n, 0), value=IGNORE),
        "attention_mask": pad(attention_mask, (n, 0), value=1),
        "inputs_embeds": torch.stack([torch.cat([prompt, embeddings[i]]) for i in range(rows)]),
    }


@right
def _(prompt, embeddings, attention_mask, labels):  # written into empty tensors
    (rows, length, width), n = embeddings.shape, len(prompt)
    whole = embeddings.new_empty(rows, n + length, width)
    whole[:, :n], whole[:, n:] = prompt, embeddings
    mask, targets = (old.new_ones(rows, n + length) for old in (attention_mask, labels))
    mask[:, n:], targets[:, :n], targets[:, n:] = attention_mask, IGNORE, labels
    return {"inputs_embeds": whole, "attention_mask": mask, "labels": targets}
