# generated from 1_instruction_tuning/notebooks/source/supervised_fine_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise sft.labels."""
# ruff: noqa

def mask_labels(input_ids: list[int], assistant_mask: list[int]) -> list[int]:
    """Labels of one row.

    >>> mask_labels([5, 6, 7, 8], [0, 0, 1, 1])
    [-100, -100, 7, 8]
    """
    return [token if carries else -100 for token, carries in zip(input_ids, assistant_mask)]

answer = mask_labels
