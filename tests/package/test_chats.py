"""Chats of other people's datasets and SDKs: rendered as what they mean, or refused in one sentence."""

import copy
import dataclasses
import datetime
import pickle
import re

from datasets import Dataset
from datasets.fingerprint import Hasher
from pytest import fixture, mark, raises

from smolcourse import generate, models
from smolcourse.chats import in_order, put_in_order_first, tools_in_order
from smolcourse.errors import CourseError
from smolcourse.topics import preference

USER = {"role": "user", "content": "What is 23 times 17?"}
CALL = {"name": "calculator", "arguments": {"expression": "23 * 17"}}
TOOL = {
    "name": "calculator",
    "description": "Sums.",
    "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}},
}
HEAD = "<|im_start|>user\nWhat is 23 times 17?<|im_end|>\n"
TOOLS = '<|im_start|>system\nTools:\n{}\nCall: <tool_call>{{"name": "", "arguments": {{}}}}</tool_call><|im_end|>\n'


@fixture(scope="module")
def loaded():
    return models.load_tokenizer("smollm2-tiny-instruct")


def says(content=None, **more):
    return [USER, {"role": "assistant", "content": content, **more}]


def calls(arguments, name="calculator"):
    return says(
        tool_calls=[{"type": "function", "function": {"name": name, "arguments": arguments}}]
    )


def text(string):
    return {"type": "text", "text": string}


@dataclasses.dataclass
class Message:
    role: str
    content: str
    tool_calls: list | None = None


class Pydantic:
    """What OpenAI's client returns, as far as we need it."""

    def model_dump(self):
        return {"role": "assistant", "content": "391.", "refusal": None, "tool_calls": None}


def turn(words):
    return f"{HEAD}<|im_start|>assistant\n{words}<|im_end|>\n"


def called(arguments, name="calculator"):
    return turn(f'<tool_call>{{"name": "{name}", "arguments": {arguments}}}</tool_call>')


@mark.parametrize(
    ("messages", "want"),
    [
        (says([text("39"), text("1.")]), turn("391.")),
        (says(["39", {"type": None, "text": "1.", "image": None}]), turn("391.")),
        (says([{"type": "output_text", "text": "391.", "annotations": []}]), turn("391.")),
        (says([]), turn("")),
        (says(""), turn("")),
        ([{**USER, "content": [text(USER["content"])]}], HEAD),
        ([{"role": "system", "content": None}, USER], HEAD),
        ([USER, Message("assistant", "391.")], turn("391.")),
        ([USER, Pydantic()], turn("391.")),
        (says("391.", tool_calls=[]), turn("391.")),
        (says(tool_calls=[CALL]), called('{"expression": "23 * 17"}')),
        (calls({"expression": "1", "city": None}), called('{"expression": "1"}')),
        (
            calls({"at": {"x": 1, "y": None}, "all": [1, None, {"z": None}]}),
            called('{"at": {"x": 1}, "all": [1, null, {}]}'),
        ),
        (calls('{"expression": "1"}'), called('{"expression": "1"}')),
        *((calls(nothing, "now"), called("{}", "now")) for nothing in (None, {}, "", "null")),
        (says(tool_calls=[{"function": {"name": "now"}}]), called("{}", "now")),
    ],
)
def test_a_chat_is_rendered_as_what_it_means(loaded, messages, want):
    before = repr(messages)
    assert loaded.apply_chat_template(messages, tokenize=False) == want
    assert repr(messages) == before  # the caller's own


def without(*keys):
    return {key: value for key, value in TOOL.items() if key not in keys}


def now():
    """Tell the time."""


