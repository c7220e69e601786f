"""The checks of prompt_tuning: wrong answers hear what is wrong, right ones pass.

The answers are in prompt_answers_batch.py and prompt_answers_model.py.
"""

import re

import prompt_answers_batch
import prompt_answers_model
import pytest

from smolcourse.check import evaluate
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass

MODULES = ("peft_prompt", "peft_prompt_module")
IDS = [
    "prompt.prepend",
    "prompt.module",
    "prompt.prefix",
    "prompt.count",
    "prompt.left",
    "prompt.steer",
]
WRONG = prompt_answers_batch.ANSWERS.wrongs + prompt_answers_model.ANSWERS.wrongs
RIGHT = prompt_answers_batch.ANSWERS.rights + prompt_answers_model.ANSWERS.rights


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

    if id == "prompt.module":
        stub = type("SoftPrompt", (), {"__init__": stub})
    assert evaluate(id, stub).status == "not_attempted"


def test_every_message_is_in_both_languages_and_has_a_wrong_answer_here():
    tried = {(case.values[0], case.values[1]) for case in WRONG}
    tables = [catalogue.read(name) for name in MODULES]
    assert [problem for name in MODULES for problem in catalogue.problems(name)] == []
    written = {(id, key) for table in tables for id, keys in table.items() for key in keys}
    assert written - tried == set()
    assert {id for id, _ in written} == set(IDS)
