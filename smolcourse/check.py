"""`answer = check("sft.mask", answer)`: a learner's feedback, and the reference until it is right.

For authors: one checker an exercise, in `smolcourse/checks/<module>.py`.

    from smolcourse.check import Wrong, checker, compare_on, expect_close, expect_same, expect_type

    @checker("sft.mask")                       # pure=True: must not change its arguments
    def sft_mask(answer, reference):           # both are callables (or classes)
        got = expect_type(answer([5, 6, 7], 2), list)
        if got[:2] != [-100, -100]:
            raise Wrong("prompt_carries_loss", count=2)          # a mistake known by name
        compare_on(answer, reference, [([1, 2, 3], 1), ([4, 5], 0)])   # everything else

The messages are in `smolcourse/checks/messages/<module>.toml` (layout: checks/catalogue.py).
A checker returns None if the answer is right. What `answer` returns was rebuilt by `plain` already,
and it was given copies of the arguments; instances of a class are the checker's own to look at.
Prove it in tests with wrong answers, and with `smolcourse.checks.audit.impostors_that_pass(id)`.
"""

import json
import os
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from smolcourse import language
from smolcourse.checks.catalogue import message
from smolcourse.checks.compare import (
    Wrong,
    compare_on,
    expect_close,
    expect_same,
    expect_shape,
    expect_type,
    kind_of,
    plain,
    short,
)
from smolcourse.checks.guard import SECONDS, TimeLimit, guarded, wrapped
from smolcourse.checks.registry import Checker, checker, find, known_ids

__all__ = [
    "RESULTS",
    "Result",
    "Wrong",
    "check",
    "checker",
    "compare_on",
    "evaluate",
    "expect_close",
    "expect_same",
    "expect_shape",
    "expect_type",
    "known_ids",
    "plain",
    "short",
]

MIME = "application/vnd.smolcourse.check+json"
MARKS = {"correct": "✅", "not_attempted": "⏳", "wrong": "❌"}
RESULTS: dict[str, str] = {}  # id -> "correct", "not_attempted" or "wrong"; course.report reads it


@dataclass(frozen=True)
class Result:
    """One verdict. `key` names the message in the catalogue; `hint` may be empty."""

    id: str
    status: str
    key: str
    message: str
    hint: str = ""

    def line(self) -> str:
        """The line a learner reads; the same on every machine."""
        chinese = language.current_language() == "zh-CN"
        line = f"{MARKS[self.status]} {self.id}{'：' if chinese else ': '}{self.message}"
        if self.hint:
            line += f"小提示：{self.hint}" if chinese else f" Hint: {self.hint}"
        return line


def check(id: str, answer):
    """Judge `answer` for exercise `id`, say what was found in one line, return what to go on with.

    Returns `answer` itself if it is correct, and the reference otherwise, so that the notebook
    runs to its end. A wrong or missing answer never raises; CourseError means that the id is
    unknown. Introduced in the first exercise of module 1.
    """
    result = evaluate(id, answer)
    RESULTS[id] = result.status
    _show(result)
    record(result)
    return answer if result.status == "correct" else find(id).load_reference()


def evaluate(id: str, answer, seconds: float = SECONDS) -> Result:
    """The verdict on an answer, without printing or recording it. Raises only for an unknown id."""
    spec = find(id)
    reference = spec.load_reference()
    if isinstance(reference, type) and not isinstance(answer, type):
        return _result(spec, "wrong", "not_class", got=kind_of(answer))
    if not callable(answer):
        return _result(spec, "wrong", "not_callable", got=kind_of(answer))
    try:
        with guarded(seconds):
            spec.judge(wrapped(answer, spec.pure), reference)
    except Wrong as wrong:
        return _result(spec, "wrong", wrong.key, **wrong.fmt)
    except TimeLimit:
        return _result(spec, "wrong", "timeout", seconds=f"{seconds:g}")
    except (
        Exception,
        SystemExit,
    ) as error:  # whatever a learner's code can come up with
        if os.environ.get("SMOLCOURSE_CHECK_DEBUG"):  # for authors: see a checker's own bug
            raise
        return _stopped(spec, error)
    return _result(spec, "correct", "correct")


def failed(id: str, key: str, **fmt) -> Result:
    """The verdict "wrong" with a message of the catalogue, for callers that run cells themselves."""
    return _result(find(id), "wrong", key, **fmt)


def describe_error(error: BaseException) -> dict[str, str]:
    """{error, line, arguments} for the message "exception": type and text, the learner's own line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _learners(f.filename)]
    text = short(_Text(str(error)), 100)
    described = f"{type(error).__name__}: {text}" if text else type(error).__name__
    line = ""
    if frames and frames[-1].line:
        quoted = f"`{short(_Text(frames[-1].line.strip()), 60)}`"
        line = f"（{quoted}）" if language.current_language() == "zh-CN" else f" at {quoted}"
    call = getattr(error, "smolcourse_call", "")
    return {"error": described.rstrip("."), "line": line, "arguments": call}


def _stopped(spec: Checker, error: BaseException) -> Result:
    """The stub's own `raise NotImplementedError` means "not attempted"; the rest is an error."""
    if isinstance(error, NotImplementedError) and not error.args:
        frames = traceback.extract_tb(error.__traceback__)
        if frames and _learners(frames[-1].filename):
            return _result(spec, "not_attempted", "not_attempted")
    return _result(spec, "wrong", "exception", **describe_error(error))


def _learners(filename: str) -> bool:
    """Is this file the learner's: a notebook cell or a script, not an installed library?"""
    if filename.startswith("<frozen"):
        return False
    others = (str(Path(__file__).parent), sys.prefix, sys.base_prefix)
    return not any(filename.startswith(folder + os.sep) for folder in others)


class _Text(str):
    """A string whose repr has no quotes, for `short`."""

    def __repr__(self) -> str:
        return str(self)


def _result(spec: Checker, status: str, key: str, **fmt) -> Result:
    lang = language.current_language()
    given = fmt.get("arguments", "")
    if given:
        given = f"参数为 {given} 时，" if lang == "zh-CN" else f" when called with {given}"
    names = {"id": spec.id, "given": given, **fmt}
    text, hint = message(spec.module, spec.id, key, lang, names)
    return Result(spec.id, status, key, text, hint)


def _show(result: Result) -> None:
    """One display in a notebook: the line, and the verdict as data for tools. Else a print."""
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython() is not None:
        from IPython.display import display

        verdict = {"id": result.id, "status": result.status, "message_key": result.key}
        display({"text/plain": result.line(), MIME: verdict}, raw=True)
    else:
        print(result.line())


def record(result: Result) -> None:
    """Append the verdict to ~/.smolcourse/progress.jsonl; a full disk must not stop a lesson.

    `SMOLCOURSE_HOME` names another folder, `SMOLCOURSE_PROGRESS=0` turns it off.
    """
    if os.environ.get("SMOLCOURSE_PROGRESS") == "0":
        return
    row = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "id": result.id,
        "status": result.status,
        "message_key": result.key,
    }
    try:
        home = Path(os.environ.get("SMOLCOURSE_HOME") or Path.home() / ".smolcourse")
        home.mkdir(parents=True, exist_ok=True)
        with (home / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except (OSError, RuntimeError):
        pass
