"""Write the reference answers from exercise cells: `sft.mask` to `smolcourse/reference/sft/mask.py`.

No solution is written twice: `check` compares a learner with these modules, and hands them out
when an exercise is not solved yet, so that every notebook runs to its end.
"""

from pathlib import Path

from smolcourse.authoring.source import Cell, Source, defined_names, drop_markers

FOLDER = "smolcourse/reference"
HEADER = "# generated from {source} by smolcourse build; do not edit"


def module_name(exercise: str) -> str:
    """`sft.mask`, with a dash as an underscore: an id is an address."""
    return exercise.replace("-", "_")


def reference_path(exercise: str) -> str:
    """Path of an exercise's reference module, relative to the repository root."""
    return f"{FOLDER}/{module_name(exercise).replace('.', '/')}.py"


def render_reference(source: Source, cell: Cell, names: dict[str, list[str]]) -> str:
    """The text of one reference module.

    `names` maps each exercise id to what its cell defines, for the imports of `needs="..."`.
    The module's `answer` is what the exercise asks for: the last function or class of the cell.
    """
    text = drop_markers(cell.text).strip("\n")
    imports = "".join(
        f"from smolcourse.reference.{module_name(other)} import {', '.join(names[other])}\n"
        for other in cell.needs
    )
    return "\n".join(
        [
            HEADER.format(source=source.name),
            f'"""Reference answer of exercise {cell.id}."""',
            "# ruff: noqa",
            "",
            imports + ("\n" if imports else "") + text,
            "",
            f"answer = {defined_names(text)[-1]}",
            "",
        ]
    )


def generated_files(root: Path, *folders: str) -> list[Path]:
    """Files of the package's folders that `build` wrote: their first line says so."""
    found = [path for folder in folders for path in sorted((root / folder).rglob("*.*"))]
    return [path for path in found if path.suffix in (".py", ".toml") and _is_generated(path)]


def _is_generated(path: Path) -> bool:
    return path.read_text(encoding="utf-8").startswith(HEADER.split("{")[0])
