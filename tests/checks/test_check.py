"""`check` accepts every right answer, names what is wrong, and survives whatever it is given."""

import json
import random
import sys
import threading
import time

import pytest

from smolcourse.check import (
    MIME,
    RESULTS,
    Wrong,
    check,
    checker,
    compare_on,
    evaluate,
    expect_close,
    expect_same,
    expect_shape,
    expect_type,
    known_ids,
    plain,
)
from smolcourse.checks import catalogue, registry
from smolcourse.checks.audit import AlwaysEqual, LyingFloat, LyingList, impostors_that_pass
from smolcourse.errors import CourseError

NO_LOSS = -100


def reference_mask(ids, start):
    return [NO_LOSS] * start + list(ids)[start:]


class ReferenceScale:
    def __init__(self, alpha, rank):
        self.scale = alpha / rank


@pytest.fixture(autouse=True)
def samples(monkeypatch, tmp_path):
    """Two sample exercises with a message of their own, in a home of their own."""
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    monkeypatch.setenv("SMOLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SMOLCOURSE_PROGRESS", raising=False)
    monkeypatch.delenv("SMOLCOURSE_CHECK_DEBUG", raising=False)
    monkeypatch.setattr(registry, "REGISTERED", dict(registry.REGISTERED))
    mistake = {
        "en": "{count} prompt tokens carry loss.",
        "zh": "有 {count} 个提示 token 参与了损失计算。",
        "hint_en": "Use -100.",
        "hint_zh": "请使用 -100。",
    }
    monkeypatch.setitem(catalogue.EXTRA, "demo.mask", {"prompt_carries_loss": mistake})
    RESULTS.clear()

    @checker("demo.mask", reference=reference_mask)
    def mask(answer, reference):
        ids = [5, 6, 7, 8]
        got = expect_type(answer(ids, 2), list)
        if got == ids:
            raise Wrong("prompt_carries_loss", count=2)
        compare_on(answer, reference, [([5, 6, 7], 1), ([1, 2], 0), ([9, 9, 9], 3)])

    @checker("demo.scale", reference=ReferenceScale)
    def scale(answer, reference):
        for alpha, rank in ((16, 8), (1, 4)):
            expect_close(answer(alpha, rank).scale, reference(alpha, rank).scale)

    @checker("demo.pure", pure=True, reference=lambda items: sorted(items))
    def pure(answer, reference):
        compare_on(answer, reference, [([3, 1],), ([2, 5],)])


def verdict(answer, id="demo.mask", seconds=5.0):
    result = evaluate(id, answer, seconds)
    return result.status, result.key


# ---------------------------------------------------------------- right answers


class MaskObject:
    def __call__(self, ids, start):
        return [NO_LOSS if i < start else token for i, token in enumerate(ids)]


@pytest.mark.parametrize(
    "answer",
    [
        reference_mask,
        lambda ids, start: [NO_LOSS if i < start else t for i, t in enumerate(ids)],
        MaskObject(),
    ],
)
def test_every_right_answer_is_accepted_and_returned(answer, capsys):
    assert check("demo.mask", answer) is answer
    assert capsys.readouterr().out == "✅ demo.mask: correct\n"
    assert RESULTS == {"demo.mask": "correct"}


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

    assert check("demo.mask", stub) is reference_mask
    line = "⏳ demo.mask: not attempted yet — the reference is used from here on\n"
    assert capsys.readouterr().out == line
    assert RESULTS == {"demo.mask": "not_attempted"}


def test_a_class_that_is_not_attempted():
    class Stub:
        def __init__(self, alpha, rank):
            raise NotImplementedError

    assert verdict(Stub, "demo.scale") == ("not_attempted", "not_attempted")


def test_a_known_mistake_is_named_with_a_hint(capsys):
    assert check("demo.mask", lambda ids, start: list(ids)) is reference_mask
    line = "❌ demo.mask: 2 prompt tokens carry loss. Hint: Use -100.\n"
    assert capsys.readouterr().out == line


