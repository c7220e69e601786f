"""The checks of 1_instruction_tuning/chat_templates: known mistakes are named, right answers pass.

The conversions: test_checks_chat_data.py; the format of one's own: test_checks_chat_format.py.
"""

import re

import pytest

from smolcourse.check import evaluate, find
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass
from smolcourse.checks.instruction_tuning_chat import (
    OTHER_TEMPLATE,
    SPLIT_CHATS,
    THINKING_TEMPLATE,
    ids_of,
    make_tokenizer,
)

EXERCISES = ["render", "split", "mask", "from_math", "from_smoltalk", "template"]
MODULES = ("", "_data", "_format")


def key(exercise, answer):
    """The message key of the verdict on an answer; "correct" if it is accepted."""
    result = evaluate(f"chat.{exercise}", answer)
    if result.status == "wrong":
        known = catalogue.read(find(result.id).module).get(result.id, {})
        assert result.key in known or result.key in catalogue.read("_generic"), result.key
        assert not re.search(r"\{\w+\}", result.message + result.hint), result
    return result.key


@pytest.mark.parametrize("exercise", EXERCISES)
def test_no_impostor_passes(exercise):
    assert impostors_that_pass(f"chat.{exercise}") == []


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_is_accepted_and_the_stub_is_not_attempted(exercise):
    def stub(*args, **kwargs):
        raise NotImplementedError

    assert key(exercise, find(f"chat.{exercise}").load_reference()) == "correct"
    assert key(exercise, stub) == "not_attempted"


def test_messages_are_complete_and_none_is_unused():
    """Every key of the catalogues is raised in the checkers' code, and in both languages."""
    from pathlib import Path

    for module in MODULES:
        name = f"instruction_tuning_chat{module}"
        assert catalogue.problems(name) == []
        code = Path(catalogue.FOLDER.parent / f"{name}.py").read_text("utf-8")
        for id, table in catalogue.read(name).items():
            for entry in table:
                assert f'"{entry}"' in code, f"{id}.{entry} is never raised"


# ---------------------------------------------------------------- chat.render


def rendered(
    role_break="\n", end="<|im_end|>", end_break="\n", prompt="<|im_start|>assistant\n", strip=False
):
    """A renderer with one detail changed."""

    def render(messages, add_generation_prompt=False):
        text = ""
        for m in messages:
            content = m["content"].strip() if strip else m["content"]
            text += f"<|im_start|>{m['role']}{role_break}{content}{end}{end_break}"
        return text + (prompt if add_generation_prompt else "")

    return render


def only_last(messages, add_generation_prompt=False):
    return rendered()(messages[-1:], add_generation_prompt)


def without_system(messages, add_generation_prompt=False):
    return rendered()([m for m in messages if m["role"] != "system"], add_generation_prompt)


def default_system(messages, add_generation_prompt=False):
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": "You are SmolLM."}, *messages]
    return rendered()(messages, add_generation_prompt)


def open_last(messages, add_generation_prompt=False):
    text = rendered()(messages).removesuffix("<|im_end|>\n")
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")


def joined(messages, add_generation_prompt=False):
    parts = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>" for m in messages]
    return "\n".join(parts + ["<|im_start|>assistant"] * add_generation_prompt)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            lambda messages, add_generation_prompt=False: rendered()(messages),
            "no_generation_prompt",
        ),
        (lambda m, add_generation_prompt=False: rendered()(m, True), "always_generation_prompt"),
        (rendered(prompt="<|im_start|>assistant\n<|im_end|>\n"), "prompt_closed"),
        (rendered(role_break=""), "no_break_after_role"),
        (rendered(role_break=" "), "no_break_after_role"),
        (rendered(end_break=""), "no_break_after_end"),
        (rendered(end=""), "end_missing"),
        (rendered(strip=True), "stripped"),
        (rendered(prompt="<|im_start|>assistant"), "last_break_lost"),
        (joined, "last_break_lost"),
        (open_last, "last_turn_open"),
        (only_last, "turn_lost"),
        (without_system, "system_lost"),
        (default_system, "default_system"),
        (lambda messages, add_generation_prompt=False: messages, "return_type"),
        (lambda messages, add_generation_prompt=False: None, "none"),
        (lambda messages: rendered()(messages), "exception"),
    ],
)
def test_render_names_the_mistake(answer, expected):
    assert key("render", answer) == expected


