"""The tokenizer keeps every text, and its chat template writes ChatML to the letter."""

import pytest
import small

from smolcourse.chatml import SPECIAL_TOKENS
from smolcourse.recipes.tokenizer import VOCABULARY_SIZE
from smolcourse.world.chat import TEST_KINDS, conversation
from smolcourse.world.corpus import document
from smolcourse.world.tools import tool_schemas

HELLO = {"role": "user", "content": "Hello!"}
REPLY = {"role": "assistant", "content": "Hello. How can I help you?"}
SYSTEM = {"role": "system", "content": "Be terse."}
TOOL_LINES = (
    "Tools:\n"
    "calculator(expression): Work out a sum.\n"
    "lookup(name, field): Find a person's data.\n"
    'Call: <tool_call>{"name": "", "arguments": {}}</tool_call><|im_end|>\n'
)
TOOLS = tool_schemas(["calculator", "lookup"])


@pytest.fixture(scope="module")
def tokenizer():
    return small.tokenizer()


def render(tokenizer, messages, **options):
    return tokenizer.apply_chat_template(messages, tokenize=False, **options)


@pytest.mark.parametrize(
    "text",
    [
        "The capital of France is Paris.",
        "  two  spaces, a\ttab,\n\na line break \n",
        "巴黎是法国的首都。",
        "naïve café, Ωmega, ʃ, и",
        "🐢 🐕‍🦺 👩🏽‍💻 🇫🇷",
        "x\u200by \u00a0 \ufeff",
        "<b>&amp;</b> {a} 100% \\n",
        "can't n't I 'm . , !",
        "",
    ],
)
def test_every_text_comes_back(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids


def test_world_texts_come_back_in_few_tokens(tokenizer):
    texts = [document(4, i) for i in range(100)]
    encoded = tokenizer(texts)["input_ids"]
    assert [tokenizer.decode(ids) for ids in encoded] == texts
    letters_per_token = sum(map(len, texts)) / sum(map(len, encoded))
    assert letters_per_token > 2.5


def test_digits_are_split_one_by_one(tokenizer):
    for text in ("1234567890", "7 + 15 = 22", "page 88", "x12y"):
        tokens = tokenizer.tokenize(text)
        assert [t for t in tokens if sum(c.isdigit() for c in t) > 1] == []
    assert len(tokenizer("20261234")["input_ids"]) == 8


def test_special_tokens_are_smollm2s(tokenizer):
    assert len(tokenizer) == VOCABULARY_SIZE == 1536
    assert tokenizer.convert_ids_to_tokens(range(17)) == SPECIAL_TOKENS
    assert SPECIAL_TOKENS[:3] == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    for at, token in enumerate(SPECIAL_TOKENS):
        assert tokenizer(f"a{token}b")["input_ids"].count(at) == 1
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 0)
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("<empty_output>", 16)
    assert tokenizer.padding_side == "left"
    assert tokenizer.decode([1, 2, 16], skip_special_tokens=True) == ""


def test_nothing_is_added_to_a_text(tokenizer):
    ids = tokenizer("Hello.")["input_ids"]
    assert not set(ids) & {0, 1, 2, 16}
    assert set(tokenizer("Hello.")) <= {"input_ids", "attention_mask", "token_type_ids"}


