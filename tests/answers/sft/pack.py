"""Wrong and right answers to sft.pack."""

import torch
from answers import answers

wrong, right, good = answers("sft.pack")


def packer(lengths, size, *, order="down", choose="first", fits=lambda need, left: need <= left):
    """A parametrised packer; right as it stands."""
    if any(length > size for length in lengths):
        raise ValueError("too long")
    indices = list(range(len(lengths)))
    if order != "given":
        indices.sort(key=lengths.__getitem__, reverse=order == "down")
    bins, room = [], []
    for i in indices:
        open_bins = [b for b, left in enumerate(room) if fits(lengths[i], left)]
        if choose == "next":
            open_bins = [b for b in open_bins if b == len(room) - 1]
        if not open_bins:
            bins.append([])
            room.append(size)
            open_bins = [len(bins) - 1]
        key = {"best": room.__getitem__, "worst": lambda b: -room[b]}.get(choose)
        b = min(open_bins, key=key) if key else open_bins[0]
        bins[b].append(i)
        room[b] -= lengths[i]
    return bins


def packs(**options):
    return lambda lengths, size: packer(lengths, size, **options)


wrong("too_full")(packs(fits=lambda need, left: left > 0))
wrong("none")(lambda n, s: None)
wrong("mutated")(lambda n, s: n.sort(reverse=True) or packer(n, s, order="given"))


def by_position(lengths, size):
    """First fit over the sorted lengths, with the positions of that list in the bins."""
    bins, room = [], []
    for i, length in enumerate(sorted(lengths, reverse=True)):
        if length > size:
            raise ValueError("too long")
        b = next((b for b, left in enumerate(room) if length <= left), len(room))
        if b == len(room):
            bins.append([])
            room.append(size)
        bins[b].append(i)
        room[b] -= length
    return bins


wrong("sorted_positions")(by_position)


@wrong("refused")
def _(lengths, size):
    if max(lengths) >= size:
        raise ValueError
    return packer(lengths, size)


@wrong("long_row_error")
def _(lengths, size):
    assert max(lengths) <= size, "too long"
    return packer(lengths, size)


@wrong("exception")
def _(lengths, size):
    bins = packer(lengths, size)
    bins[0].remove(99)  # ValueError, but not because a row is too long
    return bins


right(packs(choose="best"))
right(lambda n, s: tuple(map(tuple, packer(n, s))))
right(lambda n, s: [*packer(n, s), []])  # an empty bin costs nothing
wrong("iterator")(lambda n, s: (b for b in packer(n, s)))
right(lambda n, s: [torch.tensor(b).tolist() for b in packer(n, s)])


@right
def _(lengths, size):  # sorted with pop, and an exception of one's own kind
    class TooLong(ValueError):
        pass

    todo, bins = sorted((n, i) for i, n in enumerate(lengths)), []
    while todo:
        n, i = todo.pop()
        if n > size:
            raise TooLong(i)
        home = next((b for b in bins if sum(lengths[j] for j in b) + n <= size), None)
        bins.append([i]) if home is None else home.append(i)
    return bins