@mark.parametrize(
    ("tool", "line"),
    [
        (TOOL, "calculator(expression): Sums."),
        (without("parameters"), "calculator(): Sums."),
        (without("description"), "calculator(expression): "),
        ({**TOOL, "description": None, "parameters": None}, "calculator(): "),
        ({**TOOL, "parameters": {"type": "object"}}, "calculator(): Sums."),
        ({**TOOL, "parameters": {}}, "calculator(): Sums."),
        # Two tools in one table: each has the other's arguments, as null.
        (
            {**TOOL, "parameters": {"properties": {"city": None, "expression": {}}}},
            "calculator(expression): Sums.",
        ),
        (now, "now(): Tell the time."),
    ],
)
def test_a_tools_description_and_parameters_are_optional(loaded, tool, line):
    shapes = [tool] if callable(tool) else [tool, {"type": "function", "function": tool}]
    for shape in shapes:
        found = loaded.apply_chat_template([USER], tools=[shape], tokenize=False)
        assert found == TOOLS.format(line) + HEAD
    assert loaded.apply_chat_template([USER], tools=[], tokenize=False) == HEAD


def test_whole_chats_and_tools_stay_as_they_are():
    messages = [{"role": "system", "content": "s"}, *says("a", name="b"), *calls({"a": 1})]
    messages[-1].pop("content")
    assert in_order(messages) == messages
    tools = [TOOL, {"type": "function", "function": TOOL}]
    assert repr(tools_in_order(tools)) == repr(tools)  # in the same order of keys
    assert tools_in_order('[{"name": "now"}]')[0]["name"] == "now" and tools_in_order(None) is None


@mark.parametrize(
    ("messages", "start"),
    [
        ([USER, {"role": "tool", "content": None}], "messages[1] (role 'tool') has no content"),
        ([{"role": "user"}], "messages[0] (role 'user') has no content"),
        (says(None), "messages[1] (role 'assistant') has no content"),
        (says(391), "messages[1] (role 'assistant') has content of type int"),
        (says({"text": "391"}), "messages[1] (role 'assistant') has content of type dict"),
        (says(0), "messages[1] (role 'assistant') has content of type int"),
        (
            says([text("See:"), {"type": "image_url", "image_url": {"url": "data:"}}]),
            "messages[1] (role 'assistant') has a part of type 'image_url'",
        ),
        (
            says([{"type": "text", "text": None}]),
            "messages[1] (role 'assistant') has a part of type",
        ),
        (says([391]), "messages[1] (role 'assistant') has a part of type int"),
        ([USER, {"content": "391."}], "messages[1] has no role"),
        ([{"from": "human", "value": "Hi"}], "messages[0] has no role"),
        ([USER, "391."], "messages[1] is of type str"),
        ([USER, None], "messages[1] is of type NoneType"),
        ([], "A conversation needs at least one message"),
        ("Hi", "A conversation is a list of messages, not str"),
        (USER, "A conversation is a list of messages, not dict"),
        (says("", tool_calls="now"), "messages[1] (role 'assistant') has tool calls of type str"),
        (says("", tool_calls=["now"]), "messages[1] (role 'assistant') has a tool call without a"),
        (calls({}, None), "messages[1] (role 'assistant') has a tool call without a name"),
        (calls('{"a": '), "messages[1] (role 'assistant') calls 'calculator' with arguments that"),
        (calls("[1]"), "messages[1] (role 'assistant') calls 'calculator' with arguments that"),
        (calls([1]), "messages[1] (role 'assistant') calls 'calculator' with arguments that"),
        (calls({"a": datetime.date.today()}), "messages[1] (role 'assistant') calls 'calculator'"),
    ],
)
def test_anything_else_is_one_sentence_that_names_message_and_role(loaded, messages, start):
    with raises(CourseError) as error:
        loaded.apply_chat_template(messages, tokenize=False)
    said = str(error.value)
    assert said.startswith(start) and said.endswith(".") and not re.search(r"\n|[.] [A-Z]", said)


@mark.parametrize(
    ("tools", "start"),
    [
        ([TOOL, {"description": "Sums."}], "tools[1] has no name"),
        (["calculator"], "tools[0] has no name"),
        (TOOL, "tools is a list of functions, or of dicts with a name, not dict"),
        ("calculator", "tools is a list of functions, or of dicts with a name, not str"),
        ([{**TOOL, "description": 5}], "tools[0] ('calculator') can't be read"),
        ([{**TOOL, "parameters": ["expression"]}], "tools[0] ('calculator') can't be read"),
        ([{**TOOL, "parameters": {"properties": ["e"]}}], "tools[0] ('calculator') can't be read"),
        ([lambda x: x], "tools[0] ('<lambda>') can't be described"),
    ],
)
def test_a_tool_that_cannot_be_read_is_named(loaded, tools, start):
    with raises(CourseError) as error:
        loaded.apply_chat_template([USER], tools=tools, tokenize=False)
    assert str(error.value).startswith(start) and "\n" not in str(error.value)