def test_messages_in_chinese(monkeypatch, capsys):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    check("demo.mask", lambda ids, start: list(ids))
    line = "❌ demo.mask：有 2 个提示 token 参与了损失计算。小提示：请使用 -100。\n"
    assert capsys.readouterr().out == line


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
    assert check("demo.mask", answer) is reference_mask


def test_an_object_where_a_class_is_asked_for():
    assert verdict(ReferenceScale(1, 2), "demo.scale") == ("wrong", "not_class")
    assert verdict(lambda alpha, rank: None, "demo.scale") == ("wrong", "not_class")


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
    assert verdict(lambda ids, start: iter(int, 1), seconds=0.05) == ("wrong", "timeout")
    assert time.monotonic() - start < 3


def test_without_signals_checks_still_work():
    results = []
    thread = threading.Thread(target=lambda: results.append(verdict(reference_mask)))
    thread.start()
    thread.join()
    assert results == [("correct", "correct")]


def test_a_pure_exercise_notices_changed_arguments():
    def sorts_in_place(items):
        items.sort()
        return items

    assert verdict(sorts_in_place, "demo.pure") == ("wrong", "mutated")
    assert verdict(sorted, "demo.pure") == ("correct", "correct")


def test_prints_and_random_numbers_of_an_answer_leave_no_trace(capsys):
    import numpy
    import torch

    def noisy(ids, start):
        print("debugging", file=sys.stderr)
        print("debugging")
        random.random(), numpy.random.rand(), torch.rand(1)
        return reference_mask(ids, start)

    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    want = random.random(), numpy.random.rand(), torch.rand(1).item()
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    check("demo.mask", noisy)
    assert (random.random(), numpy.random.rand(), torch.rand(1).item()) == want
    out, err = capsys.readouterr()
    assert out == "✅ demo.mask: correct\n" and err == ""


def test_a_check_leaves_the_seed_of_a_gpu_alone(monkeypatch):
    """torch.manual_seed would seed a GPU that the notebook starts only after the check."""
    import torch

    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    evaluate("demo.mask", reference_mask)
    assert seeded == []


def test_no_impostor_passes():
    for id in ("demo.mask", "demo.scale", "demo.pure"):
        assert impostors_that_pass(id, seconds=2) == []


def test_the_audit_finds_a_gullible_checker():
    @checker("demo.gullible", reference=lambda x: [1])
    def gullible(answer, reference):
        if answer(3) != [1]:
            raise Wrong("value")

    assert "reference result 0, always" in impostors_that_pass("demo.gullible")


@pytest.mark.parametrize("id", ["demo.mak", "demo.maskk", "nonsense", 3, ""])
def test_an_unknown_id_is_one_sentence(id):
    with pytest.raises(CourseError) as error:
        check(id, len)
    assert "\n" not in str(error.value) and str(error.value).startswith("There is no exercise")
    if "mak" in str(id):
        assert "did you mean demo.mask" in str(error.value)


# ---------------------------------------------------------------- records


