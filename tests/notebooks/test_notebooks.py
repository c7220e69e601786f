"""The committed notebooks themselves: generated, compared, equal in both languages, portable.

Running them is nbval's part (tests/support/notebook_rules.py); here they are only read.
"""

import json
import re
import socket
import sys
from pathlib import Path

import nbformat
import pytest
from machine_traces import machine_traces
from notebook_rules import KINDS, comparable

ROOT = Path(__file__).parent.parent.parent
PATTERNS = ("[0-9]_*/notebooks/**/*.ipynb", "docs/**/notebooks/**/*.ipynb")
NOTEBOOKS = sorted(
    path
    for pattern in PATTERNS
    for path in ROOT.glob(pattern)
    if path.name.endswith(KINDS) and ".ipynb_checkpoints" not in path.parts
)
SOLUTIONS = [path for path in NOTEBOOKS if path.name.endswith("_solution.ipynb")]
ENGLISH = [path for path in NOTEBOOKS if path.parent.name != "zh-CN"]
AT_LEAST = 0.6  # of the cells with outputs are compared
SIZE_LIMIT = 400_000  # bytes
# A plot's text says that a plot was drawn, not which one: that alone is no comparison.
FIGURE = re.compile(r"<Figure size [\dx.]+ with \d+ Axes>")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def each(paths: list[Path]):
    return pytest.mark.parametrize("path", paths, ids=name)


def read(path: Path) -> dict:
    return nbformat.read(path, as_version=4)


def code(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def ignored(cell: dict) -> bool:
    return bool({"nbval-ignore-output", "nbval-skip"} & set(cell["metadata"].get("tags", [])))


def is_compared(cell: dict) -> bool:
    """Whether nbval compares something of this cell's output that could differ."""
    texts = []
    for output in comparable(cell["outputs"], ROOT):
        if output["output_type"] == "stream":
            texts.append(output["text"])
        data = output.get("data", {})
        texts += [value for kind, value in data.items() if not kind.startswith("image/")]
    return not ignored(cell) and any(not FIGURE.fullmatch(text.strip()) for text in texts)


def test_derived_files_are_up_to_date(monkeypatch):
    """The same as `smolcourse build --check`."""
    from smolcourse.authoring.build import find_sources, main_build

    if not find_sources(ROOT):
        pytest.skip("no notebook source yet")
    monkeypatch.chdir(ROOT)
    outcome = main_build(check=True)
    assert outcome.problems == []


@each(SOLUTIONS)
def test_most_outputs_are_compared(path, record_property):
    """Over 60% of the cells with outputs; each other one says in its metadata why not."""
    bearing = [cell for cell in code(read(path)) if cell["outputs"]]
    exempt = [cell for cell in bearing if not is_compared(cell)]
    lines = []
    for cell in exempt:
        reason = cell["metadata"].get("smolcourse", {}).get("reason")
        reason = reason or ("a plot only" if not ignored(cell) else None)
        assert reason, f"{name(path)}, cell {cell['id']}: not compared, and no reason is given"
        lines.append(f"{cell['id']}: {reason}")
    share = 1 - len(exempt) / max(1, len(bearing))
    print(f"{name(path)}: {share:.0%} of {len(bearing)} compared", *lines, sep="\n  ")
    record_property("compared", round(share, 3))
    assert bearing, f"{name(path)} has no outputs"
    assert share > AT_LEAST, f"only {share:.0%} are compared; not compared:\n" + "\n".join(lines)


@each(SOLUTIONS)
def test_no_output_is_an_empty_table_or_a_dead_widget(path):
    """A trainer that never logs shows the head of a table; a stored widget has lost its kernel."""
    found = []
    for cell in code(read(path)):
        for output in cell["outputs"]:
            data = output.get("data", {})
            table = data.get("text/html", "")
            empty = "Training Loss" in table and "<td" not in table
            if empty or "application/vnd.jupyter.widget-view+json" in data:
                found.append(cell["id"])
    assert found == []


@each(SOLUTIONS)
def test_a_cell_is_exempted_by_its_tag_alone(path):
    """nbval also reads comments; an exemption there would need no reason."""
    found = [cell["id"] for cell in code(read(path)) if "NBVAL" in cell["source"].upper()]
    assert found == []


@each([path for path in ENGLISH if path.name.endswith("_solution.ipynb")])
def test_each_solution_ends_with_a_report_that_met_its_bar(path):
    outputs = [output for cell in code(read(path)) for output in cell["outputs"]]
    kind = "application/vnd.smolcourse.report+json"
    reports = [o["data"][kind] for o in outputs if kind in o.get("data", {})]
    assert len(reports) == 1 and reports[0]["met"] and reports[0]["enforced"], reports


@each(ENGLISH)
def test_chinese_notebooks_have_the_same_code(path):
    twin = path.parent / "zh-CN" / path.name
    assert twin.is_file(), f"{name(twin)} is missing; run smolcourse build"
    english, chinese = read(path), read(twin)
    assert [c["source"] for c in code(chinese)] == [c["source"] for c in code(english)]
    assert [c["cell_type"] for c in chinese["cells"]] == [c["cell_type"] for c in english["cells"]]
    prose = [c["source"] for c in english["cells"] if c["cell_type"] == "markdown"]
    translated = [c["source"] for c in chinese["cells"] if c["cell_type"] == "markdown"]
    assert prose != translated


@each([path for path in NOTEBOOKS if path.name.endswith("_exercise.ipynb")])
def test_exercises_give_no_solution_away(path):
    notebook = read(path)
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code(notebook))
    text = json.dumps(notebook)
    assert "SOLUTION" not in text and "raise NotImplementedError" in text


@each(NOTEBOOKS)
def test_a_notebook_is_small(path):
    assert path.stat().st_size < SIZE_LIMIT, "GitHub shows large notebooks slowly or not at all"


@each(NOTEBOOKS)
def test_a_notebook_shows_nothing_of_the_machine_it_was_run_on(path):
    notebook = read(path)
    outputs = json.dumps([cell.get("outputs", []) for cell in code(notebook)], ensure_ascii=False)
    sources = "\n".join(cell["source"] for cell in notebook["cells"])
    assert machine_traces(outputs) == []
    assert machine_traces(sources) == []
    host = socket.gethostname()
    assert len(host) < 4 or host == "localhost" or host not in outputs
    assert sys.prefix not in outputs and str(Path.home()) not in outputs
