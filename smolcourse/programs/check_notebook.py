"""Check a learner's notebook from the terminal (`smolcourse check NOTEBOOK`), without training.

    run_checks_in_notebook(path) -> [{"id": ..., "status": ..., "message": ...}, ...]

Only three sorts of cells are run, in a process of their own: exercises, cells that hold nothing but
imports and definitions (a learner's helpers), and the checks. So it takes seconds, and the notebook
is read and never written.
"""

import ast
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from smolcourse.errors import CourseError
from smolcourse.textfiles import read_text

CALL = re.compile(r"""\bcheck\(\s*["']([^"']+)["']\s*,\s*([A-Za-z_]\w*)\s*\)""")
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def run_checks_in_notebook(path, timeout: float = 300.0) -> list[dict]:
    """The verdict on each exercise of a notebook, in order: dicts of id, status and message.

    status is "correct", "not_attempted" or "wrong", as in `smolcourse.check`. Messages are in the
    notebook's language unless `SMOLCOURSE_LANG` is set. `timeout` (seconds) is for all checks
    together. Raises CourseError for a missing file, one that is no notebook, one without checks.
    """
    path = Path(path)
    notebook = _read(path)
    cells = [_text(cell) for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    exercises = [_is_exercise(c) for c in notebook["cells"] if c.get("cell_type") == "code"]
    calls = [match for text in cells for match in CALL.findall(text)]
    if not calls:
        raise CourseError(f"{path.name} has no checks; name an exercise notebook of the course.")
    plan = {"steps": _plan(cells, exercises)}
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    if not environment.get("SMOLCOURSE_LANG"):
        about = notebook.get("metadata", {}).get("smolcourse") or {}
        environment["SMOLCOURSE_LANG"] = str(about.get("lang") or "en")
    with tempfile.TemporaryDirectory() as folder:
        plan["results"] = str(Path(folder) / "results.jsonl")
        ended = _run(plan, path.resolve().parent, environment, timeout)
        results = _read_results(Path(plan["results"]))
    done = {result["id"] for result in results}
    for id, _ in calls:
        if id not in done:
            results.append({"id": id, "status": "wrong", "message": ended})
            done.add(id)
    return results


def _read(path: Path) -> dict:
    try:
        notebook = json.loads(read_text(path))
    except FileNotFoundError:
        raise CourseError(f"There is no notebook {path}; check the path.") from None
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    except ValueError:
        raise CourseError(
            f"{path.name} is not a notebook (not JSON); it may be half saved: "
            "save it again in Jupyter, or take a fresh copy."
        ) from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise CourseError(f"{path.name} is JSON but not a notebook; name an .ipynb file.")
    notebook["cells"] = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    return notebook


def _text(cell: dict) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _is_exercise(cell: dict) -> bool:
    """Is it an exercise: by nbgrader's metadata, or by the line that names it?"""
    solution = (cell.get("metadata", {}).get("nbgrader") or {}).get("solution")
    return bool(solution) or _text(cell).lstrip().startswith("# Exercise ")


def _plan(cells: list[str], exercises: list[bool]) -> list[dict]:
    """What to run, in order: {"code": text} or {"check": id, "name": the answer's name}."""
    steps: list[dict] = []
    for text, exercise in zip(cells, exercises, strict=True):
        calls = CALL.findall(text)
        if calls:
            steps += [{"check": id, "name": name} for id, name in calls]
        elif exercise or _only_defines(text):
            steps.append({"code": text})
    return steps


def _only_defines(text: str) -> bool:
    try:
        body = ast.parse(text).body
    except SyntaxError:  # magics, or a typo in a cell that is no exercise
        return False
    return bool(body) and all(isinstance(node, DEFINITIONS) for node in body)


def _run(plan: dict, folder: Path, environment: dict, timeout: float) -> str:
    """Run the plan in another process; returns what to say about checks that it did not reach."""
    command = [sys.executable, "-m", "smolcourse.programs.check_notebook"]
    try:
        process = subprocess.run(
            command,
            check=False,
            input=json.dumps(plan),
            text=True,
            encoding="utf-8",
            errors="replace",
            capture_output=True,
            cwd=folder,
            env=environment,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return f"The checks were stopped after {timeout:g} seconds; look for a loop without end."
    return f"Python stopped before this check (exit status {process.returncode})."


def _read_results(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


# ---------------------------------------------------------------- in the other process


def _main() -> None:
    plan = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    # linecache finds the lines of a cell under the cell's own name, as it does in Jupyter.
    import linecache

    space: dict = {"__name__": "__main__"}
    broken: dict[str, BaseException] = {}  # name -> why its cell could not be run
    with open(plan["results"], "a", encoding="utf-8") as results:
        for number, step in enumerate(plan["steps"]):
            if "check" in step:
                results.write(json.dumps(_judge(step, space, broken)) + "\n")
                results.flush()
                continue
            name = f"<cell {number}>"
            lines = step["code"].splitlines(keepends=True)
            linecache.cache[name] = (len(step["code"]), None, lines, name)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(step["code"], name, "exec"), space)  # noqa: S102 (the learner's own code)
            except (Exception, SystemExit) as error:  # noqa: BLE001 (a learner's cell)
                for defined in re.findall(r"^(?:def|class)\s+(\w+)", step["code"], re.MULTILINE):
                    space.pop(defined, None)
                    broken[defined] = error


def _judge(step: dict, space: dict, broken: dict) -> dict:
    """One check, as the notebook would run it: later cells go on with what `check` returns."""
    from smolcourse import check

    id, name = step["check"], step["name"]
    if name in space:
        result = check.evaluate(id, space[name])
    else:
        key = "exception" if name in broken else "missing"
        facts = check.describe_error(broken[name]) if name in broken else {"name": name}
        result = check.failed(id, key, **facts)
    check.record(result)
    if result.status != "correct":
        space[name] = check.find(id).load_reference()
    message = f"{result.message} {result.hint}".strip()
    return {"id": id, "status": result.status, "message": message}


if __name__ == "__main__":
    _main()
