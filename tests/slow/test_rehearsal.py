"""The solution notebooks in the `smol` profile, against a hub on this machine, in very few steps.

It proves that downloads, revisions, columns, templates and budgets fit together. The weights are
random: no score is claimed, and bars do not count. Every notebook is run with `--all-languages`
(each week and before a release), the two quickest otherwise.
"""

from pathlib import Path

import nbformat
import pytest
from hub import MAIN, Hub
from hub_repositories import repositories
from nbclient import NotebookClient

from smolcourse.authoring.build import find_sources
from smolcourse.authoring.render import render_all
from smolcourse.authoring.source import read_source

ROOT = Path(__file__).parent.parent.parent
REPORT = "application/vnd.smolcourse.report+json"
ALWAYS = ("chat_templates", "human_feedback")
SOURCES = find_sources(ROOT)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The hub, and the environment of its clients, which share one cache."""
    with Hub(repositories()) as hub:
        environment = hub.environment(tmp_path_factory.mktemp("home")) | {
            "OMP_NUM_THREADS": "1",
            "SMOLCOURSE_QUICK": "100",
            "SMOLCOURSE_SIZE": "360M",  # its batches are half as large as those of 135M
        }
        yield hub, environment


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_runs_in_the_smol_profile(path, hub, tmp_path, request):
    if path.stem not in ALWAYS and not request.config.option.all_languages:
        pytest.skip("rehearsed with --all-languages")
    hub, environment = hub
    name, notebook = solution(path)
    notebook = nbformat.from_dict(notebook)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=environment | {"SMOLCOURSE_NOTEBOOK": name})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    [report] = [out["data"][REPORT] for out in outputs if REPORT in out.get("data", {})]
    assert report["profile"] == "smol" and not report["enforced"]
    assert {revision for *_, revision, _ in hub.asked}.isdisjoint({"main", MAIN})


def solution(path: Path) -> tuple[str, dict]:
    """(path, notebook) of a source's English solution."""
    for name, notebook in render_all(read_source(path, ROOT), tag="v0").items():
        if name.endswith("_solution.ipynb") and "zh-CN" not in name:
            return name, notebook
    raise AssertionError(f"{path.name} has no solution")
