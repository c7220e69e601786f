"""The engine accepts every right answer, names what is wrong, and survives whatever it is given."""

import json
import os
import random
import sys
import threading
import time

import pytest
from demo import Demo

from smolcourse import reference, verdicts
from smolcourse.checks.core import catalogue
from smolcourse.checks.core.audit import AlwaysEqual, LyingList, impostors_that_pass
from smolcourse.checks.core.check import MIME, check
from smolcourse.checks.core.engine import evaluate
from smolcourse.checks.core.exercise import known_ids
from smolcourse.errors import CourseError

NO_LOSS = -100
MASK = """
def cases(rng):
    return [([5, 6, 7], 1), ([rng.randrange(9), 2], 0), ([9, 9, 9], 3)]

mistakes = {"prompt_carries_loss": lambda right, ids, start: ids}
"""
MASK_ANSWER = """
def mask(ids, start):
    return [-100] * start + list(ids)[start:]

answer = mask
"""
SCALE = """
def cases(rng):
    return [(16, 8), (1, 4)]

def observe(answer, case):
    return answer(*case).scale
"""
SCALE_ANSWER = """
class Scale:
    def __init__(self, alpha, rank):
        self.scale = alpha / rank

answer = Scale
"""
PURE = "pure = True\ndef cases(rng):\n    return [([3, 1],), ([2, 5],), ([4, 4, 1],)]\n"
PURE_ANSWER = "def f(items):\n    return sorted(items)\n\nanswer = f\n"
SEEN = """
import torch
from smolcourse.checks.core import Seen, normal

def cases(rng):
    return [normal(rng, 3) for _ in range(3)]

def observe(answer, case):
    x = case.clone().requires_grad_()
    loss = answer(x)
    return Seen(loss=loss, slope=torch.autograd.grad(loss, x)[0])

mistakes = {"sign": lambda right, x: -right(x)}
"""
SEEN_ANSWER = "def f(x):\n    return (x**2).sum()\n\nanswer = f\n"
SEEN_MESSAGES = """
[sign]
en = ["The sign is wrong."]
zh = ["符号反了。"]

[loss]
en = ["The loss is {got}, it should be {expected}."]
zh = ["损失是 {got}，应为 {expected}。"]
"""


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """Four exercises, a home of their own, English."""
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    monkeypatch.setenv("SMOLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SMOLCOURSE_PROGRESS", raising=False)
    monkeypatch.setattr(verdicts, "RESULTS", {})
    made = Demo(tmp_path, monkeypatch)
    made.write("mask", MASK, MASK_ANSWER)
    made.write("scale", SCALE, SCALE_ANSWER, "")
    made.write("pure", PURE, PURE_ANSWER, "")
    made.write("seen", SEEN, SEEN_ANSWER, SEEN_MESSAGES)
    yield made
    monkeypatch.undo()
    made.forget()


def right_mask(ids, start):
    return [NO_LOSS if i < start else token for i, token in enumerate(ids)]


def verdict(answer, id="demo.mask", seconds=5.0):
    result = evaluate(id, answer, seconds)
    return result.status, result.key


# ---------------------------------------------------------------- right answers


class MaskObject:
    def __call__(self, ids, start):
        return right_mask(ids, start)


@pytest.mark.parametrize("answer", [right_mask, MaskObject()])
def test_every_right_answer_is_accepted_and_returned(answer, capsys):
    assert check("demo.mask", answer) is answer
    assert capsys.readouterr().out == "✅ demo.mask: correct\n"
    assert verdicts.RESULTS == {"demo.mask": "correct"}


def test_a_right_class_is_accepted():
    class Mine:
        def __init__(self, alpha, rank):
            self.scale = alpha * (1 / rank)

    assert check("demo.scale", Mine) is Mine


def test_changing_the_arguments_does_not_disturb_the_check():
    def in_place(ids, start):
        ids[:start] = [NO_LOSS] * start
        return ids

    assert verdict(in_place) == ("correct", "correct")


# ---------------------------------------------------------------- wrong answers


def test_not_attempted_gives_the_reference(capsys):
    def stub(ids, start):
        raise NotImplementedError

    assert check("demo.mask", stub) is reference.load("demo.mask")
    line = "⏳ demo.mask: not attempted yet — the reference is used from here on\n"
    assert capsys.readouterr().out == line
    assert verdicts.RESULTS == {"demo.mask": "not_attempted"}