def test_render_accepts_other_implementations():
    def jinja(messages, add_generation_prompt=False):
        tokenizer = make_tokenizer()
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=add_generation_prompt
        )

    def by_list(messages, add_generation_prompt=False):
        pieces = []
        for m in [*messages]:
            pieces += ["<|im_start|>", m["role"], "\n", m["content"], "<|im_end|>", "\n"]
        if add_generation_prompt:
            pieces.append("<|im_start|>assistant\n")
        return "".join(pieces)

    assert key("render", jinja) == key("render", by_list) == "correct"


# ---------------------------------------------------------------- chat.split


def split_with(prompt_of=None, answer_of=None):
    """`prompt_of(tokenizer, messages, prompt, whole)`, `answer_of(...)` replace the right lists."""

    def split(tokenizer, messages):
        prompt, whole = ids_of(tokenizer, messages[:-1], prompt=True), ids_of(tokenizer, messages)
        if whole[: len(prompt)] != prompt:
            raise ValueError("no prefix")
        answer = whole[len(prompt) :]
        arguments = (tokenizer, messages, prompt, whole)
        return (
            prompt_of(*arguments) if prompt_of else prompt,
            answer_of(*arguments) if answer_of else answer,
        )

    return split


def by_text_length(tokenizer, messages):
    whole = ids_of(tokenizer, messages)
    text = tokenizer.decode(ids_of(tokenizer, messages[:-1], prompt=True))
    return whole[: len(text)], whole[len(text) :]


def own_markup(tokenizer, messages):
    render = rendered()
    prompt = tokenizer(render(messages[:-1], True), add_special_tokens=False)["input_ids"]
    return prompt, tokenizer(render(messages), add_special_tokens=False)["input_ids"][len(prompt) :]


def unguarded(tokenizer, messages):
    prompt = ids_of(tokenizer, messages[:-1], prompt=True)
    return prompt, ids_of(tokenizer, messages)[len(prompt) :]


def without_prompt(tokenizer, messages):
    prompt = ids_of(tokenizer, messages[:-1])
    return prompt, ids_of(tokenizer, messages)[len(prompt) :]


def plain_ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (without_prompt, "no_generation_prompt"),
        (by_text_length, "text_length"),
        (own_markup, "template_ignored"),
        (unguarded, "no_error"),
        (split_with(prompt_of=lambda t, m, p, w: w), "answer_in_prompt"),
        (split_with(prompt_of=lambda t, m, p, w: ids_of(t, m, prompt=True)), "answer_in_prompt"),
        (split_with(prompt_of=lambda t, m, p, w: p[1:]), "prompt_ids"),
        (split_with(answer_of=lambda t, m, p, w: w), "answer_is_whole"),
        (split_with(answer_of=lambda t, m, p, w: w[len(p) : -1]), "line_break_lost"),
        (split_with(answer_of=lambda t, m, p, w: plain_ids(t, m[-1]["content"])), "end_lost"),
        (split_with(answer_of=lambda t, m, p, w: [0, *w[len(p) :]]), "extra_special_tokens"),
        (split_with(answer_of=lambda t, m, p, w: ids_of(t, m[-1:])), "extra_special_tokens"),
        (
            split_with(answer_of=lambda t, m, p, w: plain_ids(t, " " + t.decode(w[len(p) :]))),
            "spaces_changed",
        ),
        (split_with(answer_of=lambda t, m, p, w: w[len(p) + 1 :]), "answer_ids"),
        (
            lambda t, m: (
                t.apply_chat_template(m[:-1], add_generation_prompt=True),
                t.apply_chat_template(m),
            ),
            "batch_encoding",
        ),
        (lambda t, m: (t.apply_chat_template(m, tokenize=False), ""), "text_not_ids"),
        (lambda t, m: ids_of(t, m), "not_a_pair"),
        (lambda t, m: ([True], [1.5]), "inside_type"),
        (lambda t, m: ([1], None), "inside_type"),
        (lambda t, m: None, "none"),
    ],
)
def test_split_names_the_mistake(answer, expected):
    assert key("split", answer) == expected


def test_split_accepts_other_implementations():
    import torch  # noqa: F401 (a notebook has it; importing it takes longer than a check may)

    def by_text(tokenizer, messages):
        options = {"tokenize": False}
        prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, **options)
        whole = tokenizer.apply_chat_template(messages, **options)
        ids, all_ids = plain_ids(tokenizer, prompt), plain_ids(tokenizer, whole)
        if all_ids[: len(ids)] != ids:
            raise ValueError("not a prefix")
        return [ids, all_ids[len(ids) :]]  # a list of two is a pair too

    def with_tensors(tokenizer, messages):
        prompt = tokenizer.apply_chat_template(
            messages[:-1], add_generation_prompt=True, return_tensors="pt"
        )["input_ids"][0]
        whole = tokenizer.apply_chat_template(messages, return_tensors="pt")["input_ids"][0]
        if whole[: len(prompt)].tolist() != prompt.tolist():
            raise ValueError("not a prefix")
        return prompt.tolist(), whole[len(prompt) :].tolist()

    assert key("split", by_text) == key("split", with_tensors) == "correct"


