"""chat.split: the prompt as at inference, the answer as in the training text, token by token."""

from smolcourse.chatml import CHAT_TEMPLATE
from smolcourse.checks.chat.common import (
    OTHER_TEMPLATE,
    SPACED_TEMPLATE,
    THINKING_TEMPLATE,
    chat,
    ids_of,
    make_tokenizer,
)
from smolcourse.checks.core import Wrong, expect_type, outcome, short
from smolcourse.checks.core.observe import error_facts

BREAKING = (SPACED_TEMPLATE, THINKING_TEMPLATE)


def cases(rng):
    name = rng.choice(["Ana", "Italy", "Rome"])
    chats = [
        chat("user: What is the capital of France?", "assistant: Paris."),
        chat(
            "system: Be terse.", "user: What is 3 + 4?", "assistant: 3 + 4 = 7.\nThe answer is 7."
        ),
        chat(
            f"user: My name is {name}.",
            "assistant: Hello.",
            "user: Who am I?",
            f"assistant: {name}.",
        ),
        chat(
            "user: assistant",
            "assistant: the assistant answers",
            "user: Zürich?",
            "assistant: 你好",
        ),
    ]
    whole = [(template, m) for template in (CHAT_TEMPLATE, OTHER_TEMPLATE) for m in chats]
    return whole + [(template, chats[0]) for template in BREAKING]


def observe(answer, case):
    template, messages = case
    if template in BREAKING:
        return outcome(answer, make_tokenizer(template), messages)
    try:
        got = answer(make_tokenizer(template), messages)
    except ValueError as error:
        raise Wrong("refused", **error_facts(error)) from error
    got = expect_type(got, (tuple, list))
    if len(got) != 2:
        raise Wrong("not_a_pair", count=len(got))
    for place, part in enumerate(got):
        if isinstance(part, dict):
            raise Wrong("batch_encoding")
        if isinstance(part, str):
            raise Wrong("text_not_ids")
        where, outer = f"[{place}]", type(got).__name__
        for at, token in enumerate(expect_type(part, list, where=where, outer=outer)):
            expect_type(token, int, where=f"{where}[{at}]", outer=outer)
    return list(got)


def judge(seen, wanted, case):
    template, messages = case
    if template in BREAKING:
        if seen.get("raised") != "ValueError":
            raise Wrong("no_error")
    elif seen != wanted:
        _name(make_tokenizer(template), messages, seen, wanted)


def _name(tokenizer, messages, seen, wanted) -> None:
    """Raise Wrong with what is the matter with (prompt, answer)."""
    (prompt, answer), (right_prompt, right_answer) = seen, wanted
    whole = right_prompt + right_answer
    characters = len(tokenizer.decode(right_prompt))
    other = tokenizer.chat_template == OTHER_TEMPLATE

    def facts(got, want):
        return {"expected": short(tokenizer.decode(want)), "got": short(tokenizer.decode(got))}

    if (prompt, answer) == (whole[:characters], whole[characters:]):
        raise Wrong("text_length", characters=characters, tokens=len(right_prompt))
    if prompt == ids_of(tokenizer, messages[:-1]):
        raise Wrong("no_generation_prompt")
    if prompt[: len(whole)] == whole:
        raise Wrong("answer_in_prompt")
    if prompt != right_prompt:
        raise Wrong("template_ignored" if other else "prompt_ids", **facts(prompt, right_prompt))
    if answer == whole:
        raise Wrong("answer_is_whole")
    text, right_text = tokenizer.decode(answer), tokenizer.decode(right_answer)
    if text == right_text.rstrip("\n"):
        raise Wrong("line_break_lost")
    if text == messages[-1]["content"]:
        raise Wrong("end_lost")
    special = set(tokenizer.all_special_ids)
    if sum(t in special for t in answer) > sum(t in special for t in right_answer):
        raise Wrong("extra_special_tokens", **facts(answer, right_answer))
    if text.split() == right_text.split():
        raise Wrong("spaces_changed", **facts(answer, right_answer))
    raise Wrong("template_ignored" if other else "answer_ids", **facts(answer, right_answer))


def _but(change):
    """A mistake: `change(prompt, answer)` of the right lists."""
    return lambda right, tokenizer, messages: change(*right(tokenizer, messages))


mistakes = {
    "answer_in_prompt": _but(lambda prompt, answer: (prompt + answer, answer)),
    "prompt_ids": _but(lambda prompt, answer: (prompt[1:], answer)),
    "answer_is_whole": _but(lambda prompt, answer: (prompt, prompt + answer)),
    "line_break_lost": _but(lambda prompt, answer: (prompt, answer[:-1])),
    "answer_ids": _but(lambda prompt, answer: (prompt, answer[1:])),
    "extra_special_tokens": _but(lambda prompt, answer: (prompt, [0, *answer])),
    "not_a_pair": _but(lambda prompt, answer: prompt + answer),
}