def test_a_known_mistake_is_named_with_its_call_and_what_follows(capsys, monkeypatch):
    check("demo.mask", lambda ids, start: list(ids))
    call = "when called with [5, 6, 7], 1"
    after = "The reference is used from here on."
    line = f"❌ demo.mask: The prompt carries loss {call}. Hint: Use -100. {after}\n"
    assert capsys.readouterr().out == line
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    check("demo.mask", lambda ids, start: list(ids))
    line = "❌ demo.mask：参数为 [5, 6, 7], 1 时，提示参与了损失计算。小提示：请使用 -100。"
    assert capsys.readouterr().out == line + "后面的单元格将使用参考答案。\n"


def test_the_reference_itself_keeps_the_former_verdict(capsys):
    """A check cell that is run twice: the name now holds what the first check returned."""
    handed = check("demo.mask", lambda ids, start: None)
    capsys.readouterr()
    assert check("demo.mask", handed) is handed
    assert capsys.readouterr().out.startswith("↩️ demo.mask: this is the course's own answer")
    assert verdicts.RESULTS == {"demo.mask": "wrong"}
    mine = check("demo.mask", right_mask)
    assert mine is right_mask and verdicts.RESULTS == {"demo.mask": "correct"}


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (lambda ids, start: [NO_LOSS] * len(ids), "value"),
        (lambda ids, start: [NO_LOSS, 6, 7], "constant"),
        (lambda ids, start: None, "none"),
        (lambda ids, start: "masked", "return_type"),
        (lambda ids, start: True, "return_type"),
        (lambda ids, start: AlwaysEqual(), "always_equal"),
        (lambda ids, start: [AlwaysEqual()] * 3, "always_equal"),
        (lambda ids, start: LyingList([1]), "constant"),
        (lambda ids, start: (t for t in ids), "iterator"),
        (lambda ids, start: iter(int, 1), "iterator"),
        (lambda ids, start: 1 / 0, "exception"),
        (lambda ids: ids, "exception"),
        (lambda ids, start: sys.exit(3), "exception"),
        (lambda ids, start: (_ for _ in ()).throw(NotImplementedError("later")), "exception"),
        ([NO_LOSS], "not_callable"),
        (None, "not_callable"),
        (AlwaysEqual(), "not_callable"),
    ],
)
def test_wrong_answers_get_their_message_and_the_reference(answer, key):
    assert verdict(answer) == ("wrong", key)
    assert check("demo.mask", answer) is reference.load("demo.mask")


def test_an_object_where_a_class_is_asked_for():
    assert verdict(reference.load("demo.scale")(1, 2), "demo.scale") == ("wrong", "not_class")
    assert verdict(lambda alpha, rank: None, "demo.scale") == ("wrong", "not_class")


def test_several_things_seen_are_named_in_their_order():
    import torch

    right = reference.load("demo.seen")
    assert verdict(right, "demo.seen") == ("correct", "correct")
    assert verdict(lambda x: -right(x), "demo.seen") == ("wrong", "sign")
    result = evaluate("demo.seen", lambda x: right(x) + 1e-3)
    got, wanted = result.message.split("is ")[1].split(",")[0], result.message.split()[-1]
    assert result.key == "loss" and got != wanted.rstrip(".")  # enough digits to tell them apart
    result = evaluate("demo.seen", lambda x: right(x).detach() + 0 * torch.sum(x))
    assert result.key == "seen" and "slope is tensor([0., 0., 0.])" in result.message


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "when called with [5, 6, 7], 1"), ("zh-CN", "参数为 [5, 6, 7], 1 时，")],
)
def test_a_crash_and_a_wrong_value_name_the_call(lang, words):
    """The docstring's example may work: only the arguments show what did not."""
    for answer in (lambda *a: 1 / 0, lambda ids, start: ids[::-1]):
        assert words in evaluate("demo.mask", answer).line(lang)


def test_an_exception_names_type_text_and_the_learners_line():
    def broken(ids, start):
        return json.loads("{") + ids  # raised deep in a library

    message = evaluate("demo.mask", broken).message
    assert message.startswith("Your code stopped with JSONDecodeError: Expecting property name")
    assert 'at `return json.loads("{") + ids' in message
    assert "\n" not in message


def test_an_endless_loop_is_stopped():
    def endless(ids, start):
        while True:
            pass

    def swallows(ids, start):
        while True:
            try:
                ids = list(ids)
            except Exception:  # noqa: BLE001 (a learner may write this)
                ids = []

    start = time.monotonic()
    assert verdict(endless, seconds=0.2) == ("wrong", "timeout")
    assert verdict(swallows, seconds=0.2) == ("wrong", "timeout")
    assert time.monotonic() - start < 5


