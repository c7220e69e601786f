"""Scores count right answers and nothing else: a perfect model gets 100%, a wrong one 0%."""

import json

import pytest

from smolcourse import generate
from smolcourse.recipes import score
from smolcourse.world.facts import RELATIONS, all_facts, fill

N = 30


def written(message: dict) -> str:
    """What a model writes for this message."""
    calls = [call["function"] for call in message.get("tool_calls") or []]
    return message["content"] + "".join(
        f'<tool_call>{{"name": "{c["name"]}", "arguments": {json.dumps(c["arguments"])}}}</tool_call>'
        for c in calls
    )


@pytest.fixture(scope="module")
def oracle():
    """conversation so far (as JSON) -> the next turn, for every test row that the scores use."""
    kinds = ("phrasing", "fact", "sums", "arithmetic", "string", "passage", "unknown", "two_turn",
             "manner", "tool")  # fmt: skip
    known = {}
    for kind in kinds:
        for row in score.rows(kind, 2 * N):
            for at, message in enumerate(row["messages"]):
                if message["role"] == "assistant":
                    known[json.dumps(row["messages"][:at])] = written(message)
    return known


@pytest.fixture
def perfect(monkeypatch, oracle):
    """`generate` as an all-knowing model does it; returns the prompts that were asked."""
    asked = []

    def chat(model, tokenizer, conversations, return_ended=False, **_):
        asked.extend(conversations)
        texts = [oracle[json.dumps(c)] for c in conversations]
        return (texts, [True] * len(texts)) if return_ended else texts

    monkeypatch.setattr(generate, "chat", chat)
    return asked


@pytest.fixture
def wrong(monkeypatch):
    def chat(model, tokenizer, conversations, return_ended=False, **_):
        texts = ["<tool_call>{</tool_call> zzz"] * len(conversations)
        return (texts, [False] * len(texts)) if return_ended else texts

    monkeypatch.setattr(generate, "chat", chat)


def statements(all_right: bool):
    told = [
        fill(pattern, fact.subject, fact.answer)
        for fact in all_facts()
        for pattern in RELATIONS[fact.relation].statements
    ]

    def complete(model, tokenizer, prompts, **_):
        texts = []
        for prompt in prompts:
            start = prompt.removeprefix("<|endoftext|>")
            whole = [t for t in told if t.startswith(start + " ")]
            assert len(whole) >= 1 and prompt.startswith("<|endoftext|>"), prompt
            texts.append(whole[0][len(start) :] + " More." if all_right else " zzz.")
        return texts

    return complete


def test_a_perfect_model_gets_everything(perfect):
    table = score.score_instruct(None, None, N)
    assert {s.name: s.share for s in table} == {s.name: 1.0 for s in table}
    assert len(table) == 13 and len({s.name for s in table}) == 13
    assert score.score_chat_facts(None, None, N).share == 1.0
    assert all(s.n >= N for s in table)


def test_a_wrong_model_gets_nothing(wrong):
    table = score.score_instruct(None, None, N)
    assert {s.name: s.share for s in table} == {s.name: 0.0 for s in table}
    assert score.score_chat_facts(None, None, N).share == 0.0


def test_the_bars_are_those_of_smol_world(perfect):
    bars = {s.name: s.bar for s in score.score_instruct(None, None, 3) if s.bar}
    assert bars == {
        "facts in unseen phrasing": 0.90,
        "sums and differences to 20, never asked": 0.95,
        "string skills on unasked words": 0.90,
        "says it does not know": 0.80,
        "second turn of a conversation": 0.80,
        "ends its turn by itself": 0.99,
        "obeys manner (new wording of the request)": 0.90,
        "valid tool calls": 0.95,
        "right tool and arguments": 0.90,
    }


def test_a_prompt_never_shows_its_answer(perfect):
    score.score_instruct(None, None, N)
    assert perfect and all(c[-1]["role"] in ("user", "tool") for c in perfect)


def test_statements(monkeypatch):
    for right, share in ((True, 1.0), (False, 0.0)):
        monkeypatch.setattr(generate, "complete", statements(right))
        got = score.score_statements(None, None, limit=60)
        assert (got.share, got.bar) == (share, 0.98) and got.n >= 120


def test_half_right_is_half(monkeypatch, oracle):
    found = score.rows("fact", 40)
    right = {json.dumps(score.prompt_of(row)) for row in found[:10]}

    def chat(model, tokenizer, conversations, return_ended=False, **_):
        known = [json.dumps(c) in right for c in conversations]
        texts = [
            oracle[json.dumps(c)] if k else "No." for c, k in zip(conversations, known, strict=True)
        ]
        return texts, known

    monkeypatch.setattr(generate, "chat", chat)
    answer, end = score.score_answers(None, None, "fact", 40, "facts", 0.9)
    assert (answer.name, answer.share, answer.n, answer.bar) == ("facts", 0.25, 40, 0.9)
    assert (end.name, end.share) == ("ends its turn", 0.25)
    low, high = answer.interval
    assert 0.13 < low < 0.25 < high < 0.42


@pytest.mark.parametrize("kind", ["fact", "string", "tool", "two_turn", "sums"])
def test_rows_are_unique_and_stay_the_same(kind):
    rows = score.rows(kind, 100)
    keys = [json.dumps(row["messages"], sort_keys=True) for row in rows]
    assert len(set(keys)) == len(keys) == 100
    assert score.rows(kind, 100) == rows
    assert score.rows(kind, 40) == rows[:40]
    assert len(score.rows("greeting", 100)) < 100  # there are not that many: no endless loop


def test_exact_keeps_case_and_forgives_a_full_stop():
    assert score.exact(" Paris. ") == score.exact("Paris") == "Paris"
    assert score.exact("paris") != score.exact("Paris")
    assert score.exact("Paris..") != score.exact("Paris")
    assert score.exact("a b") != score.exact("ab")


@pytest.mark.parametrize(
    "text, call",
    [
        ('<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>', ("f", {"a": 1})),
        ('\n<tool_call>\n{"arguments": {}, "name": "f"}\n</tool_call> ', ("f", {})),
        ('<tool_call>{"name": "f", "arguments": "a"}</tool_call>', None),
        ('<tool_call>{"name": "f"}</tool_call>', None),
        ('<tool_call>{"name": "f", "arguments": {}</tool_call>', None),
        ("<tool_call>[1]</tool_call>", None),
        ("<tool_call>3</tool_call>", None),
        ('Sure. <tool_call>{"name": "f", "arguments": {}}</tool_call>', None),
        ('<tool_call>{"name": "f", "arguments": {}}', None),
        ("", None),
    ],
)
def test_parse_tool_call(text, call):
    assert score.parse_tool_call(text) == call


def test_a_call_of_an_unlisted_tool_is_not_valid(monkeypatch):
    def chat(model, tokenizer, conversations, return_ended=False, **_):
        return ['<tool_call>{"name": "shell", "arguments": {}}</tool_call>'] * len(conversations)

    monkeypatch.setattr(generate, "chat", chat)
    assert [s.share for s in score.score_tools(None, None, 20)] == [0.0, 0.0, 0.0]


def test_scores_of_a_real_model():
    """A random model knows nothing, and nothing breaks."""
    import small

    model, tokenizer = small.model(), small.tokenizer()
    answer, end = score.score_answers(model, tokenizer, "fact", 4)
    assert (answer.share, answer.n, end.n) == (0.0, 4, 4)
    assert [s.share for s in score.score_tools(model, tokenizer, 2)] == [0.0, 0.0, 0.0]
    assert score.score_statements(model, tokenizer, limit=2).share == 0.0
