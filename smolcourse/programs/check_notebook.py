"""Check a learner's notebook from the terminal (`smolcourse check NOTEBOOK`), without training.

    run_checks_in_notebook(path) -> [{"id": ..., "status": ..., "message": ...}, ...]

The verdicts are those of a kernel that runs the notebook from top to bottom, but only what the
checks need is run (see notebook_plan), so it takes seconds; the notebook is read and never written.

The learner's code runs in a process of its own: in the notebook's folder, offline, without access
tokens in its environment, without a terminal, for a limited time; verdicts come back through a
pipe. That keeps accidents away from the terminal. It is no sandbox, and self-study needs none: the
code reads and writes files like any other, and whoever looks for the pipe or patches the engine can
forge a verdict on himself. Grading the work of others needs more.
"""

import asyncio
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import smolcourse
from smolcourse import reference, verdicts
from smolcourse.checks.core import check as checking
from smolcourse.checks.core.engine import evaluate
from smolcourse.checks.core.exercise import find
from smolcourse.checks.core.guard import TimeLimit, time_limit
from smolcourse.checks.core.observe import error_facts
from smolcourse.checks.core.result import Result, result
from smolcourse.errors import CourseError
from smolcourse.programs import notebook_plan as plan
from smolcourse.translate import tell

SECRET = re.compile(r"TOKEN(?!IZERS)|KEY|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
# This very copy of the package, which need not be the installed one.
CHILD = """import sys; root = sys.argv.pop()
if root not in sys.path: sys.path.insert(1, root)
from smolcourse.programs.check_notebook import main; main()"""
STATEMENT_SECONDS = 60.0  # a setup with two models took 6 to 20 s on a busy two-core laptop


def run_checks_in_notebook(path, timeout: float = 300.0) -> list[dict]:
    """One verdict on each exercise of a notebook, in its order: dicts of id, status, message.

    status is "correct", "not_attempted" or "wrong", as in the notebook; "missing" if the
    exercise is not checked or not in the notebook; "reference" if only the course's own answer was
    ever checked. A `note` says what else there is to know. Messages are in the notebook's language
    unless `SMOLCOURSE_LANG` is set. `timeout` (seconds) is for all checks together. Raises
    CourseError for a missing file, one that is no notebook, one without exercises.
    """
    path = Path(path)
    notebook = plan.read(path)
    cells, exercises = plan.code_cells(notebook), plan.exercises(notebook, path)
    places = {id: at for id, at in exercises.items() if at is not None}
    called = set()
    for statement in plan.statements(cells):
        for id in statement.ids:
            places.setdefault(id, statement.cell.at)
            called.add(id)
    if not places and not exercises:
        raise CourseError(
            "{name} has no checks; name an exercise notebook of the course.", name=path.name
        )
    lang = os.environ.get("SMOLCOURSE_LANG") or plan.language_of(notebook, path)
    judged, ended = _judged(cells, path.resolve().parent, lang, timeout)
    for id, found in judged.items():
        places.setdefault(id, found[0]["cell"])
    places |= {id: len(notebook["cells"]) for id in exercises if id not in places}
    rows = []
    for id in sorted(places, key=lambda id: places[id]):
        if id in judged:
            rows.append(_row(id, judged[id], lang))
        elif id in called and ended:
            rows.append({"id": id, "status": "wrong", "message": ended})
        elif exercises.get(id, 0) is None:
            text = "This exercise is not in the notebook; take its cells from a fresh copy."
            rows.append({"id": id, "status": "missing", "message": _say(lang, text)})
        else:
            text = 'No check of it was run; put its cell with check("{id}", ...) back.'
            rows.append({"id": id, "status": "missing", "message": _say(lang, text, id=id)})
    return rows


def _say(lang: str, text: str, **names) -> str:
    """A sentence in the notebook's language, which need not be the terminal's."""
    return tell(lang, text, **names)


def _row(id: str, found: list[dict], lang: str) -> dict:
    """The verdict on one exercise: that on the last answer of the learner's own."""
    own = [event for event in found if event["status"] != "reference"]
    last = (own or found)[-1]
    row = {"id": id, "status": last["status"]}
    row["message"] = " ".join(f"{last['message']} {last['hint']}".split())
    notes = []
    if not own:
        row["message"] = _say(lang, "This is the course's answer; run your own cell again.")
    elif last["key"]:
        verdicts.record(id, last["status"], last["key"])
    if last["cause"] and last["status"] != "correct":
        notes.append(_say(lang, "A cell that it needs stopped with {error}.", error=last["cause"]))
    if len(found) > 1:
        text = "Checked {count} times; the last answer of your own counts, the course's does not."
        notes.append(_say(lang, text, count=len(found)))
    return {**row, "note": " ".join(notes)} if notes else row


def _judged(cells, folder: Path, lang: str, timeout: float) -> tuple[dict[str, list[dict]], str]:
    """({id: the verdicts on it, in order}, what to say of checks that were not reached).

    If a statement kills Python, the rest is judged in a new process that leaves it out.
    """
    deadline = time.monotonic() + timeout
    judged: dict[str, list[dict]] = {}
    skip: dict[str, str] = {}
    while True:
        task = {"cells": [asdict(cell) for cell in cells], "skip": skip}
        events, status = _run(task, folder, lang, max(0.1, deadline - time.monotonic()))
        fresh: dict[str, list[dict]] = {}
        for event in events:
            if "id" in event:
                fresh.setdefault(event["id"], []).append(event)
        judged |= fresh
        if events and "end" in events[-1]:
            return judged, ""
        if status is None:
            text = "The checks were stopped after {seconds} seconds; look for a loop without end."
            return judged, _say(lang, text, seconds=f"{timeout:g}")
        ended = _say(lang, "Python stopped here (exit status {status}).", status=status)
        if status < 0:
            text = "Python was killed here ({signal}); there may not be enough memory."
            ended = _say(lang, text, signal=signal.Signals(-status).name)
        places = [str(event["at"]) for event in events if "at" in event]
        if not places:
            raise CourseError(
                "Python could not start the checks (exit status {status}); run `smolcourse doctor`.",
                status=status,
            )
        if places[-1] in skip:
            return judged, ended
        skip[places[-1]] = ended


def _run(task: dict, folder: Path, lang: str, timeout: float) -> tuple[list[dict], int | None]:
    """(what the other process told, its exit status or None if it was stopped)."""
    environment = {k: v for k, v in os.environ.items() if not SECRET.search(k)}
    environment |= {"HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg", "SMOLCOURSE_LANG": lang}
    try:
        process = subprocess.run(
            [sys.executable, "-c", CHILD, str(Path(__file__).parents[2])],
            check=False,
            input=json.dumps(task).encode(),
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("SMOLCOURSE_DEBUG") else subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            timeout=timeout,
        )
        told, status = process.stdout, process.returncode
    except subprocess.TimeoutExpired as stopped:
        told, status = stopped.stdout or b"", None
    whole = told.decode("utf-8", "replace").rpartition("\n")[0]
    return [json.loads(line) for line in whole.split("\n") if line], status


# ---------------------------------------------------------------- in the other process


@dataclass(frozen=True)
class _Said:
    """A verdict as it is told: the words are found here, in the notebook's language."""

    id: str
    status: str
    key: str
    message: str
    hint: str = ""


def _said(found: Result, status: str = "") -> _Said:
    return _Said(found.id, status or found.status, found.key, found.message, found.hint)


class _Shell:
    """What magics and shell lines talk to here: it does nothing."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: [] if name == "getoutput" else None


class _Runner:
    """Runs what the checks need, in one namespace, and tells the verdicts."""

    def __init__(self, found: list[plan.Statement], skip: dict[str, str], tell):
        self.found, self.skip, self.tell = found, skip, tell
        self.flags = plan.future_flags(found)
        self.space: dict = {"__name__": "__main__", "check": self.judge, "get_ipython": _Shell}
        self.space["display"] = lambda *args, **kwargs: None
        self.done: set[int] = set()
        self.stopped: dict[int, int] = {}  # cell -> the statement at which it stopped
        self.broken: dict[str, object] = {}  # name -> why it is not there
        self.errors: dict[int, object] = {}  # statement -> an exception, or a sentence
        self.handed: list = []  # references given out
        self.first: object = None  # of the check that is being judged: the first error before it
        self.at, self.told = 0, set()

    def run(self) -> None:
        for at, statement in enumerate(self.found):
            if not statement.checks:
                continue
            self.first, self.at, self.told = None, at, set()
            for place in plan.needed(self.found, at):
                self.step(place)
                self.first = self.first or self.errors.get(place)
            self.step(at)
            for id in statement.ids if at in self.errors else ():
                if id not in self.told:
                    self.fail(id, self.errors[at])

    def step(self, place: int) -> None:
        """Run one statement once, unless its cell stopped before it."""
        if place in self.done:
            return
        self.done.add(place)
        statement, cell = self.found[place], self.found[place].cell
        if self.stopped.get(cell.at, place) < place:
            error = self.errors[self.stopped[cell.at]]
        else:
            self.tell(at=place)
            error = self.skip.get(str(place)) or self.execute(statement)
            if error is not None:
                self.stopped[cell.at] = place
        if error is not None:
            self.errors[place] = error
            for name in () if statement.checks and statement.tree else statement.binds:
                self.broken[name] = error
                self.space.pop(name, None)
        self.space["check"] = self.judge

    def execute(self, statement: plan.Statement):
        """Run it as a kernel would; returns the exception that stopped it, or None."""
        # linecache finds the lines of a cell under the cell's own name, as it does in Jupyter.
        import linecache

        text, name = statement.cell.text, f"<cell {statement.cell.at}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        try:
            tree = plan.ast.Module([statement.tree], []) if statement.tree else text
            code = compile(tree, name, "exec", self.flags, dont_inherit=True)
            with time_limit(STATEMENT_SECONDS):
                if code.co_flags & inspect.CO_COROUTINE:
                    asyncio.run(eval(code, self.space))
                else:
                    exec(code, self.space)
        except BaseException as error:  # noqa: BLE001 (whatever a learner's code can come up with)
            return error
        return None

    def judge(self, id, answer):
        """`check` as the notebook sees it here: the same verdict, told to the terminal."""
        try:
            found = evaluate(id, answer)
            right = reference.load(id)
        except CourseError as error:  # a misspelt id: later checks of the cell go on
            self.tell_result(_Said(str(id), "wrong", "", str(error)))
            return answer
        own = all(answer is not given for given in (right, *self.handed))
        self.tell_result(_said(found, "" if own else "reference"))
        if found.status == "correct":
            return answer
        self.handed.append(right)
        return right

    def fail(self, id: str, error) -> None:
        """The verdict on an answer that could not be reached."""
        name = getattr(error, "name", "") if isinstance(error, NameError) else ""
        if name:
            error, self.first = self.broken.get(name, self.first or error), None
        try:
            find(id)
            right = reference.load(id)
        except CourseError as unknown:
            return self.tell_result(_Said(id, "wrong", "", str(unknown)))
        if isinstance(error, str):
            said = _Said(id, "wrong", "", error)
        elif isinstance(error, TimeLimit):
            said = _said(result(id, "timeout", seconds=f"{STATEMENT_SECONDS:g}"))
        elif isinstance(error, NotImplementedError) and not error.args:
            said = _said(result(id, "not_attempted"))
        elif isinstance(error, NameError) and name:
            said = _said(result(id, "missing", name=name))
        else:
            said = _said(result(id, "exception", **error_facts(error)))
        self.tell_result(said)
        if len(self.found[self.at].binds) == 1:  # later cells go on, as after a wrong answer
            self.space[next(iter(self.found[self.at].binds))] = right
            self.handed.append(right)

    def tell_result(self, said: _Said) -> None:
        self.told.add(said.id)
        cause = _described(self.first) if self.first else ""
        self.tell(cell=self.found[self.at].cell.at, cause=cause, **asdict(said))


def _described(error) -> str:
    """A few words on why a statement stopped."""
    if isinstance(error, str):
        return error.rstrip(".")
    told = error_facts(error)
    return told["error"] + (f" at `{told['line']}`" if told["line"] else "")


def main() -> None:
    """Judge what stdin brings, tell the verdicts on stdout; only for `_run`."""
    task = json.loads(sys.stdin.buffer.read())
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")  # not inherited by the learner's processes
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)  # input() ends at once
    os.dup2(nothing, 1)

    def tell(**event) -> None:
        pipe.write(json.dumps(event) + "\n")
        pipe.flush()

    runner = _Runner(
        plan.statements([plan.Code(**cell) for cell in task["cells"]]), task["skip"], tell
    )
    # However the notebook imports it.
    checking.check = smolcourse.check = runner.judge  # type: ignore[assignment]
    runner.run()
    tell(end=True)
    os._exit(0)  # threads that a learner started would keep Python waiting
