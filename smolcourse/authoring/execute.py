"""Run solution notebooks and keep outputs that are worth keeping.

A stored output should be the same tomorrow: times, progress bars, widgets, warnings with paths of
one machine and memory addresses are removed, seconds and memory of the report are rounded; what the
reader learns from stays.
"""

import os
import re
from pathlib import Path

from smolcourse import report, show
from smolcourse.errors import CourseError

CELL_TIMEOUT = 600  # seconds
SECONDS, MEGABYTES = 5, 50  # steps to which a stored report is rounded; runs differ by less
SIZE_LIMIT = 400_000  # bytes; a bigger notebook is slow to open on GitHub
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
    "SMOLCOURSE_PROGRESS": "0",  # running a solution is nobody's progress
}
CHECK = "application/vnd.smolcourse.check+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(notebook: dict, path: Path, root: Path) -> dict:
    """Run `notebook` in the folder of `path` and return it with cleaned outputs.

    Raises CourseError with the cell and the error if a cell fails or takes over ten minutes, and
    if a check does not accept the course's own solution.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import (
        CellExecutionError,
        CellTimeoutError,
        DeadKernelError,
    )

    name = path.relative_to(root).as_posix()
    about = notebook["metadata"]["smolcourse"]
    if about["lang"] == "zh-CN" and show.chinese_font() is None:
        raise CourseError(
            f"{name} would be stored with English plots: install a font with Chinese characters, "
            "such as fonts-noto-cjk."
        )
    environment = {**os.environ, **ENVIRONMENT}
    environment.update(SMOLCOURSE_LANG=about["lang"], SMOLCOURSE_NOTEBOOK=name)
    environment.pop("MPLBACKEND", None)  # the kernel chooses its inline backend itself
    # With it each kernel would compile all its libraries anew, and the report would count that.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    running = nbformat.from_dict(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        running,
        timeout=CELL_TIMEOUT,
        startup_timeout=180,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        cell = next((c for c in running.cells if _failed(c)), None)
        line = _first_line(f"{error.ename}: {error.evalue}")
        raise CourseError(f"{name}, cell {cell['id'] if cell else '?'} stopped: {line}") from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise CourseError(f"{name}: {_first_line(str(error))}") from None
    unsolved = [verdict["id"] for verdict in _verdicts(running) if verdict["status"] != "correct"]
    if unsolved:
        raise CourseError(
            f"{name}: its own check rejects the solution of {', '.join(unsolved)}; "
            "correct the solution or the checker."
        )
    return with_outputs(notebook, running.cells, root)


def with_outputs(notebook: dict, executed: list[dict], root: Path) -> dict:
    """A copy of `notebook` whose code cells carry the cleaned outputs of `executed`."""
    cells, count = [], 0
    for fresh, done in zip(notebook["cells"], executed, strict=True):
        if fresh["cell_type"] == "code":
            count += 1
            outputs = clean_outputs(done.get("outputs", []), count, root)
            outputs = [_steady(output) for output in outputs]
            fresh = {**fresh, "execution_count": count, "outputs": outputs}
        cells.append(fresh)
    return {**notebook, "cells": cells}


def clean_outputs(outputs: list[dict], count: int, root: Path) -> list[dict]:
    """Outputs without what changes from run to run; neighbouring prints are joined."""
    kept: list[dict] = []
    for output in outputs:
        output = dict(output)
        if output["output_type"] == "stream":
            if output["name"] == "stderr":  # progress bars, and warnings with a machine's paths
                continue
            output["text"] = _stable("".join(output["text"]), root)
            if kept and kept[-1].get("name") == "stdout":
                kept[-1]["text"] += output["text"]
                continue
            if not output["text"]:
                continue
        else:
            data = dict(output.get("data", {}))
            if WIDGET in data:
                continue
            for kind, value in data.items():
                if kind.startswith("text/"):
                    data[kind] = _stable("".join(value), root)
            output["data"] = data
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
        kept.append(output)
    return kept


def _steady(output: dict) -> dict:
    """A report as it is stored: with seconds and memory that two runs have in common."""
    data = output.get("data", {}).get(report.MIME)
    if not data:
        return output
    sections = {name: _step(value, SECONDS) for name, value in data["sections"].items()}
    memory = {
        name: data[name] and _step(data[name], MEGABYTES)
        for name in ("peak_memory_mb", "peak_gpu_memory_mb")
    }
    # A notebook that needs two seconds does not need none.
    seconds = max(SECONDS, _step(data["seconds"], SECONDS))
    rounded = {**data, **memory, "seconds": seconds, "sections": sections}
    return {**output, "data": report.bundle(rounded, data["lang"])}


def _step(value: float, step: int) -> int:
    return step * round(value / step)


def _stable(text: str, root: Path) -> str:
    text = text.replace(str(root), ".").replace(str(Path.home()) + "/", "~/")
    text = re.sub(r"\b0x[0-9a-f]{6,}\b", "0x...", text)
    return re.sub(r"[^\n]*\r(?!\n)", "", text)  # a line that a progress bar overwrote


def _verdicts(notebook: dict) -> list[dict]:
    """What the checks of a notebook that was run said, as data (see checks/core/check.py)."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    found = [output.get("data", {}).get(CHECK) for output in outputs]
    return [verdict for verdict in found if verdict]


def _failed(cell: dict) -> bool:
    return any(output["output_type"] == "error" for output in cell.get("outputs", []))


def _first_line(text: str) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n") if line.strip()]
    return lines[0].strip() if lines else "unknown error"
