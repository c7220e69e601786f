"""What lessons and messages promise of single exercises, beyond right and wrong (test_checks.py)."""

import random

import pytest
import torch
from answers.chat_data import edited
from answers.chat_tokens import split_with

from smolcourse.check import evaluate
from smolcourse.checks.instruction_tuning_chat import (
    OTHER_TEMPLATE,
    SPLIT_CHATS,
    THINKING_TEMPLATE,
    ids_of,
    make_tokenizer,
)
from smolcourse.reference import load


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")


def test_chat_split_an_answer_may_change_its_tokenizer():
    """Each check has a tokenizer of its own, so a broken one does not live on."""

    def vandal(tokenizer, messages):
        tokenizer.chat_template = "{{ 1 }}"
        return [1], [2]

    assert evaluate("chat.split", vandal).status == "wrong"
    assert evaluate("chat.split", split_with()).status == "correct"


def test_chat_split_the_breaking_template_breaks_and_the_other_does_not():
    messages = SPLIT_CHATS[0]
    for template, breaks in ((OTHER_TEMPLATE, False), (THINKING_TEMPLATE, True)):
        tokenizer = make_tokenizer(template)
        prompt, whole = ids_of(tokenizer, messages[:-1], prompt=True), ids_of(tokenizer, messages)
        assert (whole[: len(prompt)] != prompt) == breaks


def test_chat_from_math_names_the_place_of_a_wrong_type():
    message = evaluate("chat.from_math", edited(lambda text: None)).message
    assert "item ['messages'][1]['content'] is None, where str is expected" in message


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "could not be rendered"), ("zh-CN", "无法渲染")]
)
def test_chat_template_explains_a_broken_template(lang, words, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", lang)
    result = evaluate("chat.template", lambda end: "{% for %}")
    assert words in result.message and "TemplateSyntaxError" in result.message


def test_feedback_kappa_equals_scikit_learns_on_many_tables():
    metrics = pytest.importorskip("sklearn.metrics")
    kappa, rng = load("feedback.kappa"), random.Random(3)
    for _ in range(50):
        a, b = (
            rng.choices(["chosen", "rejected", "tie"], weights, k=30)
            for weights in ((5, 3, 1), (2, 2, 2))
        )
        assert kappa(a, b) == pytest.approx(metrics.cohen_kappa_score(a, b))


@pytest.mark.parametrize("r", [0, -1])
def test_lora_a_rank_of_zero_or_below_is_one_clear_sentence(r):
    config = {"hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1}
    config |= {"head_dim": 4, "intermediate_size": 12, "num_hidden_layers": 2}
    for make in (
        lambda: load("lora.layer")(torch.nn.Linear(4, 3), r, 8),
        lambda: load("lora.count")(config, ["q_proj"], r),
    ):
        with pytest.raises(ValueError, match=rf"^The rank of LoRA must be at least 1, not {r}\.$"):
            make()


def test_resources_levels_what_the_exercise_says_about_nf4_is_so():
    from smolcourse.checks.peft_resources_4bit import _error
    from smolcourse.topics.nf4 import LEVELS

    made = torch.Generator().manual_seed(0)
    signs = (torch.rand(64_000, generator=made) < 0.5).float() * 2 - 1
    kinds = {
        0.92: torch.randn(64_000, generator=made),
        0.77: signs * torch.empty(64_000).exponential_(generator=made),
        1.40: torch.rand(64_000, generator=made) - 0.5,
    }
    for share, weights in kinds.items():
        even, nf4 = (_error(weights, v) for v in (torch.linspace(-1, 1, 16), torch.tensor(LEVELS)))
        assert nf4 / even == pytest.approx(share, abs=0.02)
