"""One rule for where the course lies; run folders; the learner's own folder."""

from pathlib import Path

import pytest

from smolcourse import places
from smolcourse.errors import CourseError


@pytest.fixture
def course(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "smolcourse"\n', encoding="utf-8")
    (tmp_path / "1_m" / "notebooks").mkdir(parents=True)
    return tmp_path


def test_the_course_is_found_from_within(course, monkeypatch):
    assert places.repository(course / "1_m" / "notebooks") == course.resolve()
    monkeypatch.chdir(course / "1_m")
    assert places.repository() == places.course_folder() == course.resolve()


@pytest.mark.parametrize(
    "text", ['[project]\nname = "other"\n', "[tool]\n", "project = 3\n", "name =", "\xff"]
)
def test_another_project_is_not_the_course(tmp_path, monkeypatch, text):
    (tmp_path / "pyproject.toml").write_bytes(text.encode("latin-1"))
    (tmp_path / "smolcourse").mkdir()
    (tmp_path / "smolcourse" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    assert places.repository() is None
    with pytest.raises(CourseError, match="clone the course with git"):
        places.course_folder()


def test_this_is_the_course():
    assert places.repository(Path(__file__).parent) == Path(__file__).resolve().parents[2]


def test_runs_of_one_second_have_folders_of_their_own(course, monkeypatch):
    monkeypatch.chdir(course / "1_m")
    made = {places.run_folder("1_m/topic") for _ in range(3)}
    assert len(made) == 3 and {folder.parent for folder in made} == {
        course.resolve() / "runs/1_m/topic"
    }
    (course / "runs" / ".gitignore").write_text("mine\n")
    places.run_folder("1_m/topic")
    assert (course / "runs" / ".gitignore").read_text() == "mine\n"


def test_home_is_what_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SMOLCOURSE_HOME", str(tmp_path))
    assert places.home() == tmp_path
    monkeypatch.delenv("SMOLCOURSE_HOME")
    assert places.home() == Path.home() / ".smolcourse"
