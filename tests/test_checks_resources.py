"""The checks of resource_strategies: wrong answers hear what is wrong, right ones pass.

The answers are in resources_answers_tensors.py and resources_answers_plain.py.
"""

import re

import pytest
import resources_answers_plain
import resources_answers_tensors

from smolcourse.check import evaluate
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass

MODULES = ("peft_resources", "peft_resources_4bit")
IDS = [
    "resources.memory",
    "resources.accumulate",
    "resources.plan",
    "resources.dequantize",
    "resources.quantize",
    "resources.levels",
]
WRONG = resources_answers_tensors.ANSWERS.wrongs + resources_answers_plain.ANSWERS.wrongs
RIGHT = resources_answers_tensors.ANSWERS.rights + resources_answers_plain.ANSWERS.rights


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

    assert evaluate(id, stub).status == "not_attempted"


def test_every_message_is_in_both_languages_and_has_a_wrong_answer_here():
    assert [catalogue.problems(module) for module in MODULES] == [[], []]
    tried = {(case.values[0], case.values[1]) for case in WRONG}
    tables = [table for module in MODULES for table in catalogue.read(module).items()]
    written = {(id, key) for id, table in tables for key in table}
    assert written - tried == set()
    assert {id for id, _ in written} == set(IDS)


def test_what_the_levels_exercise_says_about_nf4_is_so():
    import torch

    from smolcourse.checks.peft_resources_4bit import _error
    from smolcourse.nf4 import LEVELS

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
