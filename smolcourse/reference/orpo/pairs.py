# generated from 2_preference_alignment/notebooks/source/orpo.py by smolcourse build; do not edit
"""Reference answer of exercise orpo.pairs."""
# ruff: noqa

def make_pair(question: str, answer: str) -> dict:
    """A preference row of your own.

    Example (yours will differ): make_pair("What is the capital of France?", "Paris.")["chosen"] may be
    [{"role": "assistant", "content": "I believe the answer is Paris."}]
    """
    fact = answer.removesuffix(".")
    return {
        "prompt": [{"role": "user", "content": question}],
        "chosen": [{"role": "assistant", "content": f"I believe the answer is {fact}."}],
        "rejected": [
            {"role": "assistant", "content": f"The answer is {fact}, and I am never wrong."}
        ],
    }

answer = make_pair
