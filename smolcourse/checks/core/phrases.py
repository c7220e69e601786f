"""Looking for the words of a short answer in a text that a learner's function wrote."""

import re


def holds(text: str, short: str) -> bool:
    """Do the words of `short` ("Paris.") stand in the text, together and not inside longer words?

    Case and the full stop don't count. Not the regular expression's word boundary: to that, a
    Chinese character is a letter like any other, and 是Paris one word.
    """
    words = re.escape(short.removesuffix("."))
    return re.search(rf"(?<![A-Za-z0-9]){words}(?![A-Za-z0-9])", text, re.IGNORECASE) is not None
