# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.from_math."""
# ruff: noqa

def from_math(row: dict) -> dict:
    r"""A GSM8K row as a chat.

    >>> from_math({"question": "How many?", "answer": "4 + 3 = <<4+3=7>>7 balls.\n#### 7"})
    {'messages': [{'role': 'user', 'content': 'How many?'},
                  {'role': 'assistant', 'content': '4 + 3 = 7 balls.\nThe answer is 7.'}]}
    """
    import re

    working, _, result = re.sub(r"<<[^>]*>>", "", row["answer"]).rpartition("#### ")
    return {
        "messages": [
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": f"{working}The answer is {result.strip()}."},
        ]
    }

answer = from_math
