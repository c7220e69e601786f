"""lora.memory: all weights, and gradients and two states for what is trained."""

from smolcourse.checks.core import Wrong, expect_type

pure = True
NAMES = ("weights", "gradients", "optimizer")


def cases(rng):
    total = rng.randrange(1_000_000, 9_000_000)
    fixed = [(1000, 10), (1000, 1000), (77, 5, 2), (50, 0, 8)]
    return [*fixed, (total, rng.randrange(1000, 90_000)), (total, total // 50, 2)]


def observe(answer, case):
    found = expect_type(answer(*case), dict)
    for name in NAMES:
        if name not in found:
            raise Wrong("missing_key", name=name)
        if isinstance(found[name], bool) or not isinstance(found[name], int):
            raise Wrong("not_integer", name=name, got=type(found[name]).__name__)
    for name in found:  # the notebook compares each of them with what it measures
        if name not in NAMES:
            raise Wrong("extra_key", name=str(name)[:40])
    return {name: found[name] for name in NAMES}


def judge(seen, wanted, case):
    total, trained, size = (*case, 4)[:3]
    facts = {"args": case, "size": size}
    wrong = {name for name in NAMES if seen[name] != wanted[name]}
    if "weights" in wrong and seen["weights"] == trained * size:
        raise Wrong("weights_of_trained")
    if "gradients" in wrong and seen["gradients"] == total * size:
        raise Wrong("gradients_of_all")
    if "optimizer" in wrong and seen["optimizer"] == 2 * total * size:
        raise Wrong("states_of_all")
    if "optimizer" in wrong and seen["optimizer"] == trained * size:
        raise Wrong("one_state")
    for name, count in zip(NAMES, (total, trained, 2 * trained), strict=True):
        if name in wrong and seen[name] == count:
            raise Wrong("numbers_not_bytes", name=name)
        if name in wrong and seen[name] == 4 * count:
            raise Wrong("size_ignored", name=name, **facts)
    if wrong:
        raise Wrong("value", got=seen, expected=wanted)


def _but(**changed):
    """A mistake: some numbers computed otherwise, from (total, trained, size)."""

    def wrong(right, total, trained, size=4):
        values = {name: formula(total, trained, size) for name, formula in changed.items()}
        return right(total, trained, size) | values

    return wrong


mistakes = {
    "gradients_of_all": _but(gradients=lambda n, t, s: n * s),
    "states_of_all": _but(optimizer=lambda n, t, s: 2 * n * s),
    "one_state": _but(optimizer=lambda n, t, s: t * s),
    "extra_key": _but(total=lambda n, t, s: n * s + 3 * t * s),
    "weights_of_trained": _but(weights=lambda n, t, s: t * s),
    "numbers_not_bytes": [
        lambda right, total, trained, size=4: right(total, trained, 1),
        _but(optimizer=lambda n, t, s: 2 * t),
        _but(gradients=lambda n, t, s: t),
    ],
    "size_ignored": [
        lambda right, total, trained, size=4: right(total, trained),
        _but(optimizer=lambda n, t, s: 8 * t),
        _but(gradients=lambda n, t, s: 4 * t),
    ],
}
