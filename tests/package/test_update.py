"""`smolcourse update` in toy clones: a newer course, and nothing of the learner's lost."""

import json
import os
import shutil
import subprocess

import pytest

from smolcourse.errors import CourseError
from smolcourse.programs import update as module

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
STUB = "# Exercise dpo.loss\ndef loss():\n    raise NotImplementedError"
NAME = "1_topic/dpo_exercise.ipynb"


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def notebook(*cells, outputs=()):
    made = []
    for source in cells:
        id = source.split()[2] if source.startswith("# Exercise") else "other"
        about = {"smolcourse": {"id": id}, "nbgrader": {"solution": id != "other"}}
        made.append(
            {"cell_type": "code", "metadata": about, "source": source, "outputs": list(outputs)}
        )
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def sources(file):
    return [cell["source"] for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]]


def commit(folder, files, tag=""):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "step")
    if tag:
        git(folder, "tag", tag)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone whose upstream has gone on in every file: (clone, upstream, update -> said)."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    upstream, mine = tmp_path / "upstream", tmp_path / "mine"
    upstream.mkdir()
    git(upstream, "init", "-q", "-b", "main")
    first = {
        NAME: notebook("import torch", STUB),
        "uv.lock": "neutral\n",
        "page.md": "one\n\ntwo\n\nthree\n",
        ".gitignore": ".smolcourse/\n",
    }
    commit(upstream, first, "v1")
    git(tmp_path, "clone", "-q", str(upstream), "mine")
    second = {
        NAME: notebook("import torch", "new cell", STUB),
        "uv.lock": "newer\n",
        "page.md": "one, newer\n\ntwo\n\nthree\n",
        "added.md": "theirs\n",
    }
    commit(upstream, second, "v2")

    def update(**options):
        said = []
        module.update(mine, say=said.append, sync=False, **options)
        return said

    return mine, upstream, update


def test_the_lock_never_stops_it_and_answers_move_into_the_new_notebook(clone):
    mine, upstream, update = clone
    (mine / "uv.lock").write_text("completed\n")
    answered = notebook("import torch", STUB.replace("raise NotImplementedError", "return 1"))
    (mine / NAME).write_text(answered)
    (mine / "page.md").write_text("one\n\ntwo\n\nthree, mine\n")
    (mine / "added.md").write_text("my own\n")
    (mine / "notes.md").write_text("untracked\n")
    said = "\n".join(update())
    assert git(mine, "rev-parse", "HEAD") == git(upstream, "rev-parse", "HEAD")
    assert (mine / "uv.lock").read_text() == "newer\n"
    assert sources(mine / NAME) == [
        "import torch",
        "new cell",
        STUB[:-25].rstrip() + "\n    return 1",
    ]
    kept = list((mine / "1_topic").glob("dpo_exercise.mine-*.ipynb"))
    assert [file.read_text() for file in kept] == [answered]
    assert (mine / "page.md").read_text() == "one, newer\n\ntwo\n\nthree, mine\n"
    assert (mine / "added.md").read_text() == "theirs\n"
    assert [f.read_text() for f in mine.glob("added.mine-*.md")] == ["my own\n"]
    assert (mine / "notes.md").read_text() == "untracked\n"
    assert "1 answers carried over" in said and "before-update" in said
    before = sorted(mine.rglob("*.mine-*"))
    assert update() == ["The course is up to date."] and sorted(mine.rglob("*.mine-*")) == before


def test_what_upstream_left_alone_stays_as_it_was(clone):
    mine, upstream, update = clone
    commit(upstream, {"same.md": "a\n"})
    update()
    (mine / "same.md").write_text("mine\n")
    commit(upstream, {"other.md": "b\n"})
    update()
    assert (mine / "same.md").read_text() == "mine\n" and not list(mine.glob("same.mine*"))


def test_a_conflict_keeps_both_and_a_deleted_file_is_kept(clone):
    mine, upstream, update = clone
    commit(upstream, {"gone.md": "a\n"})
    update()
    (mine / "page.md").write_text("one, mine\n\ntwo\n\nthree\n")
    (mine / "gone.md").write_text("mine\n")
    (upstream / "gone.md").unlink()
    commit(upstream, {"page.md": "one, third\n\ntwo\n\nthree\n"})
    update()
    assert (mine / "page.md").read_text().startswith("one, third")
    assert next(mine.glob("page.mine-*.md")).read_text().startswith("one, mine")
    assert (mine / "gone.md").read_text() == "mine\n"


def test_outputs_alone_make_no_second_notebook(clone):
    mine, _, update = clone
    (mine / NAME).write_text(notebook("import torch", STUB, outputs=["x"]))
    update()
    assert len(sources(mine / NAME)) == 3 and not list(mine.rglob("1_topic/*.mine-*"))
    assert list((mine / ".smolcourse/before-update").rglob("dpo_exercise.ipynb"))


