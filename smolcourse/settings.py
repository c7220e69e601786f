"""`course.choose(tiny=..., smol=...)`: the numbers of a lesson, in sight of the learner."""

from __future__ import annotations

from types import SimpleNamespace

from smolcourse import show
from smolcourse.errors import CourseError
from smolcourse.profiles import SIZES, quick
from smolcourse.translate import tr


class Settings(SimpleNamespace):
    """The numbers of one profile by name: `budget.steps`."""


def choose(profile: str, size: str, tiny: dict, smol: dict, paper: dict | None) -> Settings:
    """The settings of a profile; shown beside those of SmolLM2-135M, and of the paper if given.

    A value of `smol` may be a dict by model size: `lr={"135M": 3e-4, "360M": 2e-4, "1.7B": 1e-4}`.
    Under `SMOLCOURSE_QUICK` steps and rows are fewer (`profiles.quick`). Raises CourseError unless
    both profiles name the same settings.
    """
    here = values(profile, size, tiny, smol)
    _show(here, profile, smol_values(size, smol), size, paper or {})
    return Settings(**{name: quick(name, value) for name, value in here.items()})


def values(profile: str, size: str, tiny: dict, smol: dict) -> dict:
    """The settings of a profile, in full and not shown. Raises CourseError as `choose` does."""
    if set(tiny) != set(smol):
        missing = ", ".join(sorted(set(tiny) ^ set(smol)))
        raise CourseError(
            "course.choose needs each setting for both profiles; only one has: {missing}.",
            missing=missing,
        )
    there = smol_values(size, smol)
    return tiny if profile == "tiny" else there


def smol_values(size: str, smol: dict) -> dict:
    """Settings of the `smol` profile for one of its sizes."""
    return {name: _of_size(value, size) for name, value in smol.items()}


def _of_size(value, size: str):
    if not isinstance(value, dict):
        return value
    if set(value) != set(SIZES):
        raise CourseError("A setting by model size needs all of: {SIZES}.", SIZES=", ".join(SIZES))
    return value[size]


def _show(here: dict, profile: str, smol: dict, size: str, paper: dict) -> None:
    columns = [tr("setting"), tr("here")]
    columns += [f"SmolLM2-{size}"] if profile == "tiny" else []
    columns += [tr("in the paper")] if paper else []
    rows = []
    for name, value in here.items():
        row = [name, _number(value)]
        row += [_number(smol[name])] if profile == "tiny" else []
        rows.append([*row, _number(paper.get(name, ""))] if paper else row)
    show.side_by_side(rows, columns)


def _number(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
