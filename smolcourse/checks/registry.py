"""Which function checks which exercise. Modules of checkers are imported only when needed."""

import difflib
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smolcourse.errors import CourseError

REGISTERED: dict[str, "Checker"] = {}


@dataclass(frozen=True)
class Checker:
    """One exercise's checker.

    `judge(answer, reference)` raises Wrong; `module` names its messages (`messages/<module>.toml`).
    """

    id: str
    judge: Callable
    module: str
    pure: bool = False
    reference: Callable | None = None

    def load_reference(self):
        """The reference function or class, generated from the solution cell."""
        if self.reference is not None:
            return self.reference
        from smolcourse.reference import load

        return load(self.id)


def checker(id: str, *, pure: bool = False, reference: Callable | None = None) -> Callable:
    """Decorator that registers `judge(answer, reference)` as the checker of exercise `id`.

    `pure=True`: the exercise asks for a function that leaves its arguments alone, so changing them
    is wrong. `reference` replaces the generated reference answer (tests use it).
    """

    def register(judge: Callable) -> Callable:
        module = judge.__module__.rpartition(".")[2]
        REGISTERED[id] = Checker(id, judge, module, pure, reference)
        return judge

    return register


@cache
def _index() -> dict[str, str]:
    """{exercise id: module of smolcourse.checks}, read from the files without importing them."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in (
            "__init__",
            "registry",
            "compare",
            "guard",
            "catalogue",
            "audit",
        ):
            continue
        for id in re.findall(r'^@checker\(\s*"([^"]+)"', path.read_text("utf-8"), re.MULTILINE):
            found[id] = path.stem
    return found


def known_ids() -> list[str]:
    """Every exercise id that has a checker, sorted."""
    return sorted({*_index(), *REGISTERED})


def find(id: str) -> Checker:
    """The checker of an exercise. Raises CourseError, naming close matches, for an unknown id."""
    if id not in REGISTERED and id in _index():
        importlib.import_module(f"smolcourse.checks.{_index()[id]}")
    if id in REGISTERED:
        return REGISTERED[id]
    close = difflib.get_close_matches(str(id), known_ids(), n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(close)}?" if close else "see the module's exercise table."
    raise CourseError(f"There is no exercise with the id {id!r}; {advice}")
