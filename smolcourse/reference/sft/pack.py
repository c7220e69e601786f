# generated from 1_instruction_tuning/notebooks/source/supervised_fine_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise sft.pack."""
# ruff: noqa

def pack(lengths: list[int], size: int) -> list[list[int]]:
    """Row indices, packed into bins of at most `size` tokens.

    Example: pack([5, 3, 4, 2], 7) may return [[0, 3], [2, 1]].
    """
    if any(length > size for length in lengths):
        raise ValueError(f"a row is longer than the bin size {size}")
    bins, room = [], []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        for b, left in enumerate(room):
            if lengths[index] <= left:
                bins[b].append(index)
                room[b] -= lengths[index]
                break
        else:
            bins.append([index])
            room.append(size - lengths[index])
    return bins

answer = pack
