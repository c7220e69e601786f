# generated from 1_instruction_tuning/notebooks/source/chat_templates.py by smolcourse build; do not edit
"""Reference answer of exercise chat.from_smoltalk."""
# ruff: noqa

def from_smoltalk(row: dict) -> dict:
    """A smoltalk row as a clean chat.

    >>> from_smoltalk({"full_topic": "greetings", "messages": [
    ...     {"role": "user", "content": "Hi", "id": 1}, {"role": "assistant", "content": "Hello.", "id": 2}]})
    {'messages': [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello.'}]}
    """
    messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
    first = 1 if messages and messages[0]["role"] == "system" else 0
    for position in range(first, len(messages)):
        expected = ("user", "assistant")[(position - first) % 2]
        if messages[position]["role"] != expected:
            role = messages[position]["role"]
            raise ValueError(
                f"The message at position {position} is from {role!r}, not from {expected!r}."
            )
    if len(messages) == first or messages[-1]["role"] != "assistant":
        last = max(len(messages) - 1, 0)
        raise ValueError(f"The chat ends at position {last} without an answer of the assistant.")
    return {"messages": messages}

answer = from_smoltalk
