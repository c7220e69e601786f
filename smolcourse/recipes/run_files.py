"""What a pretraining run keeps in its folder: its state, its log and its tokenizer.

Each of them stays whole when the process is killed or the disk is full: a new version is written
beside the old one and put in its place in one step, and the log, to which lines are only added,
is cut back to the step from which a run goes on.

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smolcourse.errors import CourseError


@contextmanager
def writing(what: str, folder: Path) -> Iterator[None]:
    """Say in one sentence that `what` could not be written to the run's folder."""
    try:
        yield
    # A library in Rust or C++ reports a full disk as a plain Exception or a RuntimeError.
    except Exception as error:
        raise CourseError(
            f"The {what} could not be written to {folder} ({error}): free some disk space, "
            "then run the same command again; it goes on from the last whole checkpoint."
        ) from error


def save_state(path: Path, state: dict) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one, whole."""
    import torch

    partial = path.with_suffix(".partial")
    try:
        with writing("checkpoint", path.parent):
            torch.save(state, partial)
            partial.replace(path)
    except CourseError:
        partial.unlink(missing_ok=True)
        raise


def load_state(path: Path, recipe) -> dict | None:
    """The saved state of a run, or None if there is none; refuses a state of another recipe."""
    import torch

    if not path.exists():
        return None
    try:
        state = torch.load(path, weights_only=True)
        other = state["recipe"] != asdict(recipe)
    except Exception as error:
        raise CourseError(
            f"The saved run {path} can't be read ({type(error).__name__}): delete that file to start anew."
        ) from error
    if other:
        raise CourseError(
            f"The saved run in {path.parent} belongs to another recipe: choose another --out folder, "
            "or delete that one to start anew."
        )
    return state


def run_tokenizer(out: Path, make: Callable[[], Any]) -> Any:
    """The tokenizer in `out/tokenizer`; made, and saved there whole or not at all, if there is none."""
    from transformers import AutoTokenizer

    folder, partial = out / "tokenizer", out / "tokenizer.partial"
    if (folder / "tokenizer.json").exists():
        return AutoTokenizer.from_pretrained(folder)
    tokenizer = make()
    try:
        with writing("tokenizer", out):
            for left in (partial, folder):  # of a run that was killed at this point
                shutil.rmtree(left, ignore_errors=True)
            tokenizer.save_pretrained(partial)
            partial.replace(folder)
    except CourseError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return tokenizer


class Log:
    """`log.jsonl`: one line `{"step", "loss", "seconds"}` for every few steps of a run.

    Args:
        path: the file; made if it is not there.
        step: the step from which the run goes on. Lines of later steps, which a killed run wrote
            after its last checkpoint, are dropped, for those steps are done again; so is half a
            line. All others stay.
    """

    def __init__(self, path: Path, step: int):
        self.path = path
        partial = path.with_suffix(".partial")
        try:
            with writing("log", path.parent):
                old = path.read_bytes() if path.exists() else None
                kept = _lines_until(old or b"", step)
                if kept != old:
                    partial.write_bytes(kept)
                    partial.replace(path)
        except CourseError:
            partial.unlink(missing_ok=True)
            raise

    def add(self, **line) -> None:
        """Append a line. Opened each time, so that a full disk is noticed here and once."""
        with writing("log", self.path.parent), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _lines_until(text: bytes, step: int) -> bytes:
    def kept(line: bytes) -> bool:
        try:
            return line.endswith(b"\n") and json.loads(line)["step"] <= step
        except (ValueError, KeyError, TypeError):
            return False

    return b"".join(line for line in text.splitlines(keepends=True) if kept(line))