def test_slow_imports_are_not_the_answers_time(tmp_path, monkeypatch):
    """A right answer that imports a library for the first time, on a busy machine."""
    (tmp_path / "a_slow_library.py").write_text("import time\ntime.sleep(0.7)\n")
    monkeypatch.syspath_prepend(tmp_path)

    def importing(ids, start):
        import a_slow_library  # noqa: F401

        return right_mask(ids, start)

    assert verdict(importing, seconds=0.3) == ("correct", "correct")


def test_without_signals_checks_still_work():
    results = []
    thread = threading.Thread(target=lambda: results.append(verdict(right_mask)))
    thread.start()
    thread.join()
    assert results == [("correct", "correct")]


def test_a_pure_exercise_notices_changed_arguments():
    def sorts_in_place(items):
        items.sort()
        return items

    assert verdict(sorts_in_place, "demo.pure") == ("wrong", "mutated")
    assert verdict(sorted, "demo.pure") == ("correct", "correct")


def test_what_an_answer_does_leaves_no_trace(capsys, tmp_path):
    import numpy
    import torch

    def noisy(ids, start):
        print("debugging", file=sys.stderr)
        print("debugging")
        random.random(), numpy.random.rand(), torch.rand(1)
        os.environ["SMOLCOURSE_LANG"] = "zh-CN"
        os.chdir(tmp_path)
        return right_mask(ids, start)

    folder = os.getcwd()
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    want = random.random(), numpy.random.rand(), torch.rand(1).item()
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    check("demo.mask", noisy)
    assert (random.random(), numpy.random.rand(), torch.rand(1).item()) == want
    out, err = capsys.readouterr()
    assert out == "✅ demo.mask: correct\n" and err == "" and os.getcwd() == folder


def test_a_check_leaves_the_seed_of_a_gpu_alone(monkeypatch):
    """torch.manual_seed would seed a GPU that the notebook starts only after the check."""
    import torch

    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    evaluate("demo.mask", right_mask)
    assert seeded == []


def test_no_impostor_passes():
    for id in ("demo.mask", "demo.scale", "demo.pure", "demo.seen"):
        assert impostors_that_pass(id) == []


def test_the_audit_finds_a_gullible_check(demo):
    demo.write(
        "gullible",
        "def cases(rng):\n    return [(3,)]",
        "def f(x):\n    return [1]\n\nanswer = f\n",
        "",
    )
    assert "right result 0, always" in impostors_that_pass("demo.gullible")


@pytest.mark.parametrize(
    "id", ["demo.mak", "demo.maskk", "nonsense", 3, "", "core.check", "../x.y"]
)
def test_an_unknown_id_is_one_sentence(id):
    with pytest.raises(CourseError) as error:
        check(id, len)
    assert "\n" not in str(error.value) and str(error.value).startswith("There is no exercise")
    if "mak" in str(id):
        assert "did you mean demo.mask" in str(error.value)


# ---------------------------------------------------------------- records


def test_progress_is_appended(tmp_path):
    check("demo.mask", right_mask)
    check("demo.mask", len)
    rows = [json.loads(r) for r in (tmp_path / "home/progress.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["correct", "wrong"]
    assert rows[1]["id"] == "demo.mask" and rows[1]["message_key"] == "exception"


def test_progress_can_be_off_and_may_fail(tmp_path, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_PROGRESS", "0")
    check("demo.mask", right_mask)
    assert not (tmp_path / "home").exists()
    monkeypatch.delenv("SMOLCOURSE_PROGRESS")
    (tmp_path / "home").write_text("a file where the folder should be")
    assert check("demo.mask", right_mask) is right_mask


def test_in_ipython_there_is_one_display_with_the_verdict_as_data(monkeypatch, capsys):
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    check("demo.mask", lambda ids, start: list(ids))
    [data] = shown
    assert data["text/plain"].startswith("❌ demo.mask: The prompt carries loss")
    want = {"id": "demo.mask", "status": "wrong", "message_key": "prompt_carries_loss"}
    assert data[MIME] == want
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------- the catalogues


def test_an_unknown_message_or_placeholder_is_no_crash():
    assert catalogue.message("demo.x", "no_such_key", "en", {}) == ("no_such_key", "")
    text, _ = catalogue.message("demo.x", "value", "en", {})
    assert "{expected}" in text


def test_finding_exercises_imports_none_of_them():
    import subprocess

    code = (
        "import sys; from smolcourse.checks.core.exercise import known_ids; known_ids();"
        "print([m for m in ('torch', 'numpy', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "demo.mask" in known_ids()
