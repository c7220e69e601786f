"""Wrong and right answers to prompt.prefix."""

import torch
from answers import answers

wrong, right, good = answers("prompt.prefix")


def each(change):
    """The reference, with each pair replaced by `change(key, value)`."""
    return lambda *args: [change(k, v) for k, v in good(*args)]


wrong("table_size")(lambda t, *others: good(t[:, 1:], *others))
wrong("prefix_value")(each(lambda k, v: (k.flip(2), v.flip(2))))
wrong("pair_shape")(each(lambda k, v: (k.flatten(2), v.flatten(2))))
wrong("layer_count")(lambda *args: good(*args)[:-1])
wrong("not_pair")(lambda *args: [part for pair in good(*args) for part in pair])
wrong("not_tensor")(each(lambda k, v: (k.tolist(), v.tolist())))
wrong("return_type")(lambda t, r, c: {"keys": t, "values": t})
wrong("iterator")(lambda *args: (pair for pair in good(*args)))
right(each(lambda k, v: torch.stack([k, v])))
right(lambda *args: tuple(map(list, good(*args))))


@right
def _(table, rows, config):
    heads, width, made = config.num_key_value_heads, config.head_dim, []
    for pieces in table.split(2 * heads * width, dim=1):
        halves = pieces.split(heads * width, dim=1)
        made.append(
            [h.reshape(-1, heads, width).transpose(0, 1).repeat(rows, 1, 1, 1) for h in halves]
        )
    return made