def test_a_tag_a_detached_head_and_a_shallow_clone(clone, tmp_path):
    mine, upstream, update = clone
    git(mine, "checkout", "-q", "v1")
    update(to="v2")
    assert git(mine, "rev-parse", "HEAD") == git(upstream, "rev-parse", "v2^{commit}")
    with pytest.raises(CourseError, match="no version v9; the newest are: .*v2"):
        update(to="v9")
    git(tmp_path, "clone", "-q", "--depth", "1", upstream.as_uri(), "shallow")
    commit(upstream, {"third.md": "3\n"})
    module.update(tmp_path / "shallow", say=lambda _: None, sync=False)
    assert (tmp_path / "shallow/third.md").is_file()


def test_own_commits_stop_it_with_a_way_that_works(clone):
    mine, _, update = clone
    commit(mine, {"page.md": "one\n\ntwo\n\nmine\n"})
    with pytest.raises(CourseError, match="commits of its own") as caught:
        update()
    assert (mine / "page.md").read_text().endswith("mine\n")
    git(mine, "reset", "-q", "--soft", str(caught.value).split("--soft ")[1].split("`")[0])
    update()
    assert (mine / "page.md").read_text() == "one, newer\n\ntwo\n\nmine\n"


def test_no_network_no_git_a_merge_under_way_and_a_folder_in_the_way(clone, tmp_path):
    mine, upstream, update = clone
    (mine / "uv.lock").write_text("completed\n")
    (mine / "added.md").mkdir()
    with pytest.raises(CourseError, match="Your folder added.md"):
        update()
    (mine / "added.md").rmdir()
    (mine / ".git/MERGE_HEAD").write_text("x")
    with pytest.raises(CourseError, match="under way"):
        update()
    (mine / ".git/MERGE_HEAD").unlink()
    upstream.rename(tmp_path / "elsewhere")
    with pytest.raises(CourseError, match="check the network"):
        update()
    assert (mine / "uv.lock").read_text() == "completed\n"
    (tmp_path / "plain").mkdir()
    with pytest.raises(CourseError, match="no git clone"):
        module.update(tmp_path / "plain")


@pytest.mark.parametrize("where", ["before the reset", "after the reset"])
def test_an_interrupted_update_is_finished_by_the_next(clone, monkeypatch, where):
    mine, upstream, update = clone
    answered = notebook("import torch", STUB.replace("raise NotImplementedError", "return 1"))
    (mine / NAME).write_text(answered)
    (mine / "page.md").write_text("one\n\ntwo\n\nthree, mine\n")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if where == "after the reset":
            patched.setattr(module, "_carry_all", stop)
        else:  # half of the files are replaced, HEAD is the old one
            patched.setattr(module, "_git", lambda r, *a: stop() if a[0] == "reset" else git(r, *a))
        with pytest.raises(KeyboardInterrupt):
            update()
    if where == "before the reset":
        shutil.copy(upstream / NAME, mine / NAME)
    update()
    assert "return 1" in sources(mine / NAME)[2]
    assert (mine / "page.md").read_text() == "one, newer\n\ntwo\n\nthree, mine\n"
    assert next((mine / "1_topic").glob("*.mine-*")).read_text() == answered
    assert not (mine / ".smolcourse/update.json").exists()


def test_a_file_where_the_newer_course_has_a_folder_is_put_aside(clone):
    mine, upstream, update = clone
    (mine / "extra").write_text("my file\n")
    commit(upstream, {"extra/a.md": "theirs\n"})
    update()
    assert (mine / "extra/a.md").is_file()
    assert next(mine.glob("extra.mine-*")).read_text() == "my file\n"


# ---------------------------------------------------------------- packages


@pytest.fixture
def fake_uv(tmp_path, monkeypatch):
    """A `uv` on the path that writes down how it was called; its exit status is in a file."""
    place, called = tmp_path / "bin", tmp_path / "called"
    place.mkdir()
    (place / "uv").write_text(f'#!/bin/sh\necho "$PWD: $@" >> "{called}"\nexit $STATUS\n')
    (place / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=":")
    monkeypatch.setenv("STATUS", "0")
    return lambda: called.read_text().strip() if called.is_file() else ""


@pytest.mark.skipif(os.name == "nt", reason="the fake uv is a shell script")
@pytest.mark.parametrize(
    ("torch", "called"),
    [
        ("2.15.0+cu132", "sync --inexact"),
        ("2.15.0+cpu", "pip install --torch-backend cpu -e . --group dev"),
    ],
)
def test_the_packages_follow_and_a_build_without_cuda_stays_one(
    fake_uv, tmp_path, monkeypatch, torch, called
):
    monkeypatch.setattr(module.metadata, "version", lambda name: torch)
    said = []
    module.sync_packages(tmp_path, said.append)
    assert fake_uv() == f"{tmp_path}: {called}" and said == []


@pytest.mark.skipif(os.name == "nt", reason="the fake uv is a shell script")
def test_a_failed_sync_is_one_sentence_that_says_what_to_run(fake_uv, tmp_path, monkeypatch):
    monkeypatch.setenv("STATUS", "1")
    said = []
    module.sync_packages(tmp_path, said.append)
    assert len(said) == 1 and "run `uv sync --inexact` in" in said[0]


def test_without_uv_pip_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    said = []
    module.sync_packages(tmp_path, said.append)
    assert "run `pip install --require-hashes -r requirements.txt` in" in said[0]