def test_an_answer_may_change_its_tokenizer():
    """Each check has a tokenizer of its own, so a broken one does not live on."""

    def vandal(tokenizer, messages):
        tokenizer.chat_template = "{{ 1 }}"
        return [1], [2]

    assert key("split", vandal) != "correct"
    assert key("split", split_with()) == "correct"


def test_the_breaking_templates_break():
    messages = SPLIT_CHATS[0]
    for template, breaks in ((OTHER_TEMPLATE, False), (THINKING_TEMPLATE, True)):
        tokenizer = make_tokenizer(template)
        prompt, whole = ids_of(tokenizer, messages[:-1], prompt=True), ids_of(tokenizer, messages)
        assert (whole[: len(prompt)] != prompt) == breaks


# ---------------------------------------------------------------- chat.mask


def library_mask(tokenizer, messages):
    encoded = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True)
    return encoded["assistant_masks"]


def scanning(tokenizer, messages):
    """Right for ChatML: walk over the ids, note who is speaking."""
    ids = ids_of(tokenizer, messages)
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    header = ids_of(tokenizer, messages[:1], prompt=True)
    header = header[len(header) - header[::-1].index(start) - 1 :]
    mask, position, writing = [], 0, False
    while position < len(ids):
        if ids[position : position + len(header)] == header:
            mask += [0] * len(header)
            position += len(header)
            writing = True
            continue
        mask.append(int(writing))
        writing = writing and ids[position] != end
        position += 1
    return mask


def changed(change):
    """`change(tokenizer, messages, mask, ids)` of the right mask."""
    return lambda t, m: change(t, m, library_mask(t, m), ids_of(t, m))


def last_turn(t, m, mask, ids):
    kept, seen_one, done = [], False, False
    for value in reversed(mask):
        done = done or (seen_one and not value)
        kept.append(0 if done else value)
        seen_one = seen_one or bool(value)
    return kept[::-1]


def without_end(t, m, mask, ids):
    end = t.convert_tokens_to_ids("<|im_end|>")
    return [0 if token == end else value for value, token in zip(mask, ids, strict=True)]


def with_break(t, m, mask, ids):
    return [int(v or (i and mask[i - 1])) for i, v in enumerate(mask)]


def with_header(t, m, mask, ids):
    start, wide = t.convert_tokens_to_ids("<|im_start|>"), list(mask)
    for i, value in enumerate(mask):
        if value and not mask[i - 1]:
            j = i
            while ids[j] != start:
                j -= 1
                wide[j] = 1
    return wide


def four_token_header(t, m, mask, ids):
    """The length of the header as it is with another tokenizer."""
    starts = [i for i, v in enumerate(mask) if v and not mask[i - 1]]
    return [0 if any(s <= i < s + 1 for s in starts) else v for i, v in enumerate(mask)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (changed(last_turn), "only_last_turn"),
        (changed(with_header), "header_has_loss"),
        (changed(without_end), "end_has_no_loss"),
        (changed(with_break), "break_has_loss"),
        (changed(four_token_header), "content_has_no_loss"),
        (changed(lambda t, m, mask, ids: [1 - v for v in mask]), "inverted"),
        (changed(lambda t, m, mask, ids: [0] * len(mask)), "all_zero"),
        (changed(lambda t, m, mask, ids: [1] * len(mask)), "others_have_loss"),
        (changed(lambda t, m, mask, ids: mask[1:] + [0]), "shifted"),
        (changed(lambda t, m, mask, ids: [0] + mask[:-1]), "shifted"),
        (changed(lambda t, m, mask, ids: mask + [0]), "length"),
        (changed(lambda t, m, mask, ids: [-100 if not v else 1 for v in mask]), "not_binary"),
        (lambda t, m: t.apply_chat_template(m), "batch_encoding"),
        (lambda t, m: None, "none"),
    ],
)
def test_mask_names_the_mistake(answer, expected):
    assert key("mask", answer) == expected


def test_mask_accepts_other_implementations():
    def booleans(tokenizer, messages):
        return [bool(value) for value in library_mask(tokenizer, messages)]

    for answer in (library_mask, scanning, booleans):
        assert key("mask", answer) == "correct"
