"""sft.pack: any packing that keeps every row, overfills no bin and needs no bin too many."""

from smolcourse.checks.core import Wrong, expect_type, outcome

pure = True


def cases(rng):
    fixed = [
        ([5, 3, 4, 2], 7),
        ([6, 6, 6], 6),
        ([9], 20),
        ([5, 1, 5, 9], 10),  # first fit without sorting needs a third bin
        ([7, 3, 2, 2, 4, 5], 8),  # so do worst fit and looking only at the last bin, sorted or not
        ([4, 4, 4, 3, 3, 3, 2, 2, 2, 8, 1], 9),
        ([3, 9, 2], 8),  # too long
    ]
    size = rng.randrange(12, 30)
    drawn = [[rng.randrange(1, size) for _ in range(rng.randrange(8, 16))] for _ in range(2)]
    return [*fixed, *((lengths, size) for lengths in drawn), ([1, size + 1], size)]


def observe(answer, case):
    lengths, size = case
    if max(lengths) > size:
        return outcome(answer, lengths, size)
    try:
        bins = answer(lengths, size)
    except ValueError as error:
        if size not in lengths:
            raise  # a bug of another kind: the error's own words say more
        raise Wrong("refused", lengths=lengths, size=size) from error
    return [list(expect_type(group, (list, tuple), "not_bins")) for group in _list(bins)]


def _list(bins):
    return expect_type(bins, (list, tuple))


def judge(seen, wanted, case):
    lengths, size = case
    if max(lengths) > size:
        raised = seen.get("raised")
        if raised != "ValueError":
            raise Wrong("long_row_error", got=raised) if raised else Wrong("long_row")
        return
    flat = [i for group in seen for i in group]
    if any(not isinstance(i, int) or not 0 <= i < len(lengths) for i in flat):
        raise Wrong("not_indices", lengths=lengths, got=seen)
    if len(set(flat)) < len(flat):
        raise Wrong("row_twice", lengths=lengths, got=seen)
    if len(flat) < len(lengths):
        raise Wrong("row_lost", lengths=lengths, got=seen)
    ordered = sorted(lengths, reverse=True)
    for group in seen:
        total = sum(lengths[i] for i in group)
        if total > size:
            if all(sum(ordered[i] for i in each) <= size for each in seen):
                raise Wrong("sorted_positions", lengths=lengths, got=seen)
            raise Wrong("too_full", size=size, total=total)
    used = sum(1 for group in seen if group)
    if used > len(wanted):
        facts = {"lengths": lengths, "size": size, "got": used, "want": len(wanted)}
        raise Wrong("too_many_bins", **facts)


mistakes = {
    "too_many_bins": lambda right, lengths, size: [[i] for b in right(lengths, size) for i in b],
    "not_indices": lambda right, lengths, size: [
        [lengths[i] for i in group] for group in right(lengths, size)
    ],
    "not_bins": lambda right, lengths, size: [i for b in right(lengths, size) for i in b],
    "row_lost": lambda right, lengths, size: [group[:2] for group in right(lengths, size)],
    "row_twice": lambda right, lengths, size: [*right(lengths, size), [0]],
    "long_row": lambda right, lengths, size: right([min(n, size) for n in lengths], size),
}
