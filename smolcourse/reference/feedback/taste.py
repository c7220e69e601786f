# generated from 2_preference_alignment/notebooks/source/human_feedback.py by smolcourse build; do not edit
"""Reference answer of exercise feedback.taste."""
# ruff: noqa

def taste(question: str, answer: str) -> float:
    """How much you like an answer.

    Example (yours will differ): a friend of short sentences gives "Paris. Bye." the score -1.0.
    """
    sentences = [part for part in answer.replace("!", ".").split(".") if part.strip()]
    return -len(answer.split()) / max(1, len(sentences))

answer = taste
