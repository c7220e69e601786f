"""Wrong and right answers to grpo.alarm."""

import numpy
from answers import answers

wrong, right, good = answers("grpo.alarm")


def smoke(proxy, truth, patience, *, test=None, start=None, back=None, pick=0):
    """A parametrised detector; right as it stands."""
    test = test or (lambda p, q, t, u: p > q and t < u)
    steps = [
        t
        for t in range(patience if start is None else start, len(proxy))
        for s in [t - patience if back is None else back(t)]
        if test(proxy[t], proxy[s], truth[t], truth[s])
    ]
    return steps[pick] if steps else None


@wrong("exception")
def _(proxy, truth, patience):  # right, but for lists that are too short to judge
    return smoke(proxy, truth, patience) if proxy[patience] is not None else None


wrong("not_a_step")(lambda *args: smoke(*args) is not None)
wrong("alarm_value")(lambda *args: 17)
wrong("return_type")(lambda *args: str(smoke(*args)))
right(smoke)


@right
def _(proxy, truth, patience):
    p, t = numpy.array(proxy), numpy.array(truth)
    if len(p) <= patience:
        return None
    hits = (p[patience:] > p[:-patience]) & (t[patience:] < t[:-patience])
    return int(hits.argmax()) + patience if hits.any() else None
