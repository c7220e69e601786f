"""Comparing without trusting the answer's own `==`: rebuilt values, differences and their places."""

import json

import pytest

from smolcourse.checks.core.audit import AlwaysEqual, LyingFloat, LyingList
from smolcourse.checks.core.compare import Wrong, expect_close, expect_shape, expect_type, plain
from smolcourse.checks.core.result import result


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

    expect_close([1, (2, 3)], (True, [2, 3]))
    expect_close({"a": 0.1 + 0.2}, {"a": 0.3})
    expect_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    expect_close(float("nan"), float("nan"))
    expect_shape(torch.zeros(2, 3), (2, 3))
    for got, want, key in [
        ([1], [1, 2], "value"),
        (None, [1], "none"),
        ("1", 1, "return_type"),
        (LyingFloat(9.0), 1.0, "value"),
        (10**9 + 1, 10**9, "value"),
        (torch.zeros(3), torch.zeros(2), "shape"),
        ([0.0], torch.zeros(1), "return_type"),
        (float("nan"), 1.0, "value"),
        ({"a": 1}, {"b": 1}, "value"),
    ]:
        with pytest.raises(Wrong) as wrong:
            expect_close(got, want)
        assert wrong.value.key == key, (got, want)
    with pytest.raises(Wrong, match="my_key"):
        expect_close([1], [2], key="my_key")
    with pytest.raises(Wrong, match="shape"):
        expect_shape(torch.zeros(2), (1, 2))


@pytest.mark.parametrize(
    ("got", "want", "en", "zh"),
    [
        (
            [1, None, 3],
            [1, 2, 3],
            "In the list that it returned, item [1] is None, where int is expected.",
            "在它返回的 list 中，[1] 处是 None，而这里应为 int。",
        ),
        (
            [1, "2"],
            [1, 2],
            "In the list that it returned, item [1] is '2' (str), where int is expected.",
            "在它返回的 list 中，[1] 处是 '2' (str)，而这里应为 int。",
        ),
        (
            {"ids": [[1], (2, "{x}")]},
            {"ids": [[1], [2, None]]},
            "In the dict that it returned, item ['ids'][1][1] is '{x}' (str), "
            "where None is expected.",
            "在它返回的 dict 中，['ids'][1][1] 处是 '{x}' (str)，而这里应为 None。",
        ),
        (
            {"a": [0.0, 0.0], "b": 1},
            {"a": "tensor (2,)", "b": 1},
            "In the dict that it returned, item ['a'] is [0.0, 0.0] (list), "
            "where Tensor (2,) is expected.",
            "在它返回的 dict 中，['a'] 处是 [0.0, 0.0] (list)，而这里应为 Tensor (2,)。",
        ),
        (
            {"a": "tensor (3,)"},
            {"a": [0.0]},
            "In the dict that it returned, item ['a'] is Tensor (3,), where list is expected.",
            "在它返回的 dict 中，['a'] 处是 Tensor (3,)，而这里应为 list。",
        ),
        (
            {"a": 1, "labels": "tensor (3, 1)"},
            {"a": 1, "labels": "tensor (2,)"},
            "In the dict that it returned, item ['labels'] has shape (3, 1), "
            "where (2,) is expected.",
            "在它返回的 dict 中，['labels'] 处的形状是 (3, 1)，而这里应为 (2,)。",
        ),
        (
            ["tensor (2,)", "array (4,)"],
            ["tensor (2,)", "array (2, 2)"],
            "In the list that it returned, item [1] has shape (4,), where (2, 2) is expected.",
            "在它返回的 list 中，[1] 处的形状是 (4,)，而这里应为 (2, 2)。",
        ),
    ],
)
def test_what_is_wrong_inside_is_named_with_its_place(got, want, en, zh):
    with pytest.raises(Wrong) as wrong:
        expect_close(filled(got), filled(want))
    for lang, text in (("en", en), ("zh-CN", zh)):
        assert text in result("demo.inside", wrong.value.key, **wrong.value.fmt).text(lang)[0]
    with pytest.raises(Wrong) as wrong:
        expect_close(filled(got), filled(want), key="my_key")  # for all but wrong types
    assert wrong.value.key == ("my_key" if "shape" in en else "inside_type")


@pytest.mark.parametrize(
    ("item", "got"),
    [(None, "None"), ("7", "'7' (str)"), (True, "True (bool)"), (7.0, "7.0 (float)")],
)
def test_the_type_of_one_item_is_named_with_its_place(item, got):
    with pytest.raises(Wrong) as wrong:
        expect_type(item, int, where="[1]", outer="list")
    said = result("demo.item", wrong.value.key, **wrong.value.fmt).text("en")[0]
    assert said == f"In the list that it returned, item [1] is {got}, where int is expected."
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


@pytest.mark.parametrize(("lang", "either"), [("en", "list or tuple"), ("zh-CN", "list 或 tuple")])
def test_several_types_are_joined_in_the_language_of_the_message(monkeypatch, lang, either):
    """A grader tells in the learner's language what a process in another one has found."""
    monkeypatch.setenv("SMOLCOURSE_LANG", "en" if lang == "zh-CN" else "zh-CN")
    with pytest.raises(Wrong) as found:
        expect_type(3, (list, tuple))
    assert either in result("sft.pack", found.value.key, **found.value.fmt).line(lang)


def test_chinese_sentences_of_a_verdict_do_not_run_into_each_other():
    """A message and a hint that is code have no stop of their own."""
    line = result("dpo.loss", "summed").line("zh-CN")
    assert ".mean()。后面的单元格" in line and "。。" not in line
    assert "。小提示：" in result("dpo.loss", "is_reference").line("zh-CN")
    bracket = result("dpo.loss", "exception", error="E").line("zh-CN")
    assert "）。后面的单元格" in bracket
