"""Notebooks on disk: was one edited by hand, may its outputs stay, does it have to be run again?

A solution that was run says in its metadata what it was run with (`ran`): a hash of its code cells
and one of what it used of the package. The course's tag in the install cell is no part of it, so a
release changes no output.
"""

import hashlib
import json
import re
from pathlib import Path

from smolcourse.authoring.render import INSTALL, cell_text, content_hash


def read(path: Path) -> dict | None:
    """A notebook on disk, or None if there is none or it is not JSON."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook if isinstance(notebook, dict) else None


def about(notebook: dict | None) -> dict:
    """What `build` wrote about a notebook into its metadata; empty if it is none of ours."""
    return ((notebook or {}).get("metadata") or {}).get("smolcourse") or {}


def hand_edited(notebook: dict | None) -> bool:
    """True unless the cells are those that `build` recorded. Unreadable counts as edited."""
    if notebook is None:
        return True
    return about(notebook).get("content_hash") != content_hash(notebook.get("cells", []))


def code(notebook: dict) -> list[str]:
    """The texts of the code cells, without the tag of the course in the install cell."""
    texts = [cell_text(c) for c in notebook.get("cells", []) if c.get("cell_type") == "code"]
    return [re.sub(re.escape(INSTALL) + r"@v[\w.]+", INSTALL, text) for text in texts]


def code_hash(notebook: dict) -> str:
    """Hash of what running a notebook depends on in the notebook itself."""
    return hashlib.sha256(json.dumps(code(notebook)).encode()).hexdigest()[:16]


def executed(notebook: dict) -> bool:
    """Whether every code cell has been run."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and cell_text(c).strip()]
    return all(cell.get("execution_count") is not None for cell in cells)


def run_with(notebook: dict, inputs: str) -> dict:
    """`notebook` with the record of what its outputs come from."""
    metadata = notebook["metadata"]
    ran = {"code": code_hash(notebook), "package": inputs}
    noted = {**metadata["smolcourse"], "ran": ran}
    return {**notebook, "metadata": {**metadata, "smolcourse": noted}}


def up_to_date(fresh: dict, old: dict | None, inputs: str) -> bool:
    """Whether the outputs of `old` are what running `fresh` with these package inputs gives."""
    ran = {"code": code_hash(fresh), "package": inputs}
    return old is not None and executed(old) and about(old).get("ran") == ran


def keep_outputs(fresh: dict, old: dict) -> dict:
    """`fresh` with the outputs of `old`, which has the same code, and with their record."""
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
    kept = {**fresh, "cells": cells}
    if ran := about(old).get("ran"):
        noted = {**fresh["metadata"]["smolcourse"], "ran": ran}
        kept["metadata"] = {**fresh["metadata"], "smolcourse": noted}
    return kept


def without_outputs(notebook: dict) -> str:
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
    written = {name: value for name, value in about(notebook).items() if name != "ran"}
    return json.dumps([cells, written], sort_keys=True)
