"""The same verdict through a pipe, from a child that has neither reference nor mistakes."""

import ast

import pytest

from smolcourse import reference
from smolcourse.checks.core import remote, wire
from smolcourse.checks.core.engine import judge
from smolcourse.checks.core.exercise import find, known_ids
from smolcourse.checks.core.observe import Observed

IDS = known_ids()


def text_of(id: str) -> str:
    """A reference's text as a learner's cell would be: without its last line."""
    return reference.source(id).rpartition("\nanswer = ")[0]


@pytest.mark.parametrize("id", IDS)
def test_what_the_child_is_sent_tells_nothing_of_what_is_right(id):
    sent = ast.parse(remote.observing_part(id))
    defined = {n.name for n in sent.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    assert not defined & {"cases", "judge"}
    names = {n.id for n in ast.walk(sent) if isinstance(n, ast.Name)}
    assert not names & {"mistakes", "reference"}
    imported = {n.module for n in ast.walk(sent) if isinstance(n, ast.ImportFrom)}
    assert not any(module.startswith("smolcourse.reference") for module in imported)


@pytest.mark.parametrize("id", IDS)
def test_cases_go_through_the_pipe_unchanged(id):
    cases = find(id).drawn(7)
    there_and_back = wire.loads(wire.dumps(cases))
    assert repr(there_and_back) == repr(cases)


def test_each_right_answer_is_right_through_the_pipe_too():
    tasks = [remote.task(id, text_of(id), seed=11) for id in IDS]
    for id, seen in zip(IDS, remote.ask(tasks, seconds=300), strict=True):
        assert judge(find(id), seen, seed=11).status == "correct", id


STUB = "def answer(*args, **kwargs):\n    raise NotImplementedError\n"
NOT_SHIFTED = """
def masked_loss(logits, labels):
    import torch.nn.functional as F

    print("noise on the pipe?")
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
"""


def test_wrong_answers_get_the_same_message_through_the_pipe():
    tasks = [remote.task("sft.loss", text, seed=3) for text in (STUB, NOT_SHIFTED)]
    said = [judge(find("sft.loss"), seen, seed=3).key for seen in remote.ask(tasks)]
    assert said == ["not_attempted", "not_shifted"]


def test_a_child_can_claim_to_be_wrong_but_not_to_be_right():
    case = find("sft.loss").drawn(0)
    right = remote.observe_remotely("sft.loss", text_of("sft.loss"))
    assert judge(find("sft.loss"), right).status == "correct" and len(right) == len(case)
    for forged in (right[:-1], [], [Observed(failure="correct")], [Observed(failure="nonsense")]):
        with pytest.raises(ValueError, match="observations|no message"):
            judge(find("sft.loss"), forged)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[1]", b'{"list": 3}', b'{"pickle": "gASV"}', b'{"dict": [[{"list": []}, 1]]}',
     b'{"tensor": ["object", [1], ""]}', b'{"tensor": ["float32", [9], "AAAA"]}',
     b'{"int": "' + b"9" * 5000 + b'"}', b"[" * 2000],
)  # fmt: skip
def test_a_hostile_line_is_refused(line):
    with pytest.raises(ValueError, match=".+"):
        wire.loads(line)


def test_an_answer_that_walks_the_frames_finds_nothing_that_is_right():
    """Neither the reference nor what it returns: only the inputs and the way of looking."""
    import sys

    from smolcourse.checks.core.engine import evaluate

    right = reference.load("sft.pack")
    found = []

    def spy(lengths, size):
        frame = sys._getframe(1)
        while frame is not None and "test_remote" not in frame.f_code.co_filename:
            for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
                module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
                if value is right or str(module).startswith("smolcourse.reference."):
                    found.append(value)
            frame = frame.f_back
        return right(lengths, size)

    assert evaluate("sft.pack", spy).status == "correct"
    assert found == []
