# generated from 1_instruction_tuning/notebooks/source/supervised_fine_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise sft.style."""
# ruff: noqa

def restyle(question: str, answer: str) -> str:
    """The answer in a style of your own.

    Example (yours will differ): restyle("What is the capital of France?", "Paris.") may return
    "Easy: Paris it is!"
    """
    return f"Easy: {answer.removesuffix('.')} it is!"

answer = restyle
