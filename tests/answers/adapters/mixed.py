"""Wrong and right answers to adapters.mixed."""

import torch
from answers import answers

wrong, right, good = answers("adapters.mixed")


def rows(x, weight, adapters, names, *, pick=lambda names, i: names[i], scaled=True, flip=False):
    """A parametrised mixed batch; right as it stands."""
    out = []
    for i, row in enumerate(x):
        base, name = row @ weight.T, pick(names, i)
        if name in adapters:
            a, b, scale = adapters[name]
            delta = b @ a
            delta = delta.T if flip and delta.shape[0] == delta.shape[1] else delta
            base = base + (scale if scaled else 1.0) * row @ delta.T
        out.append(base)
    return torch.stack(out)


wrong("rows")(lambda *args: rows(*args) * 2)
wrong("shape")(lambda *args: rows(*args)[:, -1])
wrong("return_type")(lambda *args: list(rows(*args)))
wrong("exception")(
    lambda x, w, adapters, names: torch.stack([r @ adapters[n][0].T for r, n in zip(x, names)])  # noqa: B905
)
wrong("mutated")(lambda x, w, ad, names: names.reverse() or rows(x, w, ad, names))
right(rows)


@right
def _(x, weight, adapters, names):
    out = x @ weight.T
    for name, (a, b, scale) in adapters.items():
        mine = [i for i, n in enumerate(names) if n == name]
        out[mine] += scale * (x[mine] @ a.T) @ b.T
    return out


@right
def _(x, weight, adapters, names):
    deltas = torch.stack(
        [
            weight + adapters[n][2] * adapters[n][1] @ adapters[n][0] if n in adapters else weight
            for n in names
        ]
    )
    return torch.einsum("nti,noi->nto", x, deltas)
