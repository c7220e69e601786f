"""What a test run took, file by file and test by test, printed at its end.

A report for authors, never a reason to fail: the course promises notebooks of about a minute, and
this says which one grew. `--notebook-seconds FILE` keeps the notebooks' seconds, as
tools/measure_tests.py does for measured/notebook_seconds.json.

The root conftest.py loads it; tests/slow/test_notebook_rules.py proves it on small notebooks.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

SHOWN = 10  # of the tests; half as many of the notebooks


def pytest_addoption(parser):
    parser.getgroup("smolcourse").addoption(
        "--notebook-seconds", type=Path, metavar="FILE", help="Write the notebooks' seconds there."
    )


def pytest_configure(config):
    # Workers of pytest-xdist hand their reports to the first process, which sees all of them.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RunTimes(config.option.notebook_seconds))


class RunTimes:
    """Adds up set-up, run and tear-down: for a notebook the start of its kernel and all cells."""

    def __init__(self, out: Path | None):
        self.out = out
        self.notebooks: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report):
        file = report.nodeid.split("::")[0]
        if file.endswith(".ipynb"):
            self.notebooks[file] += report.duration
        else:
            self.tests[report.nodeid] += report.duration

    def pytest_terminal_summary(self, terminalreporter):
        lines = [*self.solutions(), *self.slowest_tests()]
        if lines:
            terminalreporter.section("where the time went")
            terminalreporter.write_line("\n".join(lines))

    def solutions(self) -> list[str]:
        found = Counter({n: s for n, s in self.notebooks.items() if n.endswith("_solution.ipynb")})
        if not found:
            return []
        mean = found.total() / len(found)
        return [
            f"solution notebooks: {len(found)}, {mean:.0f} s on average; the slowest:",
            *(f"{seconds:8.0f} s  {name}" for name, seconds in found.most_common(SHOWN // 2)),
        ]

    def slowest_tests(self) -> list[str]:
        slowest = self.tests.most_common(SHOWN)
        return slowest and ["slowest tests:", *(f"{s:8.2f} s  {name}" for name, s in slowest)]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if self.out and self.notebooks:
            kept = {name: round(seconds, 1) for name, seconds in sorted(self.notebooks.items())}
            self.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
