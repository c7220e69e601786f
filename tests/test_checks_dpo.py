"""The checks of dpo: wrong answers hear what is wrong, right ones pass.

The answers are in dpo_answers_tensors.py and dpo_answers_plain.py.
"""

import re

import dpo_answers_plain
import dpo_answers_tensors
import pytest
from transformers import LlamaForCausalLM  # noqa: F401 (its import must not count as an answer's time)

from smolcourse.check import evaluate
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass

MODULES = ["preference_dpo", "preference_dpo_signs"]
IDS = [
    "dpo.bradley_terry", "dpo.log_probs", "dpo.loss", "dpo.batch_loss",
    "dpo.length", "dpo.alarm", "dpo.preference",
]  # fmt: skip
WRONG = dpo_answers_tensors.ANSWERS.wrongs + dpo_answers_plain.ANSWERS.wrongs
RIGHT = dpo_answers_tensors.ANSWERS.rights + dpo_answers_plain.ANSWERS.rights


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

    if id == "dpo.preference":
        stub = type("MyPreference", (), {"pair": stub, "likes": stub})
    assert evaluate(id, stub).status == "not_attempted"


def test_every_message_is_in_both_languages_and_has_a_wrong_answer_here():
    tried = {(case.values[0], case.values[1]) for case in WRONG}
    written = set()
    for module in MODULES:
        assert catalogue.problems(module) == []
        written |= {(id, key) for id, table in catalogue.read(module).items() for key in table}
    assert written - tried == set()
    assert {id for id, _ in written} == set(IDS)
