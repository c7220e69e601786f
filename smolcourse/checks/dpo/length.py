"""dpo.length: preference accuracy where the chosen answer is the longer one, and the shorter one."""

from smolcourse.checks.core import Wrong, expect_type, short

pure = True
NAMES = ("longer", "shorter")


def cases(rng):
    n = rng.randrange(7, 10)
    margins = [1.0, -1.0, *(rng.choice([-1.0, 0.0, 1.0, 2.0]) for _ in range(n - 2))]
    return [
        ([1.0, -2.0, 3.0, -1.0, 2.0], [9, 8, 4, 3, 2], [4, 4, 6, 7, 5]),
        ([0.0, 1.0, -1.0], [5, 6, 2], [4, 4, 8]),  # a tie is no preference
        ([1.0, -1.0, 2.0, 1.0], [3, 7, 5, 9], [3, 2, 5, 2]),  # equal lengths, and no shorter one
        ([-0.5, 0.5, 0.25, 4.0], [3, 2, 6, 5], [8, 9, 6, 6]),
        (margins, [rng.randrange(2, 6) for _ in range(n)], [rng.randrange(2, 6) for _ in range(n)]),
    ]


def observe(answer, case):
    try:
        shares = expect_type(answer(*case), dict)
    except ZeroDivisionError as error:
        raise Wrong("empty_group") from error
    if set(shares) != set(NAMES):
        raise Wrong("keys", got=sorted(map(str, shares)))
    return {name: shares[name] for name in NAMES}


def judge(seen, wanted, case):
    for name in NAMES:
        got, want = seen[name], wanted[name]
        if want is None and got is not None:
            raise Wrong("not_none", name=name, got=short(got))
        if want is None:
            continue
        expect_type(got, (float, int), "not_share", name=name)
        if not abs(got - want) < 1e-9:
            raise Wrong("share", name=name, got=f"{got:.3f}", want=f"{want:.3f}")


def _spoilt(margins=lambda m: m, chosen=lambda c, r: c, name="all"):
    """A mistake: other margins or lengths are handed to the right function."""

    def wrong(right, m, c, r):
        own = [chosen(x, y) for x, y in zip(c, r, strict=True)]
        return right([margins(x) for x in m], own, r)

    return wrong


def _shares(of):
    """A mistake: each share is `of(margins, its group's margins)`; None where the group is empty."""

    def wrong(right, m, c, r):
        rows = list(zip(m, c, r, strict=True))
        groups = [[x for x, y, z in rows if y > z], [x for x, y, z in rows if y < z]]
        return {n: of(m, g) if g else None for n, g in zip(NAMES, groups, strict=True)}

    return wrong


mistakes = {
    "groups_swapped": lambda right, m, c, r: right(m, r, c),
    "tie_counts": _spoilt(margins=lambda x: x if x else 1.0),
    "equal_lengths": [
        _spoilt(chosen=lambda x, y: x + 0.5),
        _spoilt(chosen=lambda x, y: x - 0.5),
        lambda right, m, c, r: {
            "longer": right(m, [x + 0.5 for x in c], r)["longer"],
            "shorter": right(m, [x - 0.5 for x in c], r)["shorter"],
        },
    ],
    "all_pairs": _shares(lambda m, group: sum(x > 0 for x in group) / len(m)),
    "no_groups": [
        lambda right, m, c, r: dict.fromkeys(NAMES, sum(x > 0 for x in m) / len(m)),
        _shares(lambda m, group: sum(x > 0 for x in m) / len(m)),
    ],
    "wrong_side": _spoilt(margins=lambda x: -x),
}
