"""The command line as a newcomer meets it: help that reads well, errors of one sentence."""

import errno
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from smolcourse.errors import CourseError
from smolcourse.programs import lab

COMMANDS = ("lab", "check", "doctor", "update", "chat", "pretrain", "build", "benchmark")


def test_help_lists_every_command_in_its_group(run_cli):
    code, out, err = run_cli("--help")
    assert code == 0 and not err
    for text in (*COMMANDS, "Learn", "Models", "Make the course", "--version"):
        assert text in out
    assert max(len(line) for line in out.splitlines()) <= 100
    assert run_cli()[1] == out or "Usage" in run_cli()[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(run_cli, command):
    code, out, _ = run_cli(command, "--help")
    assert code == 0 and f"Example: smolcourse {command}" in out.replace(
        'echo "What is the capital of France?" | ', ""
    )


def test_version_and_help_are_quick_and_import_nothing_heavy():
    code = (
        "import sys; sys.argv = ['smolcourse', '--version']; from smolcourse.commands import app as cli; "
        "cli.main(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("smolcourse ") and done.stdout.split()[-1] == "False"


def test_a_wrong_option_is_not_a_traceback(run_cli):
    code, out, err = run_cli("doctor", "--nope")
    assert code == 2 and "--nope" in err and "Traceback" not in out + err


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{ not json", "not JSON"),
        ("", "not JSON"),
        ("[1, 2]", "not a notebook"),
        (json.dumps({"cells": [], "nbformat": 4}), "no checks"),
    ],
)
def test_check_of_what_is_no_notebook(run_cli, tmp_path, content, part):
    file = tmp_path / "bad.ipynb"
    file.write_text(content)
    code, out, err = run_cli("check", file)
    assert code == 1 and part in err and err.count("\n") == 1 and "Traceback" not in out + err
    assert file.read_text() == content  # nothing of the learner's is touched


def test_check_of_a_missing_notebook(run_cli, tmp_path):
    code, _, err = run_cli("check", tmp_path / "none.ipynb")
    assert code == 1 and "check the path" in err


def test_check_shows_a_table_and_fails_while_something_is_wrong(run_cli, monkeypatch):
    from smolcourse.programs import check_notebook

    rows = [
        {"id": "sft.mask", "status": "correct", "message": "Correct."},
        {"id": "sft.loss", "status": "wrong", "message": "Returned [bold]."},
    ]
    monkeypatch.setattr(check_notebook, "run_checks_in_notebook", lambda _: rows)
    code, out, _ = run_cli("check", "x.ipynb")
    assert code == 1 and "1 of 2 correct" in out and "Returned [bold]." in out
    code, out, _ = run_cli("check", "x.ipynb", "--json")
    assert code == 1 and json.loads(out) == rows
    del rows[1]
    assert run_cli("check", "x.ipynb")[0] == 0


@pytest.mark.parametrize(
    ("error", "code", "part"),
    [
        (CourseError("Do that."), 1, "Do that."),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "disk is full"),
        (ValueError("x\ny"), 1, "Unexpected ValueError (x)"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_end_with_a_sentence_and_a_code(run_cli, monkeypatch, error, code, part):
    from smolcourse.programs import doctor

    def fail():
        raise error

    monkeypatch.setattr(doctor, "examine", fail)
    monkeypatch.delenv("SMOLCOURSE_DEBUG", raising=False)
    got, out, err = run_cli("doctor")
    assert got == code and part in err and "Traceback" not in out + err


def test_an_unknown_profile_is_one_sentence(run_cli, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_PROFILE", "huge")
    code, _, err = run_cli("chat")
    assert code == 1 and err.strip() == (
        "There is no profile named 'huge'; use one of: tiny, smol."
    )


def test_chat_with_a_damaged_checkpoint_is_one_sentence(run_cli, checkpoints):
    (checkpoints / "smollm2-tiny-instruct" / "model.safetensors").write_bytes(b"half")
    code, out, err = run_cli("chat")
    assert code == 1 and err.count("\n") == 1 and "damaged or only half downloaded" in err


def test_chat_streams_remembers_and_forgets(checkpoints):
    from smolcourse.programs import chat

    conversation = chat.load("instruct", system="be brief", max_new_tokens=6)
    pieces = list(conversation.reply("hello"))
    assert "".join(pieces).strip() == conversation.messages[-1]["content"]
    assert [m["role"] for m in conversation.messages] == ["system", "user", "assistant"]
    out = io.StringIO()
    script = "/system be kind\nhi\n\n/reset\n/what\n/quit\nnever read\n"
    chat.run(conversation, io.StringIO(script), out)
    assert "(system prompt: be kind)" in out.getvalue() and "/quit ends" in out.getvalue()
    assert conversation.messages == [{"role": "system", "content": "be kind"}]


def test_a_long_chat_drops_its_oldest_turns(checkpoints):
    from smolcourse.programs import chat

    conversation = chat.load("instruct", max_new_tokens=8)
    for _ in range(6):
        list(conversation.reply("tell me a little more"))
    assert conversation.messages[-1]["role"] == "assistant"
    assert len(conversation.messages) < 12
    with pytest.raises(CourseError, match="too long"):
        list(conversation.reply("x" * 500))
    assert conversation.messages[-1]["role"] == "assistant"


def test_chat_gives_the_same_words_as_generate(checkpoints):
    from smolcourse import generate
    from smolcourse.programs import chat

    conversation = chat.load("instruct", max_new_tokens=8)
    streamed = "".join(conversation.reply("hi"))
    whole = generate.chat(conversation.model, conversation.tokenizer, ["hi"], max_new_tokens=8)
    assert streamed.strip() == whole[0].strip()


def test_lab_is_told_apart_from_the_learners_own_settings(tmp_path):
    (tmp_path / "README.md").write_text("# Start")
    options = lab.arguments(tmp_path, browser=False, port=9000)
    assert "--no-browser" in options and "--ServerApp.port=9000" in options
    assert "--LabApp.default_url=/lab/tree/README.md" in options
    written = json.loads((tmp_path / ".smolcourse/jupyter/overrides.json").read_text())
    plugin = written["@jupyterlab/docmanager-extension:plugin"]
    assert plugin["defaultViewers"] == {"markdown": "Markdown Preview"}
    with pytest.raises(CourseError, match="README.zh-CN.md is missing"):
        lab.arguments(tmp_path, lang="zh-CN")


def test_lab_starts_on_the_rendered_start_page(tmp_path):
    """The README's first command, for real, where the proxy can't be used and home can't be written."""
    import os
    import re
    import socket
    import time
    import urllib.request

    root = Path(lab.__file__).parent.parent.parent
    if not (root / "README.md").is_file() or not (root / "pyproject.toml").is_file():
        pytest.skip("not in the repository: an installed wheel")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "smolcourse.commands.app",
        "lab",
        "--no-browser",
        "--port",
        str(port),
    ]
    wall = tmp_path / "wall"
    wall.write_text("a file: nothing can be made below it, not even by root")
    environment = {
        **os.environ,
        "JUPYTER_TOKEN": "secret",
        "ALL_PROXY": "socks5://127.0.0.1:7890",
        "all_proxy": "socks://127.0.0.1:7890",
        "HOME": str(wall / "home"),
    }
    server = subprocess.Popen(
        command, cwd=root, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}/lab/api/settings/"
        url += "@jupyterlab/docmanager-extension:plugin?token=secret"
        answer = None
        for _ in range(120):
            assert server.poll() is None, server.stderr.read().decode()[-2000:]
            try:
                with urllib.request.urlopen(url, timeout=5) as reply:
                    answer = json.load(reply)
                break
            except OSError:
                time.sleep(0.25)
        viewers = answer["schema"]["properties"]["defaultViewers"]["default"]
        assert viewers == {"markdown": "Markdown Preview"}
    finally:
        server.terminate()
        log = server.communicate(timeout=30)[1].decode()
    assert re.search(rf"http://127\.0\.0\.1:{port}/lab/tree/README\.md", log)


def test_lab_outside_the_repository_says_to_clone(run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli("lab")
    assert code == 1 and "clone the course" in err
    code, _, err = run_cli("build")
    assert code == 1 and "repository" in err
