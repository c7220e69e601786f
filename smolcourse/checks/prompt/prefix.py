"""prompt.prefix: PEFT's table of a prefix as keys and values for the cache."""

from types import SimpleNamespace

import torch

from smolcourse.checks.core import Seen, Wrong, expect_type, normal
from smolcourse.checks.prompt.common import changed, slope

NAMES = (
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_size",
)
pure = True


def cases(rng):
    drawn = []
    # The width of a head is hidden_size // num_attention_heads in the first only; each key has as
    # many numbers as can be cut into query heads, too.
    for tokens, rows, numbers in (
        (5, 3, (3, 4, 2, 6, 24)),
        (4, 1, (2, 6, 2, 3, 36)),
        (2, 2, (2, 8, 4, 4, 16)),
    ):
        layers, _, heads, width, _ = numbers
        table = normal(rng, tokens, layers * 2 * heads * width)
        drawn.append((table, rows, dict(zip(NAMES, numbers, strict=True))))
    return drawn


def observe(answer, case):
    table, rows, config = case[0], case[1], SimpleNamespace(**case[2])
    try:
        got = expect_type(answer(table, rows, config), (list, tuple))
    except RuntimeError as error:  # torch's, of view and reshape
        if "invalid for input of size" not in str(error):
            raise
        return Seen(table_size=str(error))
    seen = Seen(table_size="", layer_count=len(got))
    pairs = [_pair(item) for item in got] if got else []
    shapes = [tuple(part.shape) for pair in pairs for part in pair]
    # One shape if all are the same: a learner need not read a list of them.
    seen["pair_shape"] = shapes[0] if len(set(shapes)) == 1 else shapes
    leaf = table.clone().requires_grad_()
    trained = [part for pair in answer.unwrapped(leaf, rows, config) for part in pair]
    return Seen(seen, prefix_value=pairs, no_gradient=slope(trained, leaf))


def _pair(item) -> tuple:
    if isinstance(item, torch.Tensor) and item.ndim and len(item) == 2:
        item = tuple(item)  # two tensors in one unpack just as well
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise Wrong("not_pair")
    for part in item:
        expect_type(part, torch.Tensor, "not_tensor", name="(key, value)")
    return tuple(item)


def _heads(count, width=None):
    """A mistake: so many heads `count(c)`, of the width `width(c)` or of what is then left."""

    def wrong(right, table, rows, c):
        heads = count(c)
        head_dim = width(c) if width else c.num_key_value_heads * c.head_dim // heads
        return right(table, rows, changed(c, num_key_value_heads=heads, head_dim=head_dim))

    return wrong


def _each(change):
    """A mistake: `change(key, value)` instead of each pair."""
    return lambda right, *args: [change(k, v) for k, v in right(*args)]


def _columns(rearrange):
    """A mistake: the table's (layers, 2, heads, width) read in another order."""

    def wrong(right, table, rows, c):
        sizes = c.num_hidden_layers, 2, c.num_key_value_heads, c.head_dim
        return right(rearrange(table, len(table), *sizes).reshape(table.shape), rows, c)

    return wrong


def _guessed(c):
    return c.hidden_size // c.num_attention_heads


mistakes = {
    "attention_heads": [
        _heads(lambda c: c.num_attention_heads),
        _heads(lambda c: c.num_attention_heads, lambda c: c.head_dim),
        _heads(lambda c: c.num_attention_heads, _guessed),  # both: the next try hears of the other
    ],
    "head_dim_guessed": [
        _heads(lambda c: c.num_key_value_heads, _guessed),
        _heads(lambda c: c.num_key_value_heads * c.head_dim // _guessed(c), _guessed),
    ],
    "tokens_before_heads": _each(lambda k, v: (k.transpose(1, 2), v.transpose(1, 2))),
    "one_row": [_each(lambda k, v: (k[0], v[0])), _each(lambda k, v: (k[:1], v[:1]))],
    "key_value_swapped": _each(lambda k, v: (v, k)),
    "layers_backwards": lambda right, *args: right(*args)[::-1],
    "keys_only": _each(lambda k, v: (k, k)),
    "keys_first": _columns(lambda x, t, n, two, h, w: x.view(t, 2, n, h * w).transpose(1, 2)),
    "width_before_heads": _columns(
        lambda x, t, n, two, h, w: x.view(t, n * two, w, h).transpose(2, 3)
    ),
    "reshaped": [
        _columns(lambda x, t, n, two, h, w: x.reshape(n * two * h, t, w).transpose(0, 1)),
        _each(lambda k, v: tuple(x.transpose(1, 2).reshape(x.shape) for x in (k, v))),
    ],
    "no_gradient": lambda right, table, *others: right(table.detach(), *others),
}
