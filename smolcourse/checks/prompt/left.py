"""prompt.left: padding, soft prompt and text for generation, in this order; mask and positions."""

import torch

from smolcourse.checks.core import Seen, normal
from smolcourse.checks.prompt.common import form_of, tensors, with_tensor

NAMES = ("inputs_embeds", "attention_mask", "position_ids")
pure = True


def cases(rng):
    lengths = [(2, (1, 3)), (3, (5, 2, 4)), (1, (2, 2)), (4, (3, 9))]
    lengths.append((rng.randint(2, 5), rng.sample(range(1, 8), 3)))
    return [(normal(rng, n, 5), [normal(rng, long, 5) for long in texts]) for n, texts in lengths]


def observe(answer, case):
    batch = tensors(answer(*case), NAMES)
    form = form_of(batch, NAMES)
    if [tensor.ndim for tensor in batch] != [3, 2, 2]:
        return form
    prompt, texts = case
    embeds, mask, positions = batch
    longest, n = max(map(len, texts)), len(prompt)
    padding = [longest - len(text) for text in texts]

    def cut(tensor, begin, end=None):
        """Of each row a part, counted from the end of its padding."""
        rows = zip(tensor, padding, strict=False)
        return [row[max(p + begin, 0) : None if end is None else p + end] for row, p in rows]

    return Seen(
        form,
        row_value=cut(embeds, 0),
        padding_not_masked=cut(mask, -longest, 0),
        prompt_masked=cut(mask, 0, n),
        padding_value=cut(embeds, -longest, 0),
        mask_value=cut(mask, n),
        positions_value=[row.tolist() for row in cut(positions, 0)],
        padding_positions=[row.tolist() for row in cut(positions, -longest, 0)],
    )


def _moved(move):
    """A mistake: each row of inputs_embeds is `move(row, length of its padding, len(prompt))`."""

    def change(batch, prompt, texts):
        longest = max(map(len, texts))
        pairs = zip(batch["inputs_embeds"], texts, strict=True)
        return torch.stack([move(row, longest - len(text), len(prompt)) for row, text in pairs])

    return with_tensor("inputs_embeds", change)


def _positions(change):
    """A mistake: position_ids is `change(mask, right positions, len(prompt))`."""
    return with_tensor(
        "position_ids", lambda b, p, _: change(b["attention_mask"], b["position_ids"], len(p))
    )


mistakes = {
    "mask_not_extended": with_tensor(
        "attention_mask", lambda b, p, _: b["attention_mask"][:, len(p) :]
    ),
    "right_padding": _moved(lambda row, padding, n: row.roll(-padding, 0)),
    "prompt_before_padding": _moved(
        lambda row, padding, n: torch.cat(
            [row[: padding + n].roll(-padding, 0), row[padding + n :]]
        )
    ),
    "padding_counted": _positions(lambda m, right, n: torch.arange(m.shape[1]).expand(m.shape)),
    "negative_positions": _positions(lambda m, right, n: m.cumsum(1) - 1),
    "positions_from_one": _positions(lambda m, right, n: m.cumsum(1)),
    "prompt_not_counted": [
        _positions(lambda m, right, n: (right - n).clamp(min=0)),
        _positions(lambda m, right, n: (right - n).clamp(min=-1)),
        _positions(lambda m, right, n: right - n),
    ],
}
