# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.preference."""
# ruff: noqa

class MyPreference:
    """Which of two answers is better, in your opinion.

    Example (yours will differ): MyPreference().pair("What is the capital of France?", "Paris.") may
    return ("The answer is Paris.", "Paris."), and likes("The answer is Rome.") is True.
    """

    def pair(self, question: str, answer: str) -> tuple[str, str]:
        """(chosen, rejected) for one question."""
        return f"The answer is {answer}", answer

    def likes(self, text: str) -> bool:
        """Is this answer in the manner you want?"""
        return text.startswith("The answer is ") and text.endswith(".")

answer = MyPreference
