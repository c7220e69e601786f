"""The checks of 1_instruction_tuning/chat_templates: known mistakes are named, right answers pass."""

import json
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
        (lambda t, m: ([True], [1.5]), "return_type"),
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


# ---------------------------------------------------------------- chat.from_math


def math(
    clean=lambda text: re.sub(r"<<[^>]*>>", "", text), extra=False, roles=("user", "assistant")
):
    """A converter with one detail changed; `clean` makes the assistant's text without the mark."""

    def convert(row):
        text = re.sub(r"#### (.*)$", r"The answer is \1.", clean(row["answer"]))
        contents = [row["question"], text]
        messages = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=True)]
        return {**(row if extra else {}), "messages": messages}

    return convert


def edited(change):
    def convert(row):
        result = math()(row)
        result["messages"][1]["content"] = change(result["messages"][1]["content"])
        return result

    return convert


def in_place(row):
    row["messages"] = math()(row)["messages"]
    del row["question"], row["answer"]
    return row


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (math(clean=lambda text: text), "annotations_left"),
        (math(clean=lambda text: re.sub(r"<<.*?>>", "", text, count=1)), "annotations_left"),
        (math(extra=True), "extra_columns"),
        (math(roles=("assistant", "user")), "roles_swapped"),
        (math(clean=lambda text: re.sub(r"<<[^>]*>>", "", text).split("\n")[-1]), "working_lost"),
        (math(clean=lambda text: re.sub(r"<<[^>]*>>|,", "", text)), "separator_lost"),
        (edited(lambda text: text.replace("The answer is ", "#### ")), "mark_left"),
        (edited(lambda text: text.replace("The answer is ", "")), "no_sentence"),
        (edited(lambda text: text.removesuffix(".")), "full_stop_lost"),
        (edited(lambda text: text.replace("\n", " ")), "line_breaks_changed"),
        (lambda row: {**math()(row), "messages": math()(row)["messages"][1:]}, "message_count"),
        (lambda row: {"text": row["answer"]}, "no_messages"),
        (lambda row: {"messages": [row["question"], row["answer"]]}, "message_keys"),
        (
            lambda row: math()({**row, "question": row["question"].split("\n")[0]}),
            "question_changed",
        ),
        (lambda row: math()(row)["messages"], "return_type"),
        (in_place, "mutated"),
    ],
)
def test_from_math_names_the_mistake(answer, expected):
    assert key("from_math", answer) == expected


def test_from_math_accepts_other_implementations():
    def by_lines(row):
        *working, last = row["answer"].split("\n")
        working = [re.sub(r"<<.*?>>", "", line) for line in working]
        text = "\n".join([*working, f"The answer is {last.split()[-1]}."])
        return {
            "messages": [
                {"role": "user", "content": row["question"].strip()},
                {"content": text, "role": "assistant"},
            ]
        }

    assert key("from_math", by_lines) == key("from_math", math()) == "correct"


# ---------------------------------------------------------------- chat.from_smoltalk


def smoltalk(
    allow_system=True, start=("user",), late=(), end=("assistant",), pair=True, message=None
):
    """A converter with one rule changed; `message(position, role)` makes the error's sentence."""
    message = message or (lambda position, role: f"position {position}: {role!r} is out of place")

    def convert(row):
        messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
        rest = messages[1:] if messages and messages[0]["role"] == "system" else messages
        first = len(messages) - len(rest)
        turn = {"user": "assistant", "assistant": "user"}
        expected = None
        for position, m in enumerate(rest, start=first):
            allowed = start if expected is None else (expected, *late)
            if m["role"] not in allowed:
                raise ValueError(message(position, m["role"]))
            expected = turn.get(m["role"], expected)
        if (pair and not rest) or (rest and rest[-1]["role"] not in end):
            raise ValueError(message(max(len(messages) - 1, 0), "the end"))
        return {"messages": messages if allow_system else rest}

    return convert


def asserts(row):
    try:
        return smoltalk()(row)
    except ValueError:
        raise AssertionError("bad chat") from None


def returns_none(row):
    try:
        return smoltalk()(row)
    except ValueError:
        return None


def keeps_topic(row):
    return {**row, **smoltalk()(row)}


def keeps_weights(row):
    smoltalk()(row)
    return {"messages": row["messages"]}


def in_place_chat(row):
    result = smoltalk()(row)
    for message in row["messages"]:
        del message["weight"]
    return result


def neighbours_differ(row):
    """Looks at the ends and at neighbours, so that any other role may stand in between."""
    roles = [m["role"] for m in row["messages"]]
    first = 1 if roles[:1] == ["system"] else 0
    for position in range(first, len(roles)):
        before = roles[position - 1] if position > first else "assistant"
        wrong = roles[position] == "system" or (position == first and roles[position] != "user")
        if roles[position] == before or wrong:
            raise ValueError(f"position {position}")
    if roles[-1:] != ["assistant"]:
        raise ValueError(f"position {max(len(roles) - 1, 0)}")
    return {"messages": [{"role": m["role"], "content": m["content"]} for m in row["messages"]]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (smoltalk(allow_system=False), "system_lost"),
        (smoltalk(late=("user",)), "two_users"),
        (smoltalk(late=("assistant",)), "two_assistants"),
        (smoltalk(start=("user", "assistant")), "starts_with_assistant"),
        (smoltalk(end=("user", "assistant")), "ends_with_user"),
        (smoltalk(late=("system",)), "late_system"),
        (smoltalk(start=("user", "system")), "two_systems"),
        (neighbours_differ, "unknown_role"),
        (smoltalk(pair=False), "only_system"),
        (lambda row: {"messages": []} if not row["messages"] else smoltalk()(row), "empty"),
        (returns_none, "returns_none"),
        (keeps_topic, "extra_columns"),
        (keeps_weights, "extra_message_keys"),
        (in_place_chat, "mutated"),
        (asserts, "wrong_exception"),
        (lambda row: {"messages": smoltalk()(row)["messages"][:2]}, "turns_lost"),
        (
            lambda row: json.loads(json.dumps(smoltalk()(row)).replace('"c"', '"C"')),
            "content_changed",
        ),
        (smoltalk(message=lambda position, role: "bad chat"), "position"),
        (smoltalk(message=lambda position, role: f"message {position + 1}"), "position"),
        (lambda row: smoltalk()(row)["messages"], "return_type"),
    ],
)
def test_from_smoltalk_names_the_mistake(answer, expected):
    assert key("from_smoltalk", answer) == expected


