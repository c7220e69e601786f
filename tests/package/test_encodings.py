"""Bytes as they come: other encodings on the way in, consoles that have few signs on the way out."""

import io
import json
import os
import subprocess
import sys

import pytest

from smolcourse import textfiles
from smolcourse.errors import CourseError
from smolcourse.programs import chat, notebook_plan


class Echo:
    """A conversation that says what it was asked."""

    def __init__(self):
        self.heard = []

    def reply(self, text):
        self.heard.append(text)
        yield "ok"


@pytest.mark.parametrize(
    ("data", "heard"),
    [
        ("日本的首都\nnext\n".encode("gbk"), "next"),
        (b"\xe4\xbd\nnext\n", "next"),
        (b"\xef\xbb\xbfnext\n", "next"),
    ],
)
@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_chat_goes_on_after_bytes_that_are_no_text(data, heard, errors, capsys):
    conversation, out = Echo(), io.StringIO()
    chat.run(conversation, io.TextIOWrapper(io.BytesIO(data), "utf-8", errors), out)
    assert conversation.heard[-1] == heard
    assert len(conversation.heard) == data.count(b"\n")
    "".join(conversation.heard).encode("utf-8")  # no surrogates
    assert ("UTF-8" in capsys.readouterr().err) == (len(conversation.heard) == 2)


def test_chat_without_an_input_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CourseError, match="no input to read"):
        chat.run(Echo())
    closed = io.StringIO()
    closed.isatty = lambda: False
    closed.close()
    with pytest.raises(CourseError, match="no input to read"):
        chat.run(Echo(), closed)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_not_part_of_a_file(tmp_path, encoding):
    file = tmp_path / "x.ipynb"
    file.write_text('{"cells": [], "é": "中"}', encoding=encoding)
    assert textfiles.read_text(file) == '{"cells": [], "é": "中"}'
    assert notebook_plan.read(file)["cells"] == []


def test_labels_with_a_byte_order_mark(tmp_path):
    from smolcourse.topics.labelling import Labels

    file = tmp_path / "labels.jsonl"
    line = json.dumps({"annotator": "you", "key": "a", "left": "chosen", "vote": "tie"})
    file.write_text("\ufeff" + line + "\n", encoding="utf-8")
    assert list(Labels(file).state) == ["a"]


SHOW = """
import sys
from smolcourse.commands import app
from smolcourse.programs import check_notebook
rows = [{"id": "a.b", "status": s, "message": "中文 " * 60 + chr(10) + "end"} for s in ("correct", "wrong")]
check_notebook.run_checks_in_notebook = lambda _: rows
sys.argv = ["smolcourse", "check", "x.ipynb", *sys.argv[1:]]
sys.exit(app.main())
"""


def shown(*arguments, encoding="utf-8", **environment):
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *arguments],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, **environment},
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "ascii"])
def test_json_is_the_same_bytes_under_any_console(encoding):
    assert shown("--json", encoding=encoding) == shown("--json")
    assert json.loads(shown("--json", encoding=encoding))[0]["message"].startswith("中文")


def test_the_table_in_a_pipe_has_one_line_an_exercise():
    lines = shown().decode().splitlines()
    assert len(lines) == 3 and all(line.endswith("中文 end") for line in lines[1:])


def test_a_console_without_signs_gets_words():
    text = shown(encoding="cp1252").decode("cp1252")
    assert "OK a.b" in text and "ERROR a.b" in text
    text = shown(encoding="gbk", SMOLCOURSE_LANG="zh-CN").decode("gbk")
    assert "通过 a.b" in text and "错误 a.b" in text
