"""The reference answers, generated from the solution cells of the notebooks by `smolcourse build`.

One module an exercise at the exercise's address (`sft.mask` is `sft/mask.py`), each importable on
its own; its `answer` is the function or class that the exercise asks for. Never edit these files:
edit the notebook's source. A folder of its own, so that a grader can hide it.
"""

import ast
import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path

from smolcourse.errors import CourseError


def load(id: str):
    """The reference function or class of an exercise, for example `load("sft.mask")`.

    Raises CourseError if `smolcourse build` has not generated it.
    """
    name = _name(id)
    try:
        return importlib.import_module(name).answer
    except ModuleNotFoundError as error:
        if error.name not in (name, name.rpartition(".")[0]):
            raise
        raise _missing(id) from None


def is_loaded(id: str) -> bool:
    """Has this process loaded it? Without loading it."""
    return _name(id) in sys.modules


@cache
def source(id: str) -> str:
    """The text of a reference answer, not run. Raises CourseError like `load`."""
    parts = id.replace("-", "_").split(".")
    for top in __path__:
        path = Path(top, *parts).with_suffix(".py")
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise _missing(id)


@cache
def is_class(id: str) -> bool:
    """Does the exercise ask for a class? Told from the text, so that nothing is loaded."""
    tree = ast.parse(source(id))
    wanted = next(
        node.value.id
        for node in reversed(tree.body)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
    )
    return any(isinstance(node, ast.ClassDef) and node.name == wanted for node in tree.body)


def _name(id: str) -> str:
    return f"{__name__}.{id.replace('-', '_')}"


def _missing(id: str) -> CourseError:
    return CourseError(f"There is no reference answer for {id!r}; run `smolcourse build`.")
