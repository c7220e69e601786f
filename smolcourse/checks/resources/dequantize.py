"""resources.dequantize: levels looked up by code, times the block's scale; codes may be bytes."""

import torch

from smolcourse.checks.core import Seen, Wrong, expect_shape, expect_type, integers, normal
from smolcourse.topics.nf4 import LEVELS

pure = True


def cases(rng):
    tables = torch.tensor(LEVELS), torch.linspace(-1, 1, 16)
    drawn = []
    for at, (blocks, block) in enumerate(((2, 2), (3, 4), (5, 8), (4, 4), (1, 16))):
        codes = integers(rng, 0, 16, blocks * block)
        codes = codes.to(torch.uint8) if at == 3 else codes  # bytes, as they are stored
        drawn.append((codes, 0.5 + normal(rng, blocks).abs(), tables[at % 2], block))
    return drawn


def observe(answer, case):
    codes, *rest = case
    if codes.dtype != torch.uint8:
        return Seen(value=_weights(answer, case))
    # If bytes make it fail, is it right with whole numbers? Then only the dtype was too much.
    seen = Seen(with_long=_weights(answer, (codes.long(), *rest)))
    try:
        return seen | {"uint8_is_no_index": _weights(answer, case)}
    except (RuntimeError, IndexError, TypeError, ValueError, Wrong):
        return seen | {"uint8_is_no_index": None}


def _weights(answer, case):
    got = expect_type(answer(*case), torch.Tensor)
    return expect_shape(got, tuple(case[0].shape), "weights_shape").float()


def judge(seen, wanted, case):
    for name in wanted:
        got = seen.get(name)
        if got is not None and torch.allclose(got, wanted[name], atol=1e-5):
            continue
        if name == "uint8_is_no_index":
            raise Wrong(name)
        raise Wrong("value", got=got, expected=wanted[name])


mistakes = {
    "scales_repeated": lambda right, c, s, levels, block: levels[c.long()] * s.repeat(block),
    "not_scaled": lambda right, c, s, levels, block: right(c, torch.ones_like(s), levels, block),
    "divided": lambda right, c, s, levels, block: right(c, 1 / s, levels, block),
    "codes_are_no_values": [
        lambda right, c, s, levels, block: right(c, s, torch.arange(16.0), block),
        lambda right, c, s, levels, block: right(c, s, torch.arange(16) / 7.5 - 1, block),
    ],
    "weights_shape": lambda right, c, s, levels, block: right(c, s, levels, block).view(-1, block),
    "uint8_is_no_index": lambda right, c, s, levels, block: (
        right(c, s, levels, block) + float("nan") * (c.dtype == torch.uint8)
    ),
}
