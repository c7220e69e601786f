"""Every check: wrong answers hear what is wrong, right ones pass, nothing else does.

The answers are in tests/answers/, found by themselves; so are the exercises and their messages.
"""

import re

import pytest
from answers import collect
from transformers import LlamaForCausalLM  # noqa: F401 (a check's time limit is not for imports)

from smolcourse.check import evaluate, known_ids
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass
from smolcourse.checks.registry import find

ANSWERS = collect()
IDS = known_ids()


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")


@pytest.mark.parametrize(("id", "key", "answer"), ANSWERS.wrongs)
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


@pytest.mark.parametrize(("id", "answer"), ANSWERS.rights)
def test_another_right_answer_is_accepted(id, answer):
    result = evaluate(id, answer)
    assert result.status == "correct", result.line()


@pytest.mark.parametrize("id", IDS)
def test_the_reference_is_right_and_no_impostor_passes(id):
    assert evaluate(id, find(id).load_reference()).status == "correct"
    assert impostors_that_pass(id) == []


@pytest.mark.parametrize("id", IDS)
def test_an_unsolved_stub_is_not_attempted(id):
    def stub(*args, **kwargs):
        raise NotImplementedError

    reference = find(id).load_reference()
    if isinstance(reference, type):
        methods = (name for name, value in vars(reference).items() if callable(value))
        stub = type(reference.__name__, (), dict.fromkeys(methods, stub))
    assert evaluate(id, stub).status == "not_attempted"


@pytest.mark.parametrize("id", IDS)
def test_every_message_has_a_wrong_answer_and_each_exercise_two_of_them_and_a_right_one(id):
    tried = [case.values[1] for case in ANSWERS.wrongs if case.values[0] == id]
    written = set(catalogue.read(find(id).module).get(id, {}))
    assert written - set(tried) == set()
    assert len(tried) >= 2
    assert any(case.values[0] == id for case in ANSWERS.rights)


@pytest.mark.parametrize("module", sorted({find(id).module for id in IDS}))
def test_every_message_is_in_both_languages_and_belongs_to_an_exercise(module):
    assert catalogue.problems(module) == []
    assert set(catalogue.read(module)) <= {id for id in IDS if find(id).module == module}
