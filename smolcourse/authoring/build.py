"""`smolcourse build`: compare what the sources say with what is on disk, and write the difference.

    main_build(paths=None, check=False, execute=False, restamp=False, force=False, only=None)
        -> Outcome(messages: list[str], problems: list[str]), .exit_status 0 or 1

`problems` are for stderr, one sentence each; any problem means exit status 1. CourseError is raised
only if there is nothing to build (no repository, a path that is no source).

Rules: only files whose bytes change are written. A derived notebook that somebody edited is never
overwritten unless `force`. Outputs of a solution survive a rebuild while its code is unchanged.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from smolcourse.authoring import reference
from smolcourse.authoring import source as sources
from smolcourse.authoring.execute import SIZE_LIMIT
from smolcourse.authoring.execute import execute as run_notebook
from smolcourse.authoring.render import cell_text, content_hash, dump, output_path, render_all
from smolcourse.authoring.source import LANGUAGES, Source, read_source
from smolcourse.errors import CourseError

PATTERNS = ("[0-9]_*/notebooks/source/*.py", "docs/**/notebooks/source/*.py")


@dataclass
class Outcome:
    """What a build did (`messages`) and what stops it from being clean (`problems`)."""

    messages: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        return 1 if self.problems else 0


def repository_root(start: Path | None = None) -> Path:
    """The nearest folder, from `start` (default: here) upwards, that holds the course's project."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        project = folder / "pyproject.toml"
        if project.is_file() and 'name = "smolcourse"' in project.read_text(encoding="utf-8"):
            return folder
    raise CourseError("This is not the course's repository; change to its folder and try again.")


def find_sources(root: Path) -> list[Path]:
    """Every hand-written notebook source under `root`, sorted."""
    return sorted({path for pattern in PATTERNS for path in root.glob(pattern)})


def main_build(
    paths=None,
    check: bool = False,
    execute: bool = False,
    restamp: bool = False,
    force: bool = False,
    only: str | None = None,
) -> Outcome:
    """Build, compare or execute the notebooks of `paths` (sources; default: all).

    check: write nothing, report every difference. execute: run the solutions whose path contains
    `only` (default: all, both languages) and store their outputs. restamp: first accept the Chinese
    cells as current. force: overwrite derived notebooks even if somebody edited them.
    """
    root = repository_root()
    everything = find_sources(root)
    chosen = _choose(paths, everything, root)
    outcome = Outcome()
    if restamp:
        for path in chosen:
            changed = sources.restamp(path)
            name = path.relative_to(root).as_posix()
            outcome.messages.append(f"{name}: {'restamped' if changed else 'nothing to restamp'}.")
    parsed = [read_source(path, root) for path in everything]
    names = _exercise_names(parsed, outcome)
    if execute and only and not any(only in name for name in _solutions(parsed)):
        outcome.problems.append(f"No solution notebook has {only!r} in its path; nothing was run.")
    for source in parsed:
        if source.path in chosen:
            _build_source(source, root, names, outcome, check, execute, force, only)
    if paths is None:
        _orphans(parsed, root, outcome, check)
    if not outcome.problems:
        word = "match" if check else "are up to date with"
        outcome.messages.append(f"The notebooks of {len(chosen)} sources {word} their sources.")
    return outcome


def _choose(paths, everything: list[Path], root: Path) -> list[Path]:
    if paths is None:
        if not everything:
            raise CourseError("No notebook sources (N_module/notebooks/source/*.py) were found.")
        return everything
    chosen = [Path(path).resolve() for path in paths]
    for path in chosen:
        if path not in everything:
            raise CourseError(
                f"{path.name} is not a notebook source; "
                "name files such as N_module/notebooks/source/TOPIC.py."
            )
    return chosen


def _solutions(parsed: list[Source]) -> list[str]:
    return [output_path(source, lang, "solution") for source in parsed for lang in LANGUAGES]


def _exercise_names(parsed: list[Source], outcome: Outcome) -> dict[str, list[str]]:
    """{exercise id: names its cell defines} over all sources; a second use of an id is a problem."""
    names: dict[str, list[str]] = {}
    for source in parsed:
        for cell in source.exercises():
            if cell.id in names:
                outcome.problems.append(f"{source.name}: another source already uses {cell.id!r}.")
            try:
                names[cell.id] = sources.defined_names(sources.drop_markers(cell.text))
            except SyntaxError:  # reported by the source's own validation
                names[cell.id] = []
    return names


def _build_source(source, root, names, outcome, check, execute, force, only) -> None:
    for cell in source.exercises():
        for other in cell.needs:
            if other not in names:
                source.problems.append(
                    f"{source.name}, {cell.id}: needs unknown exercise {other!r}."
                )
    if source.problems:
        outcome.problems += source.problems
        return
    # References come first: running a solution calls them through its checks.
    for cell in source.exercises():
        name = reference.reference_path(cell.id)
        text = reference.render_reference(source, cell, names)
        _write(root / name, text, root, outcome, check)
    for name, notebook in render_all(source).items():
        run = execute and "_solution.ipynb" in name and (only is None or only in name)
        try:
            _build_notebook(root / name, notebook, root, outcome, check, run, force)
        except CourseError as error:
            outcome.problems.append(str(error))


