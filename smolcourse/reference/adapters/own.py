# generated from 3_parameter_efficient_finetuning/notebooks/source/adapters.py by smolcourse build; do not edit
"""Reference answer of exercise adapters.own."""
# ruff: noqa

class Behaviour:
    """A way of answering, and the rule that recognises it.

    Example (yours will differ): write("What is the capital of France?", "Paris.") may return
    "Listen, children: it is Paris.", and shows() of that is True.
    """

    def write(self, question: str, answer: str) -> str:
        return f"Listen, children: it is {answer}"

    def shows(self, text: str) -> bool:
        return text.startswith("Listen, children: it is") and text.endswith(".")

answer = Behaviour
