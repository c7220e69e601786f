"""A person's clicks: the labelling panel in JupyterLab, in a real (headless) browser."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from browser import Browser, find

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-token-for-one-test"
CELL = """\
from smolcourse.topics.labelling import Panel

rows = [{"prompt": f"Question {n}?", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(4)]
panel = Panel(rows, "labels.jsonl", seed=3)
panel.show()
print("ready")
"""
pytestmark = [
    pytest.mark.skipif(find() is None, reason="no Chromium on this machine; see CHROME_BIN"),
    pytest.mark.skipif(
        not importlib.util.find_spec("jupyterlab") or not importlib.util.find_spec("websocket"),
        reason="JupyterLab is not installed",
    ),
]


@pytest.fixture
def folder():
    """A folder below runs/, which the lab can open and git ignores."""
    runs = ROOT / "runs"
    runs.mkdir(exist_ok=True)
    if not (runs / ".gitignore").exists():
        (runs / ".gitignore").write_text("*\n", encoding="utf-8")
    made = runs / f"labelling-test-{os.getpid()}"
    made.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, made / "panel.ipynb")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def lab(tmp_path):
    """`smolcourse lab --no-browser`, running; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = "import sys; from smolcourse.commands.app import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "lab", "--no-browser", "--port", str(port)]
    environment = os.environ | {"JUPYTER_TOKEN": TOKEN, "JUPYTER_CONFIG_DIR": str(tmp_path / "c")}
    log = tmp_path / "lab.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    address = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 120
    try:
        while True:
            try:
                opener.open(f"{address}/api/status?token={TOKEN}", timeout=10).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def run_cell(browser: Browser) -> None:
    """Run the notebook's first cell, once its kernel is there."""
    browser.wait("!!document.querySelector('.jp-CodeCell .cm-content')", 180)
    browser.click(".jp-CodeCell .cm-content")  # the status bar tells of the page in use only
    browser.wait("document.body.innerText.includes('| Idle')", 180)
    browser.click(".jp-CodeCell .cm-content")
    browser.press_enter(shift=True)


def test_a_person_can_label_in_jupyterlab(lab, folder, tmp_path):
    labels = folder / "labels.jsonl"

    def votes() -> list[str]:
        if not labels.exists():
            return []
        return [json.loads(line)["vote"] for line in labels.read_text("utf-8").splitlines()]

    def wait_for(expected: list[str]) -> None:
        end = time.monotonic() + 30
        while votes() != expected and time.monotonic() < end:
            time.sleep(0.1)
        assert votes() == expected

    def shown(text: str) -> str:
        return f"document.querySelector('.jp-OutputArea')?.innerText.includes({json.dumps(text)})"

    with Browser(tmp_path) as browser:
        browser.open(f"{lab}/lab/tree/runs/{folder.name}/panel.ipynb?token={TOKEN}&reset")
        run_cell(browser)
        browser.wait(shown("ready"), 120)
        browser.wait(shown("0 of 4 pairs"))
        output = browser.text(".jp-OutputArea")
        assert "Which answer do you prefer?" in output and "Question 0?" in output
        assert "good 0" in output and "bad 0" in output and "good 1" not in output

        browser.click(".smolcourse-left")
        wait_for(["left"])
        browser.wait(shown("1 of 4 pairs"))
        browser.wait(shown("Question 1?"))
        browser.click(".smolcourse-tie")
        wait_for(["left", "tie"])
        browser.wait(shown("2 of 4 pairs"))
        browser.click(".smolcourse-undo")
        wait_for(["left", "tie", "undo"])
        browser.wait(shown("Question 1?"))
        browser.click(".smolcourse-right")
        wait_for(["left", "tie", "undo", "right"])
        browser.wait(shown("2 of 4 pairs"))

        # The page is loaded anew and the cell run again: nothing is asked twice.
        browser.open(f"{lab}/lab/tree/runs/{folder.name}/panel.ipynb?token={TOKEN}&reset")
        run_cell(browser)
        browser.wait(shown("Question 2?"), 120)
        browser.click(".smolcourse-skip")
        browser.wait(shown("Question 3?"))
        browser.click(".smolcourse-left")
        browser.wait(shown("Thank you"))
        wait_for(["left", "tie", "undo", "right", "skip", "left"])