def test_progress_is_appended(tmp_path):
    check("demo.mask", reference_mask)
    check("demo.mask", len)
    rows = [json.loads(r) for r in (tmp_path / "home/progress.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["correct", "wrong"]
    assert rows[1]["id"] == "demo.mask" and rows[1]["message_key"] == "exception"


def test_progress_can_be_off_and_may_fail(tmp_path, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_PROGRESS", "0")
    check("demo.mask", reference_mask)
    assert not (tmp_path / "home").exists()
    monkeypatch.delenv("SMOLCOURSE_PROGRESS")
    (tmp_path / "home").write_text("a file where the folder should be")
    assert check("demo.mask", reference_mask) is reference_mask


def test_in_ipython_there_is_one_display_with_the_verdict_as_data(monkeypatch, capsys):
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    check("demo.mask", lambda ids, start: list(ids))
    [data] = shown
    assert data["text/plain"].startswith("❌ demo.mask: 2 prompt tokens")
    want = {"id": "demo.mask", "status": "wrong", "message_key": "prompt_carries_loss"}
    assert data[MIME] == want
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------- comparing


def test_plain_rebuilds_values_from_exact_types():
    import numpy
    import torch

    class Words(str):
        __slots__ = ()

    assert type(plain(LyingFloat(2.5))) is float and plain(LyingFloat(2.5)) == 2.5
    assert type(plain(LyingList([1]))) is list
    assert type(plain(Words("a"))) is str and type(plain(True)) is bool
    assert plain({"a": (1, {2}), "b": range(3)}) == {"a": (1, {2}), "b": [0, 1, 2]}
    assert plain(i for i in "ab") == ["a", "b"]
    assert type(plain(numpy.float32(0.5))) is float
    tensor = torch.nn.Parameter(torch.ones(2))
    assert type(plain(tensor)) is torch.Tensor and not plain(tensor).requires_grad
    with pytest.raises(Wrong, match="always_equal"):
        plain({"a": [AlwaysEqual()]})


def test_expectations():
    import torch

    expect_same([1, (2, 3)], (True, [2, 3]))
    expect_close({"a": 0.1 + 0.2}, {"a": 0.3})
    expect_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    expect_close(float("nan"), float("nan"))
    expect_shape(torch.zeros(2, 3), (2, 3))
    for got, want, key in [
        ([1], [1, 2], "value"),
        (None, [1], "none"),
        ("1", 1, "return_type"),
        (LyingFloat(9.0), 1.0, "value"),
        (torch.zeros(3), torch.zeros(2), "shape"),
        ([0.0], torch.zeros(1), "return_type"),
        (float("nan"), 1.0, "value"),
        ({"a": 1}, {"b": 1}, "value"),
    ]:
        with pytest.raises(Wrong) as wrong:
            expect_close(got, want)
        assert wrong.value.key == key, (got, want)
    with pytest.raises(Wrong, match="my_key"):
        expect_same([1], [2], "my_key")
    with pytest.raises(Wrong, match="shape"):
        expect_shape(torch.zeros(2), (1, 2))


@pytest.mark.parametrize(
    ("got", "want", "en", "zh"),
    [
        (
            [1, None, 3],
            [1, 2, 3],
            "In the list that it returned when called with 1, item [1] is None, where int is expected.",
            "在它返回的 list 中，[1] 处是 None，而这里应为 int。",
        ),
        (
            [1, "2"],
            [1, 2],
            "In the list that it returned when called with 1, item [1] is '2' (str), where int is expected.",
            "在它返回的 list 中，[1] 处是 '2' (str)，而这里应为 int。",
        ),
        (
            {"ids": [[1], (2, "{x}")]},
            {"ids": [[1], [2, None]]},
            "In the dict that it returned when called with 1, item ['ids'][1][1] is '{x}' (str), "
            "where None is expected.",
            "在它返回的 dict 中，['ids'][1][1] 处是 '{x}' (str)，而这里应为 None。",
        ),
        (
            {"a": [0.0, 0.0], "b": 1},
            {"a": "tensor (2,)", "b": 1},
            "In the dict that it returned when called with 1, item ['a'] is [0.0, 0.0] (list), "
            "where Tensor (2,) is expected.",
            "在它返回的 dict 中，['a'] 处是 [0.0, 0.0] (list)，而这里应为 Tensor (2,)。",
        ),
        (
            {"a": "tensor (3,)"},
            {"a": [0.0]},
            "In the dict that it returned when called with 1, item ['a'] is Tensor (3,), where list is expected.",
            "在它返回的 dict 中，['a'] 处是 Tensor (3,)，而这里应为 list。",
        ),
        (
            {"a": 1, "labels": "tensor (3, 1)"},
            {"a": 1, "labels": "tensor (2,)"},
            "In the dict that it returned when called with 1, item ['labels'] has shape (3, 1), "
            "where (2,) is expected.",
            "在它返回的 dict 中，['labels'] 处的形状是 (3, 1)，而这里应为 (2,)。",
        ),
        (
            ["tensor (2,)", "array (4,)"],
            ["tensor (2,)", "array (2, 2)"],
            "In the list that it returned when called with 1, item [1] has shape (4,), where (2, 2) is expected.",
            "在它返回的 list 中，[1] 处的形状是 (4,)，而这里应为 (2, 2)。",
        ),
    ],
)
def test_what_is_wrong_inside_is_named_with_its_place(got, want, en, zh, monkeypatch):
    got, want = filled(got), filled(want)

    @checker("demo.inside", reference=lambda x: want)
    def inside(answer, reference):
        compare_on(answer, reference, [(1,)])

    for lang, text in (("en", en), ("zh-CN", zh)):
        monkeypatch.setenv("SMOLCOURSE_LANG", lang)
        assert text in evaluate("demo.inside", lambda x: got).message
    with pytest.raises(Wrong) as wrong:
        expect_same(got, want, "my_key")  # a key of the checker's own: for all but wrong types
    assert wrong.value.key == ("my_key" if "shape" in en else "inside_type")


@pytest.mark.parametrize(
    ("item", "got"),
    [(None, "None"), ("7", "'7' (str)"), (True, "True (bool)"), (7.0, "7.0 (float)")],
)
def test_the_type_of_one_item_is_named_with_its_place(item, got, monkeypatch):
    @checker("demo.item", reference=lambda x: [1, 2])
    def item_check(answer, reference):
        for place, value in enumerate(answer(1)):
            expect_type(value, int, where=f"[{place}]", outer="list")

    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    expected = f"In the list that it returned, item [1] is {got}, where int is expected."
    assert evaluate("demo.item", lambda x: [1, item]).message == expected
    assert evaluate("demo.item", lambda x: [1, 2]).status == "correct"
    with pytest.raises(Wrong, match="my_key"):
        expect_type(item, int, "my_key", where="[1]")


def filled(value):
    """The containers of `value` with zeros in place of "tensor (2,)" and "array (2,)"."""
    import numpy
    import torch

    if isinstance(value, list | tuple):
        return type(value)(filled(item) for item in value)
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items()}
    name, _, shape = value.partition(" ") if isinstance(value, str) else ("", "", "")
    make = {"tensor": torch.zeros, "array": numpy.zeros}.get(name)
    return make(tuple(json.loads(f"[{shape.strip('(),')}]"))) if make else value


def test_a_loss_keeps_its_graph():
    import torch

    @checker("demo.loss", reference=lambda x: (x**2).sum())
    def loss(answer, reference):
        x = torch.ones(2, requires_grad=True)
        answer(x).backward()
        expect_close(x.grad, torch.full((2,), 2.0))

    assert verdict(lambda x: (x * x).sum(), "demo.loss") == ("correct", "correct")
    assert verdict(lambda x: x.sum(), "demo.loss") == ("wrong", "value")


# ---------------------------------------------------------------- the catalogues


def test_catalogues_are_complete_in_both_languages():
    modules = sorted(path.stem for path in catalogue.FOLDER.glob("*.toml"))
    assert "_generic" in modules
    assert [problem for module in modules for problem in catalogue.problems(module)] == []


def test_an_unknown_message_or_placeholder_is_no_crash():
    assert catalogue.message("none", "demo.x", "no_such_key", "en", {}) == ("no_such_key", "")
    text, _ = catalogue.message("none", "demo.x", "value", "en", {})
    assert "{expected}" in text


def test_finding_checkers_imports_none_of_them():
    import subprocess

    code = (
        "import sys, smolcourse.check as c; c.known_ids();"
        "print([m for m in ('torch', 'numpy', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "demo.mask" in known_ids()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "when called with [1, 2], 'b', Tensor (9,)"),
        ("zh-CN", "参数为 [1, 2], 'b', Tensor (9,) 时，"),
    ],
)
def test_a_crash_and_a_wrong_value_name_the_call(lang, words, monkeypatch):
    """The docstring's example may work: only the arguments show what did not."""
    import torch

    monkeypatch.setenv("SMOLCOURSE_LANG", lang)
    case = ([1, 2], "b", torch.zeros(9))
    checker("demo.call", reference=lambda *a: 7)(
        lambda answer, reference: compare_on(answer, reference, [case])
    )
    for answer in (lambda *a: 1 / 0, lambda *a: 8):
        assert words in evaluate("demo.call", answer).message
