"""An exercise by its id: `find("dpo.loss")` reads `checks/dpo/loss.py` and its messages."""

import difflib
import importlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import smolcourse.checks
from smolcourse.checks.core.observe import call_with
from smolcourse.errors import CourseError
from smolcourse.translate import tr

SEED = 0  # the learner's cases; a grader draws its own


@dataclass(frozen=True)
class Exercise:
    """One exercise as its file defines it; smolcourse/checks/core/__init__.py shows the form."""

    id: str
    cases: Callable[[random.Random], list]
    observe: Callable[[Callable, Any], Any] = call_with
    mistakes: dict = field(default_factory=dict)
    judge: Callable[[Any, Any, Any], None] | None = None
    pure: bool = False
    tolerance: float = 1e-5

    def drawn(self, seed: int = SEED) -> list:
        """The cases of a seed; a fresh list at each call, the same on every machine."""
        return self.cases(random.Random(f"{self.id} {seed}"))

    def implementations(self, right: Callable) -> list[tuple[str, Callable]]:
        """(message key, wrong implementation) for each known mistake, made from the right answer."""
        made = []
        for key, makers in self.mistakes.items():
            for maker in makers if isinstance(makers, list | tuple) else [makers]:
                made.append((key, _spoilt(maker, right)))
        return made


def _spoilt(maker: Callable, right: Callable) -> Callable:
    if isinstance(right, type):
        return maker(right)
    return lambda *args, **kwargs: maker(right, *args, **kwargs)


@cache
def known_ids() -> list[str]:
    """Every exercise id, sorted: each file of messages is one."""
    found = (path for top in smolcourse.checks.__path__ for path in Path(top).glob("*/*.toml"))
    return sorted(f"{p.parent.name}.{p.stem}" for p in found if p.with_suffix(".py").is_file())


@cache
def find(id: str) -> Exercise:
    """The exercise of an id. Raises CourseError, naming close matches, for an unknown id."""
    if id not in known_ids():
        close = difflib.get_close_matches(str(id), known_ids(), n=3, cutoff=0.5)
        advice = tr("see the module's exercise table.")
        if close:
            advice = tr("did you mean {close}?", close=tr(" or ").join(close))
        text = "There is no exercise with the id {id!r}; {advice}"
        raise CourseError(text, id=id, advice=advice)
    return from_module(id, importlib.import_module(f"smolcourse.checks.{id.replace('-', '_')}"))


def from_module(id: str, module: ModuleType) -> Exercise:
    """An exercise from the names that its file defines."""
    names = ("cases", "observe", "mistakes", "judge", "pure", "tolerance")
    return Exercise(id, **{name: getattr(module, name) for name in names if hasattr(module, name)})
