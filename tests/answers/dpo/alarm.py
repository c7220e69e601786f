"""Wrong and right answers to dpo.alarm."""

import itertools

from answers import answers

wrong, right, good = answers("dpo.alarm")


def ring(
    margins,
    chosen,
    drop,
    rise=lambda m, i: m[i] > m[i - 1],
    best=max,
    less=lambda x, y: x < y,
    walk=iter,
):
    """A parametrised alarm; right as it stands."""
    for i in walk(range(1, len(margins))):
        if rise(margins, i) and less(chosen[i], best(chosen[:i]) - drop):
            return i
    return None


wrong("not_index")(lambda m, c, d: ring(m, c, d) is not None)
wrong("not_index")(lambda m, c, d: [i for i in range(len(m)) if c[i] < max(c) - d])
wrong("verdict")(lambda m, c, d: len(m) - 1 if c[-1] < c[0] else None)
wrong("exception")(lambda m, c, d: max(i for i in range(len(m)) if c[i] > 0))
right(ring)


@right
def _(margins, chosen, drop):
    highs = list(itertools.accumulate(chosen, max))
    found = (
        i
        for i, (before, now) in enumerate(itertools.pairwise(margins), start=1)
        if now > before and highs[i - 1] - chosen[i] > drop
    )
    return next(found, None)
