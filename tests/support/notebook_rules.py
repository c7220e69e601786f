"""How the course's notebooks are tested: nbval's plugin, with the rules of this course on top.

nbval starts a kernel a notebook, runs every code cell and compares outputs. This plugin adds:

- Only generated notebooks are run: `*_solution.ipynb` and `*_exercise.ipynb`; those under
  `zh-CN/` have the same code and are run with `--all-languages`, or when they are named.
- Exercise notebooks must run unsolved from top to bottom; their outputs are not compared, so
  they train for a tenth of the steps and ask a part of the questions (`smolcourse.profiles.quick`).
- Solutions are compared after both sides went through the cleaning that `smolcourse build`
  uses when it stores outputs: one rule says what is stable. What a report measured (seconds,
  memory, the exact score) is replaced by whether it reached its bar.
- A kernel whose process is gone is noticed in seconds; nbval alone waits for the cell's timeout.
- The longest notebooks come first, after the tests, as measured/notebook_seconds.json has them:
  the last ones to run are short, and no worker waits minutes for another.
- The slow tests are part of `pytest`, and not of `pytest tests`. `pytest --one-a-module` runs the
  fast tests and one solution a module: what each version of Python has to pass.

The root conftest.py loads it; tests/slow/test_notebook_rules.py proves each rule on small notebooks.
"""

import json
import math
import os
import time
from pathlib import Path
from queue import Empty

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from smolcourse.profiles import QUICK

KINDS = ("_solution.ipynb", "_exercise.ipynb")
REPORT = "application/vnd.smolcourse.report+json"
POLL = 1.0  # seconds between two looks at the kernel's process
SLOW = Path(__file__).parent.parent / "slow"

# Two kernels with two threads each on two cores wait for each other (measured: see
# tools/measure_tests.py), and even those that sleep soon (smolcourse/threads.py) lose to one thread
# each; so workers of pytest-xdist get one thread.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser):
    group = parser.getgroup("smolcourse")
    group.addoption(
        "--all-languages",
        action="store_true",
        help="Run the Chinese notebooks as well, and all in the smol profile.",
    )
    group.addoption(
        "--one-a-module",
        action="store_true",
        help="Only the fast tests and each module's first solution notebook.",
    )


def pytest_configure(config):
    # An absolute path: nbval opens it relative to the folder pytest was called in.
    if config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(Path(__file__).with_name("nbval_sanitize.cfg"))


def pytest_ignore_collect(collection_path, config):
    """True for a notebook that is not tested now; None leaves the decision to others."""
    named = [Path(arg.split("::")[0]).absolute() for arg in config.args]
    if collection_path == SLOW:
        everything = config.args_source == config.ArgsSource.TESTPATHS
        wanted = everything or any(SLOW in (p, *p.parents) for p in named)
        return None if wanted and not config.option.one_a_module else True
    if collection_path.suffix != ".ipynb" or collection_path in named:
        return None
    if not collection_path.name.endswith(KINDS):
        return True  # a learner's own
    if config.option.one_a_module:
        first = min(collection_path.parent.glob("*_solution.ipynb"), default=None)
        if collection_path != first:
            return True
    chinese = collection_path.parent.name == "zh-CN"
    wanted = config.option.all_languages or collection_path.parent in named
    return True if chinese and not wanted else None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    found = yield
    return [
        Notebook.from_parent(parent, path=file_path) if type(node) is IPyNbFile else node
        for node in found
    ]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Notebooks last, and of those the long ones first; one that was never measured may be long."""
    file = config.rootpath / "measured" / "notebook_seconds.json"
    seconds = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def place(item) -> tuple[bool, float]:
        name = item.nodeid.split("::")[0]
        return name.endswith(".ipynb"), -seconds.get(name, math.inf)

    items.sort(key=place)  # stable: the cells of a notebook stay in their order


class DeadKernel(Exception):
    """The kernel's process ended while a cell ran."""


class Notebook(IPyNbFile):
    """A notebook of the course: nbval's, with a watched kernel and the course's cells."""

    dead = False

    def setup(self):
        # The kernel's process inherits this one's environment.
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(QUICK, str(int(self.path.name.endswith("_exercise.ipynb"))))
            name = os.path.relpath(self.path, self.config.rootpath)
            environment.setenv("SMOLCOURSE_NOTEBOOK", name)
            super().setup()
        watch(self.kernel)

    def collect(self):
        for item in super().collect():
            if self.path.name.endswith("_exercise.ipynb"):
                # Nobody's outputs are the right ones here: not even those a learner saved.
                item.options["check"] = False
                item.cell.outputs = []
            yield Cell.from_parent(
                self, name=item.name, cell_num=item.cell_num, cell=item.cell, options=item.options
            )

    def teardown(self):
        if self.dead:
            self.kernel.kc.stop_channels()
        super().teardown()


class Cell(IPyNbCell):
    """A code cell."""

    def runtest(self):
        if self.parent.dead:
            pytest.skip("the kernel died in an earlier cell")
        try:
            super().runtest()
        except DeadKernel as death:
            self.parent.dead = True
            self.raise_cell_error(str(death))

    def compare_outputs(self, test, ref, skip_compare=None):
        root = self.config.rootpath
        return super().compare_outputs(comparable(test, root), comparable(ref, root), skip_compare)


def watch(kernel) -> None:
    """Make `kernel.get_message` raise `DeadKernel` within seconds of its process's end."""
    receive = kernel.get_message

    def get_message(stream, timeout=None):
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        while True:
            left = deadline - time.monotonic()
            try:
                return receive(stream, timeout=max(0.0, min(POLL, left)))
            except Empty:
                if not kernel.is_alive():
                    code = kernel.km.provisioner.process.poll()
                    raise DeadKernel(
                        f"The kernel died (exit code {code}) while this cell ran; -9 is mostly "
                        "a lack of memory."
                    ) from None
                if left <= POLL:
                    raise

    kernel.get_message = get_message


def comparable(outputs: list, root: Path) -> list:
    """Outputs as they are compared: cleaned as for storing, data as text, reports by verdict."""
    from smolcourse.authoring.execute import clean_outputs

    kept = clean_outputs([dict(output) for output in outputs], 1, root)
    for output in kept:
        data = output.get("data", {})
        if REPORT in data:
            report = data[REPORT]
            verdict = "reached" if report["met"] else "missed"
            data = {"text/plain": f"report of {report['metric']}: {verdict} {report['bar']}"}
        output["data"] = {
            kind: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for kind, value in data.items()
        }
        if output["output_type"] == "stream":
            del output["data"]
    return [nbformat.from_dict(output) for output in kept]
