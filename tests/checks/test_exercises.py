"""Every exercise: wrong answers hear what is wrong, right ones pass, nothing else does.

Found by themselves: the exercises, their mistakes and messages, the answers in tests/answers/.
"""

import re

import pytest
from answers import collect

from smolcourse import reference
from smolcourse.checks.core import catalogue
from smolcourse.checks.core.audit import impostors_that_pass, verdict
from smolcourse.checks.core.engine import evaluate
from smolcourse.checks.core.exercise import find, known_ids

WRONG, RIGHT = collect()
IDS = known_ids()
SEEDS = (0, 1, 2)  # the learner's cases, and others: a grader draws its own


def assert_said(result, key: str) -> None:
    """It is wrong with this message, which is whole in both languages."""
    assert (result.status, result.key) == ("wrong", key), result.line("en")
    for lang in ("en", "zh-CN"):
        line = result.line(lang)
        assert bool(re.search("[\u4e00-\u9fff]", line)) == (lang == "zh-CN")
        # {word} would be a gap that nobody filled; a learner's own dict has quotes in it.
        assert not re.search(r"\{\w+\}", line), line
        assert result.text(lang)[0] != key and "object at 0x" not in line and len(line) < 450


@pytest.mark.parametrize(
    ("id", "key", "answer"),
    [pytest.param(*case, id=f"{case[0]}-{case[1]}-{n}") for n, case in enumerate(WRONG)],
)
def test_a_wrong_answer_hears_what_is_wrong(id, key, answer):
    assert_said(verdict(id, answer), key)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("id", IDS)
def test_each_known_mistake_is_named_on_any_cases(id, seed):
    right = reference.load(id)
    for key, mistake in find(id).implementations(right):
        assert_said(verdict(id, mistake, seed), key)


@pytest.mark.parametrize(
    ("id", "answer"), [pytest.param(*case, id=f"{case[0]}-{n}") for n, case in enumerate(RIGHT)]
)
def test_another_right_answer_is_accepted(id, answer):
    for seed in SEEDS:
        result = verdict(id, answer, seed)
        assert result.status == "correct", result.line()


@pytest.mark.parametrize("id", IDS)
def test_the_reference_is_right_and_no_impostor_passes(id):
    for seed in SEEDS:
        assert verdict(id, reference.load(id), seed).status == "correct"
    assert impostors_that_pass(id) == []


@pytest.mark.parametrize("id", IDS)
def test_an_unsolved_stub_is_not_attempted(id):
    def stub(*args, **kwargs):
        raise NotImplementedError

    right = reference.load(id)
    if isinstance(right, type):
        methods = (name for name, value in vars(right).items() if callable(value))
        stub = type(right.__name__, (), dict.fromkeys(methods, stub))
    assert evaluate(id, stub).status == "not_attempted"


@pytest.mark.parametrize("id", IDS)
def test_every_message_has_a_wrong_answer_and_each_exercise_a_right_one(id):
    tried = {key for exercise, key, _ in WRONG if exercise == id} | set(find(id).mistakes)
    written = set(catalogue.read(id))
    assert written - tried == set(), "no wrong answer hears this"
    assert set(find(id).mistakes) - written - set(catalogue.generic()) == set(), "no words for this"
    assert len(tried) >= 2
    assert any(exercise == id for exercise, _ in RIGHT)


@pytest.mark.parametrize("id", IDS)
def test_every_message_is_in_both_languages(id):
    assert catalogue.problems(catalogue.read(id)) == []


def test_general_messages_are_in_both_languages():
    assert catalogue.problems(catalogue.generic()) == []


@pytest.mark.parametrize("id", IDS)
def test_a_seed_draws_the_same_cases_each_time_and_others_draw_others(id):
    drawn = [repr(find(id).drawn(seed)) for seed in range(8)]
    assert repr(find(id).drawn(3)) == drawn[3]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize("rank", [0, -2])
def test_a_rank_below_one_is_refused_in_one_sentence(rank):
    import torch

    sizes = {"hidden_size": 8, "num_hidden_layers": 1}
    with pytest.raises(ValueError, match=f"^The rank of LoRA must be at least 1, not {rank}\\.$"):
        reference.load("lora.layer")(torch.nn.Linear(8, 4), rank, 8)
    with pytest.raises(ValueError, match=f"^The rank of LoRA must be at least 1, not {rank}\\.$"):
        reference.load("lora.count")(sizes, ["q_proj"], rank)
