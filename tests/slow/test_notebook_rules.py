"""The rules for notebooks, proven on a small repository with this one's own configuration."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parent.parent.parent
FOLDER = "1_sample/notebooks"
PRINT = "print('two')"


def cell(source, *outputs, tags=()):
    """A code cell that was run, with stored outputs."""
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata)


def stream(text):
    return new_output("stream", name="stdout", text=text)


def report(met=True, seconds=1.0):
    """What course.report stores, in small."""
    data = {"metric": "accuracy", "bar": 0.9, "met": met, "seconds": seconds, "after": 0.93}
    html = f"<table>{seconds}</table>"
    bundle = {
        "text/plain": f"time {seconds}",
        "text/html": html,
        "application/vnd.smolcourse.report+json": data,
    }
    return bundle, new_output("display_data", data=bundle)


def show(bundle) -> str:
    return f"from IPython.display import display\ndisplay({bundle!r}, raw=True)"


# name -> the notebook's code cells
SAMPLES = {
    "same_solution": [
        cell(PRINT, stream("two\n")),
        cell("import sys\nprint('warning', file=sys.stderr)"),
        cell("print('device: cpu (2 threads)')", stream("device: cuda (some GPU)\n")),
        cell("print('took 3.2 s')", stream("took 41 s\n")),
        cell("object()", new_output("execute_result", data={"text/plain": "<object at 0x...>"})),
        cell(show(report(seconds=5.0)[0]), report(seconds=9.0)[1]),
        cell("import random\nprint(random.random())", stream("7\n"), tags=["nbval-ignore-output"]),
    ],
    "drifted_solution": [cell(PRINT, stream("three\n"))],
    "missed_solution": [cell(show(report(met=False)[0]), report(met=True)[1])],
    "silent_solution": [cell("pass", stream("two\n"))],
    "raising_solution": [cell("1 / 0")],
    "drifted_exercise": [cell(PRINT, stream("three\n"))],
    "unrun_exercise": [new_code_cell(PRINT)],
    "quick_exercise": [
        cell("from smolcourse import profiles\nassert profiles.quick('sft_steps', 100) == 10")
    ],
    "full_solution": [
        cell("from smolcourse import profiles\nassert profiles.quick('sft_steps', 100) == 100")
    ],
    "raising_exercise": [new_code_cell("raise ValueError('an exercise must run unsolved')")],
    "dead_solution": [
        cell("import os, time\ntime.sleep(0.1)\nos._exit(7)"),
        cell(PRINT, stream("two\n")),
    ],
    "where_solution": [
        cell(
            "import os, pathlib\n"
            "print(pathlib.Path.cwd().name, os.environ.get('SMOLCOURSE_PROGRESS'))\n"
            "from smolcourse.notebook import notebook_path\n"
            "print(pathlib.Path(notebook_path()).name)",
            stream("notebooks 0\nwhere_solution.ipynb\n"),
        )
    ],
    "zh-CN/same_solution": [cell(PRINT, stream("two\n"))],
    "mine": [cell("raise ValueError('a notebook of the learner is not run')")],
}


def write(folder: Path, name: str, cells: list) -> None:
    file = folder / f"{name}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), file)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A folder with this repository's pytest configuration and the sample notebooks."""
    top = tmp_path_factory.mktemp("repository")
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, top)
    (top / "tests" / "slow").mkdir(parents=True)
    shutil.copytree(ROOT / "tests" / "support", top / "tests" / "support")
    (top / "tests" / "test_fast.py").write_text("def test_fast():\n    pass\n")
    (top / "tests" / "slow" / "test_slow.py").write_text("def test_slow():\n    pass\n")
    for name, cells in SAMPLES.items():
        write(top / FOLDER, name, cells)
    for ignored in (".ipynb_checkpoints", "source"):
        write(top / FOLDER / ignored, "old_solution", SAMPLES["raising_solution"])
    return top


