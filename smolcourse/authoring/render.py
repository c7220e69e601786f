"""Turn a parsed source into the four notebooks (exercise and solution, English and Chinese).

Everything here is a pure function of the source and of the course's tag, so a rebuild is
byte-identical: cell ids come from the author's ids or from the cell's content, keys are sorted, no
time is stored. The tag (`v0.2.0`) stands where Colab opens the notebook and where its first cell
installs the package: a notebook of one release never meets the package of another.
"""

import hashlib
import json
from pathlib import PurePosixPath

from smolcourse.authoring.source import (
    POINTS,
    Cell,
    Source,
    cut_solutions,
    drop_markers,
)
from smolcourse.language import LANGUAGES

KINDS = ("exercise", "solution")
COLAB = "https://colab.research.google.com/github/smol-ai/course/blob/"
INSTALL = "git+https://github.com/smol-ai/course"  # the sources' install cell, on Colab
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
FIRST_CELL = {
    (
        "en",
        "exercise",
    ): "*Generated from `{source}` by `smolcourse build`. Write your answers here: "
    "a rebuild never overwrites them. To change the course itself, edit the source.*",
    ("en", "solution"): "*Generated from `{source}` by `smolcourse build`, and run: "
    "the outputs below are real. To change the course itself, edit the source.*",
    ("zh-CN", "exercise"): "*本 notebook 由 `smolcourse build` 根据 `{source}` 生成。"
    "请直接在这里作答：重新生成不会覆盖你的答案。若要修改课程本身，请编辑源文件。*",
    (
        "zh-CN",
        "solution",
    ): "*本 notebook 由 `smolcourse build` 根据 `{source}` 生成并实际运行过，"
    "下面的输出都是真实结果。若要修改课程本身，请编辑源文件。*",
}


def output_path(source: Source, lang: str, kind: str) -> str:
    """Path of one derived notebook, relative to the repository root, with forward slashes."""
    folder = PurePosixPath(source.name).parent.parent
    if lang != "en":
        folder = folder / lang
    return f"{folder}/{source.topic}_{kind}.ipynb"


def render_all(source: Source, tag: str) -> dict[str, dict]:
    """All derived notebooks of one source: {path: notebook as plain nbformat 4.5 JSON}."""
    return {
        output_path(source, lang, kind): render(source, lang, kind, tag)
        for lang in LANGUAGES
        for kind in KINDS
    }


def render(source: Source, lang: str, kind: str, tag: str) -> dict:
    """One derived notebook, without outputs."""
    dropped = "exercise-only" if kind == "solution" else "solution-only"
    path = output_path(source, lang, kind)
    cells = [_first_cell(source, lang, kind, f"{COLAB}{tag}/{path}")]
    used: set[str] = {cells[0]["id"]}
    english: Cell | None = None
    for cell in source.cells:
        if cell.kind == "markdown" and cell.lang == "en":
            english = cell
        if cell.lang in LANGUAGES and cell.lang != lang or dropped in cell.tags:
            continue
        # A translation takes its id from the English cell, so both languages have the same ids.
        named = english if english and cell.lang == "zh-CN" else cell
        cells.append(_render_cell(cell, kind, tag, _cell_id(named, lang, used)))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
            "smolcourse": {
                "content_hash": content_hash(cells),
                "kind": kind,
                "lang": lang,
                "source": source.name,
            },
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def content_hash(cells: list[dict]) -> str:
    """Hash of what a person can edit: the kind and the text of each cell, in order.

    Outputs and metadata are left out, since running a notebook changes those. The hash is recorded
    in the notebook, so that `build` can tell a generated notebook from one that somebody wrote in.
    """
    edited = [[cell.get("cell_type"), cell_text(cell).strip()] for cell in cells]
    # Jupyter appends an empty cell when the last one is run; that is nobody's work.
    edited = [pair for pair in edited if pair[1]]
    return hashlib.sha256(json.dumps(edited).encode()).hexdigest()[:16]


def cell_text(cell: dict) -> str:
    """A cell's source as one string (nbformat also allows a list of lines)."""
    text = cell.get("source", "")
    return "".join(text) if isinstance(text, list) else text


def dump(notebook: dict) -> str:
    """The notebook's bytes: sorted keys, one space of indentation, sources as lists of lines."""
    import nbformat

    return nbformat.writes(nbformat.from_dict(notebook), version=4).rstrip("\n") + "\n"


def _first_cell(source: Source, lang: str, kind: str, link: str) -> dict:
    text = f"[![Open In Colab]({BADGE})]({link})\n\n" + FIRST_CELL[lang, kind].format(
        source=source.name
    )
    prefix = "" if lang == "en" else "zh-"
    return {
        "cell_type": "markdown",
        "id": f"{prefix}generated-from",
        "metadata": {},
        "source": text,
    }


def _cell_id(cell: Cell, lang: str, used: set[str]) -> str:
    """A unique nbformat id: the author's id, or the content's hash.

    Chinese notebooks prefix theirs with `zh-`: Jupyter sends the id of the running cell to the
    kernel, which is how a copied notebook still knows its language (see smolcourse.language).
    """
    base = cell.id.replace(".", "-") if cell.id else f"{cell.kind[0]}-{cell.stamp()}"
    base = ("" if lang == "en" else "zh-") + base
    identity, copy = base, 2
    while identity in used:
        identity, copy = f"{base}-{copy}", copy + 1
    used.add(identity)
    return identity


def _render_cell(cell: Cell, kind: str, tag: str, identity: str) -> dict:
    metadata: dict = {}
    tags = [tag for tag in cell.tags if tag not in ("solution-only", "exercise-only")]
    if tags:
        metadata["tags"] = tags
    if cell.kind == "markdown":
        if cell.lang == "zh-CN":  # which English text it translates
            metadata["smolcourse"] = {"of": str(cell.attributes["of"])}
        return {
            "cell_type": "markdown",
            "id": identity,
            "metadata": metadata,
            "source": cell.text,
        }
    about = {k: v for k, v in cell.attributes.items() if k in ("id", "level", "minutes", "reason")}
    if about:
        metadata["smolcourse"] = about
    text = cell.text.replace(INSTALL, f"{INSTALL}@{tag}")
    if "exercise" in cell.tags:
        text = cut_solutions(text) if kind == "exercise" else drop_markers(text)
        text = name_exercise(cell, text)
        metadata["nbgrader"] = _nbgrader(cell, solution=True)
    elif "check" in cell.tags:
        metadata["nbgrader"] = _nbgrader(cell, solution=False)
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": identity,
        "metadata": metadata,
        "outputs": [],
        "source": text,
    }


def name_exercise(cell: Cell, text: str) -> str:
    """Put the line that names the exercise first, unless the author wrote one."""
    if cell.id in text.split("\n", 1)[0]:
        return text
    level, minutes = cell.attributes["level"], cell.attributes["minutes"]
    return f"# Exercise {cell.id} {level} {minutes} min\n{text}"


def _nbgrader(cell: Cell, solution: bool) -> dict:
    """nbgrader metadata, schema version 3: a solution cell, or a graded and locked check cell."""
    metadata = {
        "grade": not solution,
        "grade_id": cell.id.replace(".", "-"),
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if not solution:
        metadata["points"] = POINTS[cell.attributes["level"]]
    return metadata
