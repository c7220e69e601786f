"""`course.choose`: the numbers of a lesson by profile, shown to the learner."""

import pytest

from smolcourse import settings
from smolcourse.errors import CourseError

TINY = {"steps": 60, "lr": 1e-3, "rows": 400}
SMOL = {"steps": 500, "lr": {"135M": 3e-4, "360M": 2e-4, "1.7B": 1e-4}, "rows": 4000}


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    monkeypatch.delenv("SMOLCOURSE_QUICK", raising=False)


def test_each_profile_gets_its_numbers_and_the_learner_sees_both(capsys):
    budget = settings.choose("tiny", "135M", TINY, SMOL, {"lr": 5e-7})
    assert (budget.steps, budget.lr, budget.rows) == (60, 1e-3, 400)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["setting", "here", "SmolLM2-135M", "in", "the", "paper"]
    assert "lr       0.001  0.0003        5e-07" in lines
    assert settings.choose("smol", "1.7B", TINY, SMOL, None).lr == 1e-4
    assert capsys.readouterr().out.splitlines()[0].split() == ["setting", "here"]


def test_the_table_speaks_chinese(monkeypatch, capsys):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    settings.choose("tiny", "135M", TINY, SMOL, None)
    assert capsys.readouterr().out.startswith("设置")


def test_quick_budgets_are_short(monkeypatch, capsys):
    monkeypatch.setenv("SMOLCOURSE_QUICK", "1")
    budget = settings.choose("tiny", "135M", TINY, SMOL, None)
    assert (budget.steps, budget.rows, budget.lr) == (6, 40, 1e-3)


@pytest.mark.parametrize(
    ("tiny", "smol", "words"),
    [
        ({"steps": 1}, {"step": 1}, "only one has: step, steps"),
        ({"lr": 1}, {"lr": {"135M": 1}}, "needs all of: 135M, 360M, 1.7B"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tiny, smol, words):
    with pytest.raises(CourseError, match=words):
        settings.choose("tiny", "135M", tiny, smol, None)


def test_a_script_reads_them_in_full_and_shows_nothing(monkeypatch, capsys):
    monkeypatch.setenv("SMOLCOURSE_QUICK", "1")
    assert settings.values("tiny", "135M", TINY, SMOL) == TINY
    assert settings.values("smol", "360M", TINY, SMOL)["lr"] == 2e-4
    assert capsys.readouterr().out == ""
