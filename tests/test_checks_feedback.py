"""The checks of human_feedback and grpo: wrong answers hear what is wrong, right ones pass.

The answers are in feedback_answers.py, grpo_answers.py and preference_loss_answers.py.
"""

import re

import feedback_answers
import grpo_answers
import preference_loss_answers
import pytest

from smolcourse.check import evaluate
from smolcourse.checks import catalogue
from smolcourse.checks.audit import impostors_that_pass

MODULES = {
    "preference_feedback": [
        "feedback.majority", "feedback.kappa", "feedback.position", "feedback.taste",
    ],
    "preference_losses": ["feedback.loss", "grpo.loss"],
    "preference_grpo": ["grpo.advantages", "grpo.alarm", "grpo.control", "grpo.reward"],
}  # fmt: skip
IDS = [id for ids in MODULES.values() for id in ids]
FILES = (feedback_answers, grpo_answers, preference_loss_answers)
WRONG = [case for file in FILES for case in file.ANSWERS.wrongs]
RIGHT = [case for file in FILES for case in file.ANSWERS.rights]


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
    def stub(*args, **kwargs):
        raise NotImplementedError

    assert evaluate(id, stub).status == "not_attempted"


@pytest.mark.parametrize("module", MODULES)
def test_every_message_is_in_both_languages_and_has_a_wrong_answer_here(module):
    assert catalogue.problems(module) == []
    tried = {(case.values[0], case.values[1]) for case in WRONG}
    written = {(id, key) for id, table in catalogue.read(module).items() for key in table}
    assert written - tried == set()
    assert {id for id, _ in written} == set(MODULES[module])


def test_kappa_equals_scikit_learns_on_many_tables():
    import random

    metrics = pytest.importorskip("sklearn.metrics")
    from smolcourse.reference import load

    kappa, rng = load("feedback.kappa"), random.Random(3)
    for _ in range(50):
        a, b = (
            rng.choices(["chosen", "rejected", "tie"], weights, k=30)
            for weights in ((5, 3, 1), (2, 2, 2))
        )
        assert kappa(a, b) == pytest.approx(metrics.cohen_kappa_score(a, b))
