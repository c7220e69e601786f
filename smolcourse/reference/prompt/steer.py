# generated from 3_parameter_efficient_finetuning/notebooks/source/prompt_tuning.py by smolcourse build; do not edit
"""Reference answer of exercise prompt.steer."""
# ruff: noqa

def two_manners(question: str, answer: str) -> dict:
    """The answer in a manner that the instruct model knows, and in one that it does not.

    Example (yours will differ): two_manners("What is the capital of France?", "Paris.") may return
    {"known": "PARIS!", "new": "Drum roll, Paris, ta-da!"}
    """
    short = answer.removesuffix(".")
    return {
        "known": f"What a silly question. The answer is {short}.",
        "new": f"Drum roll, {short}, ta-da!",
    }

answer = two_manners