def test_arguments_that_a_call_did_not_have_stay_absent_in_a_table(loaded):
    tools = [TOOL, {"name": "weather", "parameters": {"properties": {"city": {"type": "string"}}}}]
    rows = [
        {"messages": calls({"expression": "1 + 1"}), "tools": tools[:1]},
        {"messages": calls({"city": "Oslo"}, "weather"), "tools": tools},
    ]
    table = Dataset.from_list(rows)
    filled = table[1]["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert filled == {"expression": None, "city": "Oslo"}  # what this test is about
    for row, given in zip(table, rows, strict=True):
        whole = loaded.apply_chat_template(given["messages"], given["tools"], tokenize=False)
        assert loaded.apply_chat_template(row["messages"], row["tools"], tokenize=False) == whole
        assert "null" not in whole and "None" not in whole

    from trl.data_utils import _tokenize  # what its trainers call

    row = table[1]
    ids = _tokenize(loaded, row["messages"], tools=row["tools"])["input_ids"]
    assert loaded.decode(ids).count('{"city": "Oslo"}') == 1


def test_a_batch_is_put_in_order_and_the_mask_covers_the_joined_parts(loaded):
    chat = says([text("39"), text("1.")])
    both = loaded.apply_chat_template([chat, says("391.")], tokenize=False)
    assert both == [turn("391.")] * 2
    whole = loaded.apply_chat_template(chat, return_assistant_tokens_mask=True)
    pairs = zip(whole["input_ids"], whole["assistant_masks"], strict=True)
    assert loaded.decode([token for token, mine in pairs if mine]) == "391.<|im_end|>"


def test_the_tokenizer_is_saved_copied_and_hashed_as_before(loaded, tmp_path):
    from transformers import AutoTokenizer

    bare = AutoTokenizer.from_pretrained(models.path("smollm2-tiny-instruct"))
    bare.padding_side = "left"
    for name, tokenizer in (("bare", bare), ("loaded", loaded)):
        tokenizer.save_pretrained(tmp_path / name)
    for file in (tmp_path / "bare").iterdir():
        assert (tmp_path / "loaded" / file.name).read_bytes() == file.read_bytes(), file.name
    chat = says([text("391.")])
    for again in (copy.copy(loaded), copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        assert type(again) is type(loaded) and isinstance(again, type(bare))
        assert again.apply_chat_template(chat, tokenize=False) == turn("391.")
        assert Hasher.hash(again) == Hasher.hash(loaded)
    other = copy.copy(loaded)
    other.chat_template = "{{ messages[1]['content'] }}!"  # a copy's own
    assert other.apply_chat_template(chat, tokenize=False) == "391.!"
    put_in_order_first(loaded)  # a second time
    assert type(loaded) is type(again)


def test_a_tokenizer_of_the_learners_own_is_helped_too(model, tokenizer):
    parts = [{"role": "user", "content": [text("hi")]}]
    want = generate.chat(model, tokenizer, ["hi"], max_new_tokens=4)
    assert generate.chat(model, tokenizer, [parts], max_new_tokens=4) == want
    tools = [{"name": "now"}]
    assert generate.chat(model, tokenizer, [parts], tools=tools, max_new_tokens=4)
    answer = [{"role": "assistant", "content": [text("Yes"), text(".")]}]
    assert preference.text_of(answer) == "Yes."
    ids = preference.token_ids(tokenizer, parts, answer)
    assert ids == preference.token_ids(tokenizer, "hi", "Yes.")
    with raises(CourseError, match=r"messages\[1\] \(role 'assistant'\) has content of type int"):
        preference.token_ids(tokenizer, parts, [{"role": "assistant", "content": 5}])
    with raises(CourseError, match=r"messages\[0\] \(role 'assistant'\) has content of type int"):
        preference.text_of([{"role": "assistant", "content": 5}])
