"""Observe an answer in another process, which gets the inputs by a pipe and knows nothing else.

The parent sends the text of the answer, of the exercise's `observe` and what that uses, and the
cases; it gets back what was seen, as plain data, and judges by itself. `cases`, `mistakes` and
`judge` stay here, and so does the reference. This is the form that the grader builds on: what keeps
the child from reading files is the grader's isolation, not this module.
"""

import ast
import inspect
import subprocess
import sys
from functools import cache
from importlib import import_module

from smolcourse.checks.core import wire
from smolcourse.checks.core.exercise import SEED, find
from smolcourse.checks.core.observe import Observed

STAYS = {"cases", "mistakes", "judge"}


def observe_remotely(
    id: str, answer: str, seconds: float = 60.0, seed: int = SEED
) -> list[Observed]:
    """What a child sees of an answer, given as text whose last function or class it is.

    Raises subprocess.TimeoutExpired after `seconds`, and ValueError if what comes back is not what
    the child should send.
    """
    return ask([task(id, answer, seed)], seconds)[0]


def task(id: str, answer: str, seed: int = SEED) -> bytes:
    """What the child is sent: one line."""
    exercise = find(id)
    return wire.dumps(
        {
            "observe": observing_part(id),
            "answer": answer,
            "cases": exercise.drawn(seed),
            "pure": exercise.pure,
        }
    )


def ask(tasks: list[bytes], seconds: float = 60.0) -> list[list[Observed]]:
    """What a child sees for each task. Answers that must not meet are sent to a child each."""
    command = [sys.executable, "-m", "smolcourse.checks.core.child"]
    done = subprocess.run(
        command, input=b"".join(tasks), capture_output=True, timeout=seconds, check=False
    )
    lines = done.stdout.splitlines(keepends=True)
    if len(lines) != len(tasks):
        said = done.stderr.decode(errors="replace")[-300:]
        raise ValueError(f"the child answered {len(lines)} of {len(tasks)} tasks: {said}")
    return [wire.unpack(line) for line in lines]


@cache
def observing_part(id: str) -> str:
    """The text of an exercise's file without what only `cases`, `mistakes` and `judge` need.

    A mistake is often the right formula with something spoilt: the child must not read it.
    """
    module = import_module(f"smolcourse.checks.{id.replace('-', '_')}")
    tree = ast.parse(inspect.getsource(module))
    defined = {name: node for node in tree.body for name in _names(node)}
    needed: set[str] = set()
    waiting = ["observe"] if "observe" in defined else []
    while waiting:
        name = waiting.pop()
        if name in needed or name in STAYS:
            continue
        needed.add(name)
        used = (node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name))
        waiting += [other for other in used if other in defined]
    kept = [node for node in tree.body if needed & set(_names(node))]
    return "\n\n".join(ast.unparse(node) for node in kept)


def _names(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a file defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)]
