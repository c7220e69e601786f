"""Wrong and right answers to prompt.left."""

import torch
from answers import answers

wrong, right, good = answers("prompt.left")


def but(name, change):
    """The reference, with one of its tensors replaced by `change(tensor, prompt, texts)`."""
    return lambda p, texts: (made := good(p, texts)) | {name: change(made[name], p, texts)}


def masks(change):
    return but("attention_mask", change)


wrong("row_value")(lambda p, texts: good(p.flip(0), texts))
wrong("row_value")(but("inputs_embeds", lambda x, p, texts: x.roll(len(p), 1)))
wrong("padding_not_masked")(masks(lambda m, p, t: torch.ones_like(m)))
wrong("prompt_masked")(masks(lambda m, p, t: (m.cumsum(1) > len(p)).long()))
wrong("mask_value")(masks(lambda m, p, t: m * (torch.arange(m.shape[1]) < m.shape[1] - 1)))
wrong("padding_value")(
    lambda p, texts: (
        (b := good(p, texts))
        | {"inputs_embeds": b["inputs_embeds"] + (1 - b["attention_mask"])[..., None]}
    )
)
wrong("positions_value")(but("position_ids", lambda x, p, t: x.flip(1)))
wrong("padding_positions")(  # as transformers' own generate fills them
    lambda p, texts: (
        (b := good(p, texts))
        | {"position_ids": b["position_ids"].masked_fill(b["attention_mask"] == 0, 1)}
    )
)
wrong("batch_shape")(but("inputs_embeds", lambda x, p, t: x[:, len(p) :]))
wrong("batch_shape")(but("position_ids", lambda x, p, t: x[0]))
wrong("not_int64")(masks(lambda m, p, t: m.bool()))
wrong("not_tensor")(masks(lambda m, p, t: m.tolist()))
wrong("missing_key")(lambda p, t: {"inputs_embeds": good(p, t)["inputs_embeds"]})
wrong("exception")(lambda p, t: torch.stack(t))


@right
def _(prompt, texts):
    from torch.nn.utils.rnn import pad_sequence

    rows = [torch.cat([prompt, text]) for text in texts]
    embeds = pad_sequence(rows, batch_first=True, padding_side="left")
    lengths = torch.tensor([len(row) for row in rows])
    place = torch.arange(embeds.shape[1]) - (embeds.shape[1] - lengths)[:, None]
    return {
        "inputs_embeds": embeds,
        "attention_mask": (place >= 0).long(),
        "position_ids": place.relu(),
    }
