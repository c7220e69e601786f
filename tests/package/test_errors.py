"""Errors are one sentence that says what to do."""

import errno
import json

import pytest

from smolcourse.commands import app as cli
from smolcourse.errors import CourseError, one_of


def test_an_unknown_name_lists_the_known_ones():
    text = str(one_of("profile", "tinny", ["tiny", "smol"]))
    assert text == (
        "There is no profile named 'tinny' (did you mean 'tiny'?); use one of: tiny, smol."
    )


def test_notebooks_show_the_sentence_and_no_traceback():
    assert CourseError("Do this.")._render_traceback_() == ["CourseError: Do this."]


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (CourseError("Only this."), "Only this."),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0"), "disk is full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "runs"), "runs may not be written"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.json"), "a.json was not found"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "--port"),
        (ModuleNotFoundError("No module named 'trl'", name="trl"), "'trl' is not installed"),
        (MemoryError(), "not enough memory"),
        (KeyError("x"), "Unexpected KeyError ('x')"),
    ],
)
def test_every_error_at_the_top_is_one_sentence(error, part):
    text = cli.explain(error)
    assert part in text and "\n" not in text and text.endswith((".", ")."))


def test_broken_json_is_named():
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    assert "not valid JSON" in cli.explain(caught.value)
