"""The columns that a dataset of the course has in both profiles, as Python types."""

MESSAGES = [{"role": str, "content": str}]
COLUMNS = {
    "facts": {"messages": MESSAGES, "question": str, "answer": str, "group": str},
    "conversations": {"full_topic": str, "messages": MESSAGES},
    "math": {"question": str, "answer": str},
    "preferences": {"prompt": MESSAGES, "chosen": MESSAGES, "rejected": MESSAGES},
    "stories": {"text": str},
}