def run(top: Path, *arguments: str) -> tuple[dict[str, str], str, int]:
    """({test: outcome}, text, exit code) of pytest in that folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment.pop("SMOLCOURSE_NETWORK_LOG", None)  # a test run of its own
    environment["SMOLCOURSE_LANG"] = "zh-CN"  # must not reach the notebooks
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--color=no", *arguments],
        cwd=top, env=environment, capture_output=True, text=True, timeout=300,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    lines = re.findall(r"^(PASSED|FAILED|ERROR) ([^\n]+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    outcomes = {name: outcome for outcome, name in lines}
    return outcomes, done.stdout + done.stderr, done.returncode


@pytest.fixture(scope="module")
def everything(repository):
    """One run of plain `pytest`, for several tests; with the seconds that the dead cell took."""
    files = ["--junitxml=report.xml", "--notebook-seconds=seconds.json"]
    outcomes, text, code = run(repository, *files)
    cases = ElementTree.parse(repository / "report.xml").iter("testcase")
    dead = [case for case in cases if "dead_solution" in case.get("classname")]
    return outcomes, text, code, float(dead[0].get("time"))


def test_plain_pytest_runs_tests_slow_tests_and_notebooks(everything):
    outcomes, text, code, _ = everything
    assert code == 1
    assert outcomes["tests/test_fast.py::test_fast"] == "PASSED"
    assert outcomes["tests/slow/test_slow.py::test_slow"] == "PASSED"
    tested = {name.split("::")[0] for name in outcomes if ".ipynb" in name}
    english = {n for n in SAMPLES if n != "mine" and not n.startswith("zh-CN")}
    assert tested == {f"{FOLDER}/{name}.ipynb" for name in english}


def test_a_run_says_what_took_how_long(everything, repository):
    _, text, *_ = everything
    seconds = json.loads((repository / "seconds.json").read_text())
    names = [name for name in SAMPLES if name != "mine" and not name.startswith("zh-CN")]
    assert set(seconds) == {f"{FOLDER}/{name}.ipynb" for name in names}
    solutions = [s for name, s in seconds.items() if name.endswith("_solution.ipynb")]
    mean = sum(solutions) / len(solutions)
    assert f"solution notebooks: {len(solutions)}, {mean:.0f} s on average; the slowest:" in text
    slowest = max((s, name) for name, s in seconds.items() if name.endswith("_solution.ipynb"))
    assert re.search(rf"slowest:\n +{slowest[0]:.0f} s  {re.escape(slowest[1])}\n", text)
    assert re.search(r"slowest tests:\n +0\.\d\d s  tests/", text)


def test_what_is_stable_is_compared_and_what_varies_is_not(everything):
    outcomes, text, *_ = everything
    failed = {name.split("/")[-1] for name, outcome in outcomes.items() if outcome != "PASSED"}
    assert failed == {
        "drifted_solution.ipynb::Cell 0",
        "missed_solution.ipynb::Cell 0",
        "silent_solution.ipynb::Cell 0",
        "raising_solution.ipynb::Cell 0",
        "raising_exercise.ipynb::Cell 0",
        "dead_solution.ipynb::Cell 0",
    }, text
    assert "report of accuracy: missed 0.9" in text and "ZeroDivisionError" in text


def test_a_dead_kernel_is_noticed_within_seconds(everything):
    _, text, _, seconds = everything
    assert "The kernel died (exit code 7) while this cell ran" in text
    assert "SKIPPED" in text and "the kernel died in an earlier cell" in text
    assert seconds < 60, "its kernel's start included; nbval alone would wait ten minutes"


def test_pytest_tests_is_the_fast_part(repository):
    outcomes, text, code = run(repository, "tests")
    assert code == 0 and list(outcomes) == ["tests/test_fast.py::test_fast"], text
    outcomes, *_ = run(repository, "tests/slow")
    assert list(outcomes) == ["tests/slow/test_slow.py::test_slow"]


def test_the_short_run_for_each_python_has_one_solution_a_module(repository):
    _, text, _ = run(repository, "--one-a-module", "--collect-only", "-q", "-n0")
    collected = {line.split("::")[0] for line in text.splitlines() if "::" in line}
    first = min(name for name in SAMPLES if name.endswith("_solution") and "/" not in name)
    assert collected == {"tests/test_fast.py", f"{FOLDER}/{first}.ipynb"}


def test_chinese_notebooks_on_demand_and_from_any_folder(repository):
    name = f"{FOLDER}/zh-CN/same_solution.ipynb"
    outcomes, text, code = run(repository, "--all-languages", f"{FOLDER}/zh-CN")
    assert code == 0 and set(outcomes) == {f"{name}::Cell 0"}, text
    _, text, _ = run(repository, "--all-languages", "--collect-only", "-q")
    assert name in text
    outcomes, text, code = run(repository / FOLDER, "zh-CN/same_solution.ipynb")
    assert code == 0 and outcomes, text


def test_long_notebooks_come_first_and_tests_before_all(repository):
    names = sorted(f"{FOLDER}/{n}.ipynb" for n in SAMPLES if n != "mine" and "/" not in n)
    seconds = {name: float(at) for at, name in enumerate(names[1:])}  # the first: never measured
    (repository / "measured").mkdir()
    (repository / "measured" / "notebook_seconds.json").write_text(json.dumps(seconds))
    _, text, _ = run(repository, "--collect-only", "-q", "-n0")
    files = list(dict.fromkeys(line.split("::")[0] for line in text.splitlines() if "::" in line))
    assert set(files[:2]) == {"tests/test_fast.py", "tests/slow/test_slow.py"}
    assert files[2:] == [names[0], *reversed(names[1:])]


def test_the_network_is_closed_in_kernels_and_an_attempt_fails_the_run(repository):
    swallowed = (
        "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
        "except OSError:\n    pass"
    )
    write(repository / "2_sample", "network_solution", [cell(swallowed)])
    outcomes, text, code = run(repository, "2_sample")
    assert set(outcomes.values()) == {"PASSED"}
    assert code == 1 and "192.0.2.1" in text and "The network was used" in text


def test_two_workers_share_nothing_but_the_machine(repository):
    """One notebook stays in one worker, and kernels of workers have one thread."""
    threads = cell("import os\nprint(os.environ['OMP_NUM_THREADS'])", stream("1\n"))
    first = cell("a = 1\nprint(a)", stream("1\n"))
    second = cell("print(a + 1)", stream("2\n"))
    for name in ("one_solution", "other_solution"):
        write(repository / "3_sample", name, [threads, first, second])
    outcomes, text, code = run(repository, "-n", "2", "--dist", "loadscope", "3_sample")
    assert code == 0 and len(outcomes) == 6, text


def test_the_sample_notebooks_are_valid():
    for cells in SAMPLES.values():
        nbformat.validate(json.loads(nbformat.writes(new_notebook(cells=cells))))
