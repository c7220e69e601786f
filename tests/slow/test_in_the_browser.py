"""What only a real (headless) browser shows of JupyterLab: a person's clicks, an opened notebook."""

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
from browser import find, open_page

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
        not importlib.util.find_spec("jupyterlab") or not importlib.util.find_spec("playwright"),
        reason="JupyterLab or Playwright is not installed",
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


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`smolcourse lab --no-browser`, running; its address."""
    tmp_path = tmp_path_factory.mktemp("lab")
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


def open_and_run(page, address: str) -> None:
    """Open the notebook and run its first cell, once its kernel is there."""
    from playwright.sync_api import expect

    page.goto(address)
    cell = page.locator(".jp-CodeCell .cm-content").first
    cell.click()  # the status bar tells of the page in use only
    expect(page.locator("body")).to_contain_text("| Idle")
    cell.click()
    page.keyboard.press("Shift+Enter")


def test_a_person_can_label_in_jupyterlab(lab, folder):
    from playwright.sync_api import expect

    labels = folder / "labels.jsonl"

    def wait_for(expected: list[str]) -> None:
        votes, end = None, time.monotonic() + 30
        while votes != expected and time.monotonic() < end:
            time.sleep(0.1)
            lines = labels.read_text("utf-8").splitlines() if labels.exists() else []
            votes = [json.loads(line)["vote"] for line in lines]
        assert votes == expected

    with open_page() as page:
        address = f"{lab}/lab/tree/runs/{folder.name}/panel.ipynb?token={TOKEN}&reset"
        open_and_run(page, address)
        output = page.locator(".jp-OutputArea").first

        def vote(name: str, shown: str) -> None:
            page.locator(f".smolcourse-{name}").click()
            expect(output).to_contain_text(shown)

        for text in ("ready", "0 of 4 pairs", "Which answer do you prefer?", "Question 0?"):
            expect(output).to_contain_text(text)
        expect(output).to_contain_text("good 0")
        expect(output).to_contain_text("bad 0")
        expect(output).not_to_contain_text("good 1")

        vote("left", "1 of 4 pairs")
        wait_for(["left"])
        expect(output).to_contain_text("Question 1?")
        vote("tie", "2 of 4 pairs")
        wait_for(["left", "tie"])
        vote("undo", "Question 1?")
        wait_for(["left", "tie", "undo"])
        vote("right", "2 of 4 pairs")
        wait_for(["left", "tie", "undo", "right"])

        # The page is loaded anew and the cell run again: nothing is asked twice.
        open_and_run(page, address)
        expect(output).to_contain_text("Question 2?")
        vote("skip", "Question 3?")
        vote("left", "Thank you")
        wait_for(["left", "tie", "undo", "right", "skip", "left"])


@pytest.mark.parametrize("name", ["chat_templates_exercise", "zh-CN/chat_templates_solution"])
def test_opening_a_notebook_does_not_mark_it_as_changed(lab, name):
    from playwright.sync_api import expect

    with open_page() as page:
        page.goto(f"{lab}/lab/tree/1_instruction_tuning/notebooks/{name}.ipynb?token={TOKEN}&reset")
        cell = page.locator(".jp-CodeCell .cm-content").first
        cell.click()
        expect(page.locator("body")).to_contain_text("| Idle")
        page.wait_for_timeout(1000)  # the kernel's description arrives after its state
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
        # The same mark, to show that it would be seen: a learner types.
        cell.press_sequentially("#")
        expect(page.locator(".jp-mod-dirty")).not_to_have_count(0)
