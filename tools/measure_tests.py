"""Which way of running the notebooks is fastest here: one at a time, or two with a thread each?

    uv run python tools/measure_tests.py             all ways on the notebooks, then plain pytest
    uv run python tools/measure_tests.py --repeat 3  the median of three
    uv run python tools/measure_tests.py --folder 1_instruction_tuning   the ways on these only
    uv run python tools/measure_tests.py --chosen    plain pytest only

Run it on an idle machine: it takes several times as long as `uv run pytest`. The seconds are
printed and written to measured/test_times.json, which the README's table of costs reads; those of
each notebook in the last run go to measured/notebook_seconds.json. The way that wins is the default
by `addopts` in pyproject.toml; see CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "measured" / "test_times.json"
KEEP_SECONDS = [f"--notebook-seconds={ROOT / 'measured' / 'notebook_seconds.json'}"]
PARALLEL = ["-n", "2", "--dist", "loadscope"]
# name -> (pytest's options, threads of a kernel; None leaves it to torch)
WAYS = {
    "one notebook at a time": (["-n", "0"], None),
    "one notebook at a time, one thread": (["-n", "0"], "1"),
    "two notebooks at a time, one thread each": (PARALLEL, "1"),
    "two notebooks at a time": (PARALLEL, str(os.cpu_count())),
}


def run(arguments: list[str], threads: str | None, limit: float | None = None) -> float | None:
    """Seconds of one pytest run that passes, None beyond `limit`; ends the program if it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    if threads:
        environment["OMP_NUM_THREADS"] = threads
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        text, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode:
        sys.exit(f"pytest {' '.join(arguments)} failed:\n{text[-4000:]}")
    return time.perf_counter() - started


def median(arguments: list[str], threads: str | None, repeat: int, limit=None) -> float | None:
    seconds = [run(arguments, threads, limit) for _ in range(repeat)]
    return None if None in seconds else round(statistics.median(seconds), 1)


def compare(folders: list[str], repeat: int) -> dict[str, float | None]:
    """Seconds of each way; a way that takes three times the best so far is stopped: None."""
    ways: dict[str, float | None] = {}
    for name, (arguments, threads) in WAYS.items():
        best = min((s for s in ways.values() if s), default=None)
        limit = 3 * best if best else None
        ways[name] = median([*arguments, *folders], threads, repeat, limit)
        print(f"{ways[name] or f'over {limit:.0f}'!s:>10} s  {name}", flush=True)
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=1, help="runs of each way; the median counts")
    parser.add_argument("--anyway", action="store_true", help="measure although others compute")
    parser.add_argument("--folder", action="append", help="a module to compare the ways on")
    parser.add_argument("--chosen", action="store_true", help="only the way pyproject.toml chose")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    if os.getloadavg()[0] > 0.3 * cores and not options.anyway:
        sys.exit("Other programs are computing; wait for them to end, or add --anyway.")
    measured = {}
    if not options.chosen:
        folders = options.folder or [folder.name for folder in sorted(ROOT.glob("[0-9]_*"))]
        measured = {"folders": folders, "notebooks": compare(folders, options.repeat)}
    for key, name, arguments in (
        ("fast_seconds", "pytest tests, the fast part", ["tests"]),
        ("chosen_seconds", "all tests, as pyproject.toml runs them", KEEP_SECONDS),
    ):
        measured[key] = median(arguments, None, options.repeat)
        print(f"{measured[key]!s:>10} s  {name}", flush=True)
    measured |= {
        "repeat": options.repeat,
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    OUT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
