"""The measurement of two notebooks at once works; what it finds is the machine's affair."""

import pytest

from smolcourse import threads
from smolcourse.authoring import two_at_once
from smolcourse.errors import CourseError


def test_processes_train_side_by_side(checkpoint_source, monkeypatch, capsys):
    monkeypatch.setenv("GOMP_SPINCOUNT", "1")  # of the caller: not for the processes
    seen = []
    start = two_at_once.subprocess.Popen
    monkeypatch.setattr(
        two_at_once.subprocess,
        "Popen",
        lambda *a, env, **k: seen.append(env) or start(*a, env=env, **k),
    )
    folder = str(checkpoint_source / "smollm2-tiny")
    two_at_once.show(ways=["one thread"], counts=(2,), steps=2, checkpoint=folder)
    assert "2 at once" in capsys.readouterr().out and len(seen) == 2
    assert not any(name in env for env in seen for name in threads.DECIDED)


def test_what_can_not_be_measured_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="did you mean 'passive'"):
        two_at_once.measure(ways=["pasive"])
    with pytest.raises(CourseError, match="at least one step"):
        two_at_once.measure(steps=0)
    with pytest.raises(CourseError, match="ended early: .*nowhere"):
        two_at_once.measure(ways=["passive"], counts=(1,), checkpoint=str(tmp_path / "nowhere"))


def test_the_rows_of_the_benchmark():
    first, second = two_at_once.rows({two_at_once.COURSE: {1: 202.3, 2: 404.1}})
    assert (first["value"], first["unit"], second["value"]) == ("202 / 404", "ms", 2.0)
