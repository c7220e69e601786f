"""grpo.alarm: the first step at which the proxy has risen and the truth has fallen."""

from smolcourse.checks.core import Wrong, expect_type

pure = True


def cases(rng):
    up = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    lift = round(rng.uniform(0, 3), 2)
    curves = [
        ([0.0, 1.0, 2.0, 3.0], [0.5, 0.6, 0.7, 0.1], 2),
        (up, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2),  # all is well
        (up, [0.9, 0.8, 0.9, 0.9, 0.9, 0.9], 1),
        (up, [0.5, 0.9, 0.8, 0.7, 0.6, 0.6], 3),  # above its start all the time, and falling
        (up, [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], 1),  # the first step that can be judged
        (up[::-1], [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], 2),  # both fall: bad, but no cheat
        (up, [0.5] * 6, 2),
        ([1.0] * 6, [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], 2),
        ([0.0, 5.0, 2.0, 1.0, 2.5, 9.0], [0.5, 0.5, 0.6, 0.4, 0.5, 0.3], 2),
        ([3.0, 1.0, 1.0, 1.0], [0.1, 0.5, 0.5, 0.5], 2),  # step 0 has nothing before it
        ([0.0, 1.0], [1.0, 0.0], 3),  # too short to judge: last, since a loop from 0 stops there
    ]
    return [([x + lift for x in proxy], truth, patience) for proxy, truth, patience in curves]


def observe(answer, case):
    step = answer(*case)
    if isinstance(step, bool):
        raise Wrong("not_a_step")
    return None if step is None else expect_type(step, int)


def judge(seen, wanted, case):
    if seen != wanted:
        facts = dict(zip(("proxy", "truth", "patience"), case, strict=True))
        raise Wrong("alarm_value", **facts, got=seen, want=wanted)


def _first(test, start=lambda patience: patience, back=lambda t, patience: t - patience, pick=0):
    """A mistake: the first step t where `test(proxy now, then, truth now, then)` holds."""

    def wrong(right, proxy, truth, patience):
        if len(proxy) <= patience:
            return None
        found = [
            t
            for t in range(start(patience), len(proxy))
            for s in [back(t, patience)]
            if test(proxy[t], proxy[s], truth[t], truth[s])
        ]
        return found[pick] if found else None

    return wrong


def _cheats(now, then, true_now, true_then):
    return now > then and true_now < true_then


mistakes = {
    "never": lambda right, *case: None,
    "only_truth": _first(lambda p, q, t, u: t < u),
    "only_proxy": _first(lambda p, q, t, u: p > q),
    "either": _first(lambda p, q, t, u: p > q or t < u),
    "last_step": _first(_cheats, pick=-1),
    "since_start": _first(_cheats, back=lambda t, patience: 0),
    "one_step": _first(_cheats, back=lambda t, patience: t - 1),
    "equal_counts": _first(lambda p, q, t, u: p >= q and t <= u),
    "wraps": _first(_cheats, start=lambda patience: 0),
    "starts_late": _first(_cheats, start=lambda patience: patience + 1),
    "counted_from": [
        lambda right, *case: None if right(*case) is None else right(*case) + 1,
        lambda right, *case: None if right(*case) is None else right(*case) - case[2],
    ],
}