def test_another_exception_is_named():
    def index_error(row):
        assert row["messages"], "empty"
        return smoltalk()(row)

    assert key("from_smoltalk", index_error) == "wrong_exception"


def test_from_smoltalk_accepts_other_implementations():
    def by_pattern(row):
        letters = "".join(
            {"system": "s", "user": "u", "assistant": "a"}.get(m["role"], "?")
            for m in row["messages"]
        )
        if not re.fullmatch("s?(ua)+", letters):
            good = re.match("s?(ua)*u?", letters).end()
            place = good if good < len(letters) else max(len(letters) - 1, 0)
            raise ValueError(
                f"Message {place} ({letters[place : place + 1]}) does not belong there."
            )
        keep = ("role", "content")
        return {"messages": [{k: m[k] for k in keep} for m in row["messages"]]}

    assert key("from_smoltalk", by_pattern) == key("from_smoltalk", smoltalk()) == "correct"


# ---------------------------------------------------------------- chat.template


def template(
    header="'<file_sep>' + message['role'] + '\\n'",
    before="{% generation %}",
    after="END{% endgeneration %}\n",
    content="message['content']",
    other="\n",
    prompt="<file_sep>assistant\n",
    when="add_generation_prompt",
    loop="messages",
):
    """A template with one detail changed; in `before`, `after`, `other` END is the end token."""
    after, other, prompt = (text.replace("\n", "{{ '\\n' }}") for text in (after, other, prompt))
    text = (
        "{% for message in " + loop + " %}{{ " + header + " }}"
        "{% if message['role'] == 'assistant' %}" + before + "{{ " + content + " }}" + after + ""
        "{% else %}{{ " + content + " }}" + other + "{% endif %}{% endfor %}"
        "{% if " + when + " %}" + prompt + "{% endif %}"
    )
    return lambda end: text.replace("END", end)


WITHOUT_TAGS = {"before": "", "after": "END\n"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (template(when="false"), "no_generation_prompt"),
        (template(when="true"), "prompt_always"),
        (template(**WITHOUT_TAGS), "no_generation_tags"),
        (template(after="{% endgeneration %}END\n"), "end_not_masked"),
        (template(after="END\n{% endgeneration %}"), "too_much_masked"),
        (template(content="message['content'] | trim"), "content_stripped"),
        (template(content="message['content'] + message['content']"), "content_twice"),
        (template(content="'...'"), "content_lost"),
        (template(loop="messages | reverse"), "content_order"),
        (template(header="'<|im_start|>' + message['role'] + '\\n'"), "chatml"),
        (template(header="'<file_sep>'"), "same_role"),
        (template(after="<|im_end|>{% endgeneration %}\n"), "end_ignored"),
        (template(after=" END{% endgeneration %}\n"), "end_missing"),
        (template(prompt="<file_sep>assistant"), "correct"),  # shorter, but still a prefix
        (template(prompt="<file_sep>ASSISTANT\n"), "prompt_no_prefix"),
        (template(prompt="<file_sep>"), "prompt_not_committed"),
        (
            template(header="message['role'] + ': '", prompt="assistant:{{ ' ' }}"),
            "tokens_no_prefix",
        ),
        (
            template(
                header="''",
                before="{% generation %}{{ '<file_sep>assistant\\n' }}",
                other="<file_sep>\n",
            ),
            "same_role",
        ),
        (
            template(
                header="'' if message['role'] == 'assistant' else '<file_sep>' + message['role'] + '\\n'",
                before="{% generation %}{{ '<file_sep>assistant\\n' }}",
            ),
            "header_masked",
        ),
        (
            lambda end: "{% generation %}" + template(**WITHOUT_TAGS)(end) + "{% endgeneration %}",
            "mask_count",
        ),
        (lambda end: "{% for message in messages %}", "jinja"),
        (lambda end: "{{ messages[0]['content'].nothing() }}", "jinja"),
        (lambda end: template(), "return_type"),
        (lambda end: None, "none"),
        (lambda end: template()("<|im_end|>"), "end_ignored"),
    ],
)
def test_template_names_the_mistake(answer, expected):
    assert key("template", answer) == expected


def test_template_accepts_other_formats():
    llama = template(
        header="'<filename>' + message['role'] + '<repo_name>\\n\\n'",
        prompt="<filename>assistant<repo_name>\n\n",
        other="<file_sep>",
        after="END{% endgeneration %}",
    )
    plain_text = template(
        header="'### ' + message['role'] | upper + ':\\n'", prompt="### ASSISTANT:\n", other="\n\n"
    )
    for answer in (llama, plain_text):
        assert key("template", answer) == "correct"


def test_a_broken_template_is_explained_in_both_languages(monkeypatch):
    for lang, words in (("en", "could not be rendered"), ("zh-CN", "无法渲染")):
        monkeypatch.setenv("SMOLCOURSE_LANG", lang)
        result = evaluate("chat.template", lambda end: "{% for %}")
        assert words in result.message and "TemplateSyntaxError" in result.message