def _build_notebook(path, fresh, root, outcome, check, run, force) -> None:
    name = path.relative_to(root).as_posix()
    about = fresh["metadata"]["smolcourse"]
    solution = about["kind"] == "solution"
    old = _read(path)
    if path.is_file() and not force and _hand_edited(old):
        advice = (
            f"move the change to {about['source']}"
            if check
            else (f"move the change to {about['source']}, or build with --force to lose it")
        )
        outcome.problems.append(f"{name} was edited by hand; {advice}.")
        return
    if check:
        _compare(name, fresh, old, solution, outcome)
        return
    if run:
        outcome.messages.append(f"{name}: run.")
        fresh = run_notebook(fresh, path, root)
    elif solution and old is not None:
        if _code(old) == _code(fresh):
            fresh = _keep_outputs(fresh, old)
        elif _executed(old):
            outcome.messages.append(
                f"{name}: its code changed, so its outputs were dropped; run build --execute."
            )
    _write(path, dump(fresh), root, outcome, check=False)
    if path.stat().st_size > SIZE_LIMIT:
        size = path.stat().st_size // 1000
        outcome.messages.append(f"{name} is {size} KB; make its plots smaller (aim: 400 KB).")


def _write(path: Path, text: str, root: Path, outcome: Outcome, check: bool) -> None:
    name = path.relative_to(root).as_posix()
    if path.is_file() and path.read_bytes() == text.encode("utf-8"):
        return
    if check:
        state = "is out of date" if path.is_file() else "is missing"
        outcome.problems.append(f"{name} {state}; run smolcourse build.")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    outcome.messages.append(f"{name}: written.")


def _compare(name: str, fresh: dict, old: dict | None, solution: bool, outcome: Outcome) -> None:
    if old is None:
        outcome.problems.append(f"{name} is missing; run smolcourse build.")
    elif _without_outputs(old) != _without_outputs(fresh):
        outcome.problems.append(f"{name} is out of date with its source; run smolcourse build.")
    elif solution and not _executed(old):
        outcome.problems.append(f"{name} has no stored outputs; run smolcourse build --execute.")


def _orphans(parsed: list[Source], root: Path, outcome: Outcome, check: bool) -> None:
    """Generated files whose source or exercise is gone."""
    wanted = {root / reference.reference_path(c.id) for s in parsed for c in s.exercises() if c.id}
    for path in reference.generated_modules(root):
        if path not in wanted:
            name = path.relative_to(root).as_posix()
            if check:
                outcome.problems.append(f"{name} has no exercise any more; run smolcourse build.")
            else:
                path.unlink()
                outcome.messages.append(f"{name}: removed, its exercise is gone.")
    known = {source.name for source in parsed}
    for pattern in ("[0-9]_*/notebooks/**/*.ipynb", "docs/**/notebooks/**/*.ipynb"):
        for path in sorted(root.glob(pattern)):
            about = ((_read(path) or {}).get("metadata") or {}).get("smolcourse") or {}
            if about.get("source") and about["source"] not in known:
                name = path.relative_to(root).as_posix()
                outcome.problems.append(f"{name}: its source {about['source']} is gone; delete it.")


# ---------------------------------------------------------------- notebooks on disk


def _read(path: Path) -> dict | None:
    """A notebook on disk, or None if there is none or it is not JSON."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook if isinstance(notebook, dict) else None


def _hand_edited(notebook: dict | None) -> bool:
    """True unless the cells are those that `build` recorded. Unreadable counts as edited."""
    if notebook is None:
        return True
    about = notebook.get("metadata", {}).get("smolcourse", {})
    return about.get("content_hash") != content_hash(notebook.get("cells", []))


def _code(notebook: dict) -> list[str]:
    return [cell_text(c) for c in notebook.get("cells", []) if c.get("cell_type") == "code"]


def _executed(notebook: dict) -> bool:
    code = [c for c in notebook["cells"] if c["cell_type"] == "code" and cell_text(c).strip()]
    return all(cell.get("execution_count") is not None for cell in code)


def _keep_outputs(fresh: dict, old: dict) -> dict:
    done = iter([c for c in old["cells"] if c["cell_type"] == "code"])
    cells = []
    for cell in fresh["cells"]:
        if cell["cell_type"] == "code":
            before = next(done)
            cell = {
                **cell,
                "execution_count": before.get("execution_count"),
                "outputs": before.get("outputs", []),
            }
        cells.append(cell)
    return {**fresh, "cells": cells}


def _without_outputs(notebook: dict) -> str:
    """What `--check` compares: everything but outputs and what Jupyter adds when it runs a cell."""
    cells = [
        [
            cell.get("cell_type"),
            cell.get("id"),
            cell_text(cell),
            {k: cell.get("metadata", {}).get(k) for k in ("tags", "nbgrader", "smolcourse")},
        ]
        for cell in notebook.get("cells", [])
    ]
    metadata = notebook.get("metadata", {}).get("smolcourse")
    return json.dumps([cells, metadata], sort_keys=True)
