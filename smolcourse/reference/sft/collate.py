# generated from 1_instruction_tuning/notebooks/source/supervised_fine_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise sft.collate."""
# ruff: noqa

def collate(rows: list[dict], pad_token_id: int) -> dict:
    """A batch of rows, padded on the right.

    >>> collate([{"input_ids": [1, 5, 2], "labels": [-100, 5, 2]}, {"input_ids": [1, 2], "labels": [-100, 2]}], 0)["labels"].tolist()
    [[-100, 5, 2], [-100, 2, -100]]
    """
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    batch = {"input_ids": [], "labels": [], "attention_mask": []}
    for row in rows:
        real = len(row["input_ids"])
        missing = longest - real
        batch["input_ids"].append(row["input_ids"] + [pad_token_id] * missing)
        batch["labels"].append(row["labels"] + [-100] * missing)
        batch["attention_mask"].append([1] * real + [0] * missing)
    return {name: torch.tensor(values) for name, values in batch.items()}

answer = collate
