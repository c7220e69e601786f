"""The files of a pretraining run survive kills and full disks; its log has every step once."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
import small

from smolcourse.errors import CourseError
from smolcourse.recipes import pretrain
from smolcourse.recipes.pretrain import TokenStream, train_base
from smolcourse.recipes.run_files import Log, load_state

RECIPE = replace(small.RECIPE, steps=50, context=8, save_every=15)
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def out(tmp_path):
    """A run folder that already holds the small tokenizer, so that no test trains a large one."""
    small.tokenizer().save_pretrained(tmp_path / "run" / "tokenizer")
    return tmp_path / "run"


def steps(out: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]


def one_sentence(error) -> None:
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text and "free some disk space" in text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- the log goes on where the run does


def killed_at(step: int, monkeypatch):
    """From now on a run stops in this step as if it were killed: nothing is saved any more."""
    batch = TokenStream.batch

    def kill(stream, position, count):
        if position >= step * RECIPE.tokens_per_step:
            raise KeyboardInterrupt
        return batch(stream, position, count)

    monkeypatch.setattr(TokenStream, "batch", kill)


def test_a_killed_run_logs_every_step_once(out, monkeypatch):
    killed_at(44, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train_base(RECIPE, out, progress=False)
    assert steps(out) == [20, 40] and load_state(out / "state.pt", RECIPE)["step"] == 30
    monkeypatch.undo()
    train_base(RECIPE, out, progress=False)
    assert steps(out) == [20, 40, 50]
    train_base(RECIPE, out, progress=False)  # a finished run only loads
    assert steps(out) == [20, 40, 50]


def test_a_run_without_a_state_begins_its_log_anew(out, monkeypatch):
    killed_at(25, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train_base(RECIPE, out, progress=False)
    (out / "state.pt").unlink()
    monkeypatch.undo()
    train_base(RECIPE, out, progress=False)
    assert steps(out) == [20, 40, 50]


def test_the_log_loses_only_later_and_broken_lines(tmp_path):
    path = tmp_path / "log.jsonl"
    lines = ['{"step": 20, "loss": 3.0}\n', '{"step": 40, "los\n', '["step"]\n', '{"loss": 1}\n']
    lines += ['{"step": 30, "loss": 2.0}\n', '{"step": 60, "loss": 1.0}\n', '{"step": 45']
    path.write_text("".join(lines))
    log = Log(path, 40)
    assert path.read_text() == lines[0] + lines[4]
    log.add(step=60, loss=0.5)
    assert steps(tmp_path) == [20, 30, 60] and names(tmp_path) == ["log.jsonl"]
    Log(path, 60)
    assert steps(tmp_path) == [20, 30, 60]


# ---------------------------------------------------------------- a full disk


def test_a_full_disk_under_the_log_is_one_sentence_and_loses_nothing(out, monkeypatch):
    """Half a line lands on the disk, then it is full; what the run had saved is still there."""
    train_base(RECIPE, out, progress=False, stop_after=15)
    before = (out / "state.pt").read_bytes()
    real = Path.open

    def full(path, mode="r", *args, **kw):
        if path.name == "log.jsonl" and "a" in mode:
            with real(path, mode) as file:
                file.write('{"step": 2')
            raise FULL
        return real(path, mode, *args, **kw)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(CourseError, match="log could not be written") as error:
        train_base(RECIPE, out, progress=False)
    one_sentence(error)
    monkeypatch.undo()
    assert (out / "state.pt").read_bytes() == before
    train_base(RECIPE, out, progress=False)
    assert steps(out) == [15, 20, 40, 50]


def test_a_full_disk_while_the_log_is_cut_keeps_it_whole(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 20}\n{"step": 40}\n')

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:5])
        raise FULL

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CourseError, match="log could not be written") as error:
        Log(path, 20)
    one_sentence(error)
    assert steps(tmp_path) == [20, 40] and names(tmp_path) == ["log.jsonl"]


@pytest.mark.parametrize("failure", [FULL, Exception("No space left on device (os error 28)")])
def test_a_full_disk_under_the_tokenizer_is_one_sentence(tmp_path, monkeypatch, failure):
    """The tokenizer's own library, in Rust, reports it as a plain Exception."""

    class Half:
        def save_pretrained(self, folder):
            folder.mkdir()
            (folder / "tokenizer.json").write_text('{"half')
            raise failure

    monkeypatch.setattr(pretrain, "make_tokenizer", Half)
    out = tmp_path / "run"
    with pytest.raises(CourseError, match="tokenizer could not be written") as error:
        train_base(RECIPE, out, progress=False)
    one_sentence(error)
    assert names(out) == []
    # With room again the same command makes it, whatever a kill has left there.
    (out / "tokenizer").mkdir()
    (out / "tokenizer.partial").mkdir()
    monkeypatch.setattr(pretrain, "make_tokenizer", small.tokenizer)
    train_base(RECIPE, out, progress=False, stop_after=1)
    assert names(out) == ["log.jsonl", "state.pt", "tokenizer"]
    assert (out / "tokenizer" / "tokenizer.json").stat().st_size > 1000


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="run could not be written") as error:
        train_base(RECIPE, tmp_path / "file" / "run", progress=False)
    one_sentence(error)
