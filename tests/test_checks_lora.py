"""The checks of lora: wrong answers hear what is wrong, right ones pass.

The answers are in lora_answers_plain.py and lora_answers_modules.py.
"""

import re

import lora_answers_modules
import lora_answers_plain
import pytest

from smolcourse.check import evaluate
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass

MODULES = ["peft_lora", "peft_lora_module"]
IDS = ["lora.memory", "lora.rank", "lora.layer", "lora.inject", "lora.count", "lora.plan"]
WRONG = lora_answers_plain.ANSWERS.wrongs + lora_answers_modules.ANSWERS.wrongs
RIGHT = lora_answers_plain.ANSWERS.rights + lora_answers_modules.ANSWERS.rights


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")


@pytest.mark.parametrize(("id", "key", "answer"), WRONG)
def test_a_wrong_answer_hears_what_is_wrong_in_both_languages(id, key, answer, monkeypatch):
    for lang in ("en", "zh-CN"):
        monkeypatch.setenv("SMOLCOURSE_LANG", lang)
        result = evaluate(id, answer)
        assert (result.status, result.key) == ("wrong", key), result.message
        line = result.line()
        chinese = re.search("[\u4e00-\u9fff]", line)
        assert bool(chinese) == (lang == "zh-CN")
        # {word} would be a gap that nobody filled; a learner's own dict has quotes in it.
        assert not re.search(r"\{\w+\}", line), line
        assert result.message != key and "object at 0x" not in line and len(line) < 400


@pytest.mark.parametrize(("id", "answer"), RIGHT)
def test_another_right_answer_is_accepted(id, answer):
    result = evaluate(id, answer)
    assert result.status == "correct", result.line()


@pytest.mark.parametrize("id", IDS)
def test_the_reference_is_right_and_no_impostor_passes(id):
    from smolcourse.reference import load

    assert evaluate(id, load(id)).status == "correct"
    assert impostors_that_pass(id) == []


@pytest.mark.parametrize("id", IDS)
def test_an_unsolved_stub_is_not_attempted(id):
    def stub(*args):
        raise NotImplementedError

    class Stub:
        def __init__(self, *args):
            raise NotImplementedError

    answer = Stub if id == "lora.layer" else stub
    assert evaluate(id, answer).status == "not_attempted"


def test_every_message_is_in_both_languages_and_has_a_wrong_answer_here():
    written = set()
    for module in MODULES:
        assert catalogue.problems(module) == []
        written |= {(id, key) for id, table in catalogue.read(module).items() for key in table}
    tried = {(case.values[0], case.values[1]) for case in WRONG}
    assert written - tried == set()
    assert {id for id, _ in written} == set(IDS)


@pytest.mark.parametrize("r", [0, -1])
def test_a_rank_of_zero_or_below_is_one_clear_sentence(r):
    import torch

    from smolcourse.reference import load

    config = {"hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1}
    config |= {"head_dim": 4, "intermediate_size": 12, "num_hidden_layers": 2}
    for make in (
        lambda: load("lora.layer")(torch.nn.Linear(4, 3), r, 8),
        lambda: load("lora.count")(config, ["q_proj"], r),
    ):
        with pytest.raises(ValueError, match=rf"^The rank of LoRA must be at least 1, not {r}\.$"):
            make()
