"""The checks of adapters: wrong answers hear what is wrong, right ones pass.

The answers are in adapters_answers_one.py, adapters_answers_switch.py and adapters_answers_many.py.
"""

import re

import adapters_answers_many
import adapters_answers_one
import adapters_answers_switch
import pytest

from smolcourse.check import evaluate
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass

MODULES = {
    "peft_adapters": ["adapters.merge", "adapters.state", "adapters.layer", "adapters.switch"],
    "peft_adapters_many": ["adapters.combine", "adapters.mixed", "adapters.own"],
}
IDS = [id for ids in MODULES.values() for id in ids]
ANSWERS = [
    module.ANSWERS
    for module in (adapters_answers_one, adapters_answers_switch, adapters_answers_many)
]
WRONG = [case for answers in ANSWERS for case in answers.wrongs]
RIGHT = [case for answers in ANSWERS for case in answers.rights]


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


@pytest.mark.parametrize("id", [id for id in IDS if id not in ("adapters.layer", "adapters.own")])
def test_an_unsolved_stub_is_not_attempted(id):
    def stub(*args):
        raise NotImplementedError

    assert evaluate(id, stub).status == "not_attempted"


@pytest.mark.parametrize("id", ["adapters.layer", "adapters.own"])
def test_an_unsolved_class_is_not_attempted(id):
    class Stub:
        def __init__(self, *args):
            raise NotImplementedError

    assert evaluate(id, Stub).status == "not_attempted"


@pytest.mark.parametrize("module", MODULES)
def test_every_message_is_in_both_languages_and_has_a_wrong_answer_here(module):
    assert catalogue.problems(module) == []
    tried = {(case.values[0], case.values[1]) for case in WRONG}
    written = {(id, key) for id, table in catalogue.read(module).items() for key in table}
    assert written - tried == set()
    assert {id for id, _ in written} == set(MODULES[module])
