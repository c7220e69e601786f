"""chat.mask: which tokens the assistant wrote, over several turns."""

from smolcourse.checks.chat.common import PROMPT, chat, ids_of, make_tokenizer
from smolcourse.checks.core import Wrong, expect_type, short


def cases(rng):
    names = rng.sample(["Ana", "Bo", "Zürich", "Li"], 2)
    return [
        chat("user: What is the capital of France?", "assistant: Paris."),
        chat(
            "system: Be terse.", "user: What is 3 + 4?", "assistant: 3 + 4 = 7.\nThe answer is 7."
        ),
        chat(
            f"user: I am {names[0]}.", "assistant: Hello.", "user: Who?", f"assistant: {names[1]}."
        ),
        chat("user: Hi.", "assistant: Hello.", "user: assistant\nsays the user", "assistant: user"),
        chat("user: Hello.", "assistant: Hello.", f"user: And {names[1]}?"),
        chat("user: Only a question."),
    ]


def observe(answer, case):
    tokenizer = make_tokenizer()
    mask = answer(tokenizer, case)
    if isinstance(mask, dict):
        raise Wrong("batch_encoding")
    mask = expect_type(mask, list)
    tokens = len(ids_of(tokenizer, case))
    if len(mask) != tokens:
        raise Wrong("length", got=len(mask), expected=tokens)
    for value in mask:
        if value not in (0, 1):
            raise Wrong("not_binary", got=short(value))
    return [int(value) for value in mask]


def judge(seen, wanted, case):
    if seen == wanted:
        return
    header, ends, breaks, earlier, others = _places(wanted)
    pairs = list(enumerate(zip(seen, wanted, strict=True)))
    extra = {i for i, (got, want) in pairs if got > want}
    missing = {i for i, (got, want) in pairs if got < want}
    if earlier and missing == earlier:
        raise Wrong("only_last_turn")
    if extra & others:
        raise Wrong("others_have_loss", count=len(extra & others))
    if extra & header:
        raise Wrong("header_has_loss", count=len(extra & header))
    if missing and missing <= ends:
        raise Wrong("end_has_no_loss")
    if extra & breaks:
        raise Wrong("break_has_loss")
    raise Wrong("content_has_no_loss", count=len(missing), total=sum(wanted))


def _places(wanted) -> tuple[set, set, set, set, set]:
    """Positions by kind: assistant headers, their ends, the line breaks after them, what the
    assistant wrote before its last turn, and everything that others wrote."""
    edges = range(1, len(wanted))
    starts = [i for i in edges if wanted[i] > wanted[i - 1]]
    stops = [i for i in edges if wanted[i] < wanted[i - 1]]
    width = len(make_tokenizer()(PROMPT)["input_ids"])
    header = {i for start in starts for i in range(start - width, start)}
    breaks = set(stops)
    written = {i for i, value in enumerate(wanted) if value}
    earlier = {i for i in written if i < starts[-1]} if starts else set()
    others = set(range(len(wanted))) - written - header - breaks
    return header, {stop - 1 for stop in stops}, breaks, earlier, others


def _shifted(right, tokenizer, messages):
    mask = right(tokenizer, messages)
    return mask[1:] + [0]


mistakes = {
    "inverted": lambda right, t, m: [1 - value for value in right(t, m)],
    "all_zero": lambda right, t, m: [0 for _ in right(t, m)],
    "shifted": [_shifted, lambda right, t, m: [0, *right(t, m)[:-1]]],
    "others_have_loss": lambda right, t, m: [1 for _ in right(t, m)],
}
