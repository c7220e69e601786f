"""adapters.mixed: each row of a batch through the base and through its own adapter."""

import torch

from smolcourse.checks.core import Wrong, expect_shape, normal
from smolcourse.checks.core.compare import difference

pure = True
tolerance = 1e-4
BASE = "__base__"


def cases(rng):
    plans = (  # the square layer first: there a transposed update has the right shape
        (4, 4, ["loud", "polite", BASE, "loud"]),
        (5, 3, [BASE, "polite", "loud", "polite", BASE]),
        (3, 6, [BASE, BASE]),
        (3, 6, ["polite"]),
    )
    drawn = []
    for out, into, names in plans:
        adapters = {
            name: (normal(rng, rank, into), normal(rng, out, rank), scale)
            for name, rank, scale in (("polite", 2, 3.0), ("loud", 1, 0.5))
        }
        drawn.append((normal(rng, len(names), 2, into), normal(rng, out, into), adapters, names))
    return drawn


def judge(seen, wanted, case):
    expect_shape(seen, wanted.shape)
    for row, name in enumerate(case[3]):
        if difference(seen[row], wanted[row], tolerance):
            raise Wrong("rows", row=row, name=name, order=case[3])


def _names(change):
    """A mistake: other names, `change(names, adapters)`."""
    return lambda right, x, w, adapters, names: right(x, w, adapters, change(names, adapters))


def _sorted(key):
    """A mistake: the right rows, sorted by `key(name, names, adapters)`."""

    def wrong(right, x, w, adapters, names):
        order = sorted(range(len(names)), key=lambda i: key(names[i], names, list(adapters)))
        return right(x, w, adapters, names)[order]

    return wrong


def _adapted(names):
    """(rows, 1, 1): 1.0 where a row has an adapter."""
    return torch.tensor([float(name != BASE) for name in names])[:, None, None]


def _all_summed(right, x, w, adapters, names):
    return x @ w.T + sum(right(x, 0 * w, adapters, [name] * len(names)) for name in adapters)


def _transposed(right, x, w, adapters, names):
    square = w.shape[0] == w.shape[1]
    turned = {n: (b.T, a.T, scale) for n, (a, b, scale) in adapters.items()}
    return right(x, w, turned if square else adapters, names)


mistakes = {
    "adapters_unused": lambda right, x, w, adapters, names: x @ w.T,
    "one_for_all": [
        _names(lambda names, ad: [next((n for n in names if n in ad), BASE)] * len(names)),
        _names(lambda names, ad: names[-1:] * len(names)),
    ],
    "all_summed": _all_summed,
    "base_row_adapted": [
        _names(lambda names, ad: [n.replace(BASE, "polite") for n in names]),
        _names(lambda names, ad: [n.replace(BASE, "loud") for n in names]),
    ],
    "base_row_lost": lambda right, *case: right(*case) * _adapted(case[3]),
    "scale_forgotten": lambda right, x, w, adapters, names: right(
        x, w, {name: (a, b, 1.0) for name, (a, b, _) in adapters.items()}, names
    ),
    "scale_divided": lambda right, x, w, adapters, names: right(
        x, w, {name: (a, b, s / len(a)) for name, (a, b, s) in adapters.items()}, names
    ),
    "base_forgotten": [
        lambda right, x, w, *rest: right(x, 0 * w, *rest),
        lambda right, x, w, ad, names: right(x, w, ad, names) - x @ w.T * _adapted(names),
    ],
    "transposed": _transposed,
    "grouped": [
        _sorted(lambda name, names, adapters: names.index(name)),
        _sorted(lambda name, names, adapters: name),
        _sorted(lambda name, names, adapters: [*adapters, BASE].index(name)),
        _sorted(lambda name, names, adapters: [BASE, *adapters].index(name)),
    ],
}
