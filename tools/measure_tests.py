"""Which way of running the notebooks is fastest here: one at a time, or two with a thread each?

    uv run python tools/measure_tests.py             all ways on the notebooks, then plain pytest
    uv run python tools/measure_tests.py --repeat 3  the median of three
    uv run python tools/measure_tests.py --folder 1_instruction_tuning   the ways on these only

Run it on an idle machine: it takes several times as long as `uv run pytest`. The seconds are
printed and written to docs/test_times.json, which the README's table of costs reads. The way
that wins is the default by `addopts` in pyproject.toml; see CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "test_times.json"
PARALLEL = ["-n", "2", "--dist", "loadscope"]
# name -> (pytest's options, threads of a kernel; None leaves it to torch)
WAYS = {
    "one notebook at a time": (["-n", "0"], None),
    "one notebook at a time, one thread": (["-n", "0"], "1"),
    "two notebooks at a time, one thread each": (PARALLEL, "1"),
    "two notebooks at a time": (PARALLEL, str(os.cpu_count())),
}


def run(arguments: list[str], threads: str | None) -> float:
    """Seconds of one pytest run that passes; ends the program if it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    if threads:
        environment["OMP_NUM_THREADS"] = threads
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(
            f"pytest {' '.join(arguments)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
        )
    return seconds


def median(arguments: list[str], threads: str | None, repeat: int) -> float:
    return round(statistics.median(run(arguments, threads) for _ in range(repeat)), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=1, help="runs of each way; the median counts")
    parser.add_argument("--anyway", action="store_true", help="measure although others compute")
    parser.add_argument("--folder", action="append", help="a module to compare the ways on")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    if os.getloadavg()[0] > 0.3 * cores and not options.anyway:
        sys.exit("Other programs are computing; wait for them to end, or add --anyway.")
    folders = options.folder or [folder.name for folder in sorted(ROOT.glob("[0-9]_*"))]
    ways = {}
    for name, (arguments, threads) in WAYS.items():
        ways[name] = median([*arguments, *folders], threads, options.repeat)
        print(f"{ways[name]:7.1f} s  {name}", flush=True)
    fast = median(["tests"], None, options.repeat)
    print(f"{fast:7.1f} s  pytest tests, the fast part, as pyproject.toml runs it", flush=True)
    everything = median([], None, options.repeat)
    print(f"{everything:7.1f} s  all tests, as pyproject.toml runs them")
    measured = {
        "chosen_seconds": everything,
        "fast_seconds": fast,
        "notebooks": ways,
        "folders": folders,
        "repeat": options.repeat,
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    OUT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