def test_saved_and_loaded_it_is_the_same(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    row = conversation(4, 1, "train", "tool")
    for one in (tokenizer, loaded):
        assert one.pad_token_id == 16 and one.padding_side == "left"
    assert render(loaded, row["messages"], tools=row["tools"]) == render(
        tokenizer, row["messages"], tools=row["tools"]
    )
    assert loaded("巴黎 42")["input_ids"] == tokenizer("巴黎 42")["input_ids"]


# ---------------------------------------------------------------- the chat template


def test_template_one_turn(tokenizer):
    assert render(tokenizer, [HELLO]) == "<|im_start|>user\nHello!<|im_end|>\n"
    assert render(tokenizer, [HELLO], add_generation_prompt=True) == (
        "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n"
    )


def test_template_system_and_several_turns(tokenizer):
    question = {"role": "user", "content": "And Japan?"}
    assert render(tokenizer, [SYSTEM, HELLO, REPLY, question], add_generation_prompt=True) == (
        "<|im_start|>system\nBe terse.<|im_end|>\n"
        "<|im_start|>user\nHello!<|im_end|>\n"
        "<|im_start|>assistant\nHello. How can I help you?<|im_end|>\n"
        "<|im_start|>user\nAnd Japan?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_template_a_later_system_message_stays_in_its_place(tokenizer):
    assert render(tokenizer, [HELLO, SYSTEM]) == (
        "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>system\nBe terse.<|im_end|>\n"
    )


def test_template_tools(tokenizer):
    user = "<|im_start|>user\nHello!<|im_end|>\n"
    assert render(tokenizer, [HELLO], tools=TOOLS) == f"<|im_start|>system\n{TOOL_LINES}{user}"
    assert render(tokenizer, [SYSTEM, HELLO], tools=TOOLS) == (
        f"<|im_start|>system\nBe terse.\n{TOOL_LINES}{user}"
    )
    assert render(tokenizer, [HELLO], tools=[]) == user


def test_template_takes_functions_as_tools(tokenizer):
    from smolcourse.world.tools import calculator, lookup

    assert render(tokenizer, [HELLO], tools=[calculator, lookup]) == render(
        tokenizer, [HELLO], tools=TOOLS
    )


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("arguments", [{"expression": "1 + 2"}, '{"expression": "1 + 2"}'])
@pytest.mark.parametrize("content", ["", None])
def test_template_tool_calls(tokenizer, arguments, wrapped, content):
    call = {"name": "calculator", "arguments": arguments}
    call = {"type": "function", "function": call} if wrapped else call
    messages = [
        {"role": "user", "content": "What is 1 + 2?"},
        {"role": "assistant", "content": content, "tool_calls": [call]},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": "3."},
    ]
    assert render(tokenizer, messages) == (
        "<|im_start|>user\nWhat is 1 + 2?<|im_end|>\n"
        '<|im_start|>assistant\n<tool_call>{"name": "calculator", "arguments": '
        '{"expression": "1 + 2"}}</tool_call><|im_end|>\n'
        "<|im_start|>tool\n3<|im_end|>\n"
        "<|im_start|>assistant\n3.<|im_end|>\n"
    )


def test_template_numbers_and_other_letters_in_arguments(tokenizer):
    call = {"name": "convert", "arguments": {"value": 3, "from_unit": "été", "to_unit": "分"}}
    text = render(tokenizer, [{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert '{"value": 3, "from_unit": "été", "to_unit": "分"}' in text


def rows():
    for kind in TEST_KINDS:
        for i in range(6):
            yield conversation(4, i, "test", kind)


def test_the_mask_covers_what_the_assistant_writes(tokenizer):
    for row in rows():
        encoded = tokenizer.apply_chat_template(
            row["messages"], tools=row["tools"], return_dict=True, return_assistant_tokens_mask=True
        )
        spans, last = [], 0
        for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True):
            if mask and not last:
                spans.append([])
            if mask:
                spans[-1].append(token)
            last = mask
        expected = []
        for message in row["messages"]:
            if message["role"] == "assistant":
                whole = render(tokenizer, [message])
                expected.append(whole.removeprefix("<|im_start|>assistant\n").removesuffix("\n"))
        assert [tokenizer.decode(span) for span in spans] == expected
        assert all(span[-1] == 2 and span.count(2) == 1 for span in spans)


def test_the_prompt_is_the_beginning_of_the_training_text(tokenizer):
    """Else a model would be asked in other words, or other tokens, than it was taught in."""
    for row in rows():
        for at, message in enumerate(row["messages"]):
            if message["role"] != "assistant":
                continue
            options = {"tools": row["tools"]}
            whole = render(tokenizer, row["messages"], **options)
            prompt = render(tokenizer, row["messages"][:at], add_generation_prompt=True, **options)
            assert whole.startswith(prompt)
            ids, start = tokenizer(whole)["input_ids"], tokenizer(prompt)["input_ids"]
            assert ids[: len(start)] == start
