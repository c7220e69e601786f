"""Look at an answer: `observe_all` runs an exercise's `observe` on each case, and keeps plain data.

Nothing here knows what is right. It runs in the learner's notebook, and as it stands in a child
process that has neither the reference nor the exercise's other functions (`remote.py`).
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smolcourse.checks.core.compare import (
    Unknown,
    Wrong,
    described,
    difference,
    kind_of,
    plain,
    short,
)
from smolcourse.checks.core.guard import copied

PACKAGE = Path(__file__).parents[2]


class Seen(dict):
    """Several things seen on one case, by name; order them as a learner should hear of them.

    Cases of several kinds ("a rank of 0 is refused") have different names. A name that is a message's key ("loss", or "slope:A" with {name} = A) is that message where it is
    the first thing that differs.
    """


@dataclass(frozen=True)
class Observed:
    """What was seen on one case: `value`, or the message (key and facts) that ended it.

    `call` is how a learner would type the last call, without the function's name.
    """

    value: Any = None
    failure: str = ""
    facts: dict | None = None
    call: "str | Call" = ""


class Call:
    """The arguments of a call, put into words when a message needs them: most never do."""

    def __init__(self, args: tuple, kwargs: dict) -> None:
        self.args, self.kwargs = args, kwargs

    def __str__(self) -> str:
        return described(self.args, self.kwargs)


class Answer:
    """An answer as `observe` meets it: called with copies, its results rebuilt as plain values.

    A result with a gradient, or an object that is not plain, is handed on as it is. `unwrapped` is
    the function or class itself. `pure`: Wrong "mutated" if a call changed its arguments.
    """

    def __init__(self, answer: Callable, pure: bool = False) -> None:
        self.unwrapped, self.pure = answer, pure
        self.call: str | Call = ""

    def __call__(self, *args, **kwargs):
        self.call = Call(args, kwargs)
        own_args, own_kwargs = copied(args), copied(kwargs)
        value = self.unwrapped(*own_args, **own_kwargs)
        if hasattr(type(value), "__next__"):  # the notebook's next cell would find it used up
            raise Wrong("iterator", got=type(value).__name__)
        if not isinstance(self.unwrapped, type) and not _has_graph(value):
            value = plain(value)
        if self.pure and difference(plain([own_args, own_kwargs]), plain([args, kwargs])):
            raise Wrong("mutated")
        return value


def observe_all(
    observe: Callable, answer: Callable, cases: Sequence, pure: bool = False
) -> list[Observed]:
    """What is seen on each case, up to the first that ends in a failure."""
    seen = []
    for case in cases:
        met = Answer(answer, pure)
        try:
            found = Observed(rebuilt(observe(met, case)), call=met.call)
        except Wrong as wrong:
            call = str(met.call)
            found = Observed(None, wrong.key, {"call": call, **wrong.fmt}, call)
        except (Exception, SystemExit) as error:  # whatever a learner's code can come up with
            found = _stopped(error, str(met.call))
        seen.append(found)
        if found.failure:
            break
    return seen


def outcome(answer: Callable, *args, **kwargs):
    """{"returned": value}, or {"raised": name, "words": how many its sentence has} of an exception.

    For rules such as "raise ValueError for a rank below 1", which are a thing to see like others. An
    exception class of the learner's own goes by the name of the built-in one that it stands on.
    """
    try:
        return {"returned": answer(*args, **kwargs)}
    except Wrong:
        raise
    except Exception as error:  # noqa: BLE001 (a learner's code)
        if isinstance(error, NotImplementedError) and not error.args:
            raise  # the stub's own
        kind = next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")
        return {"raised": kind.__name__, "words": len(str(error).split())}


def call_with(answer: Callable, case: tuple):
    """The `observe` of an exercise that has none of its own."""
    return answer(*case)


def rebuilt(value):
    """`plain`, with `Seen` kept, and what is not plain replaced by its description."""
    if isinstance(value, Seen):
        return Seen({name: rebuilt(item) for name, item in value.items()})
    return _told(plain(value))


def _told(value):
    if type(value) in (list, tuple, set):
        return type(value)(_told(item) for item in value)
    if type(value) is dict:
        return {key: _told(item) for key, item in value.items()}
    if value is None or type(value) in (bool, int, float, str, bytes, Unknown):
        return value
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if (torch and type(value) is torch.Tensor) or (numpy and type(value) is numpy.ndarray):
        return value
    return Unknown(kind_of(value))


def _has_graph(value) -> bool:
    """A loss that `observe` wants to call backward() on must keep its graph."""
    torch = sys.modules.get("torch")
    return bool(torch) and type(value) is torch.Tensor and value.grad_fn is not None


def _stopped(error: BaseException, call: str) -> Observed:
    """The stub's own `raise NotImplementedError` means "not attempted"; the rest is an error."""
    if isinstance(error, NotImplementedError) and not error.args:
        frames = traceback.extract_tb(error.__traceback__)
        if frames and _learners(frames[-1].filename):
            return Observed(failure="not_attempted", facts={}, call=call)
    return Observed(failure="exception", facts=error_facts(error), call=call)


def error_facts(error: BaseException) -> dict[str, str]:
    """{error, line} for the message "exception": type and text, the learner's own line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _learners(f.filename)]
    text = short(_Text(str(error)), 100)
    described = f"{type(error).__name__}: {text}" if text else type(error).__name__
    line = short(_Text(frames[-1].line.strip()), 60) if frames and frames[-1].line else ""
    return {"error": described.rstrip("."), "line": line}


def _learners(filename: str) -> bool:
    """Is this file the learner's: a notebook cell or a script, not an installed library?"""
    others = ("<frozen", str(PACKAGE), sys.prefix, sys.base_prefix)
    return not filename.startswith(others)


class _Text(str):
    """A string whose repr has no quotes, for `short`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
