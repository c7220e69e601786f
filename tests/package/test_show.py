"""Tables and plots: what a reader sees, also without a screen."""

import io

import pytest

from smolcourse import show
from smolcourse.errors import CourseError


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr(
        show, "_emit", lambda text, markup=None, png=None: seen.append((text, markup, png))
    )
    return seen


def test_tokens_without_loss_are_grey(tokenizer, shown):
    ids = tokenizer("a b\n")["input_ids"]
    show.tokens(tokenizer, ids, labels=[-100, -100, *ids[2:]])
    text, markup, _ = shown[0]
    assert text == "a·[b][⏎\n]\n(2 of 4 tokens carry loss)"
    assert markup.count("#e4e4e4") == 2 and markup.count("#dcebfa") == 2


def test_tokens_take_tensors_and_escape_markup(tokenizer, shown):
    import torch

    ids = torch.tensor([tokenizer("<b>")["input_ids"]])
    show.tokens(tokenizer, ids, mask=torch.ones_like(ids))
    assert "&lt;" in shown[0][1] and "<b>" not in shown[0][1].replace("<b></b>", "")
    with pytest.raises(CourseError, match="as many labels as ids"):
        show.tokens(tokenizer, [3, 4], labels=[3])
    with pytest.raises(CourseError, match="one row"):
        show.tokens(tokenizer, [[3], [4]])


def test_side_by_side(shown):
    show.side_by_side([{"q": "a<b", "n": 0.123456}, {"q": "x" * 300}])
    text, markup, _ = shown[0]
    assert "0.1235" in text and "…" in text and "a&lt;b" in markup
    with pytest.raises(CourseError, match="columns"):
        show.side_by_side([[1, 2]])
    with pytest.raises(CourseError, match="1 values for 2 columns"):
        show.side_by_side([[1]], columns=["a", "b"])


def test_chinese_columns_stand_below_each_other(shown):
    """A terminal draws a Chinese character two columns wide, and so do emoji."""
    show.side_by_side([["准确率", "a", "x"], ["bar", "答案🐢", "y"]], ["指标", "之前", "之后"])
    want = """\
指标    之前    之后
------  ------  ----
准确率  a       x
bar     答案🐢  y"""
    assert shown[0][0] == want


def test_plots_are_small_pngs_and_the_same_each_time(shown):
    history = [{"loss": 3.0, "step": 1}, {"loss": 2.0, "step": 2}, {"eval_loss": 2.5, "step": 2}]
    for _ in range(2):
        show.loss({"sft": history, "by hand": [3, 2.5, 1]})
    show.bars({"before": 0.02, "after": (0.93, (0.88, 0.96))}, title="Exact match", bar=0.9)
    show.curves({"margin": [0, 1, 2]}, y="margin")
    for _, _, png in shown:
        assert png.startswith(b"\x89PNG") and len(png) < 40_000
    assert shown[0] == shown[1]
    assert shown[0][0] == "[plot] Training loss: sft, by hand"
    with pytest.raises(CourseError, match="no loss to plot"):
        show.loss({"sft": [{"epoch": 1}]})


def test_no_font_for_chinese_is_no_warning(shown, monkeypatch, recwarn):
    monkeypatch.setattr(show, "chinese_font", lambda: None)
    show.bars({"微调前": 0.1}, title="准确率 exact match")
    assert not [w for w in recwarn if "Glyph" in str(w.message)]


def drawn(png: bytes) -> str:
    from PIL import Image

    return Image.open(io.BytesIO(png)).text["Title"]


def test_without_a_font_for_chinese_a_plot_is_in_english(shown, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    for font, title in (("DejaVu Sans", "训练损失"), (None, "Training loss")):
        monkeypatch.setattr(show, "chinese_font", lambda font=font: font)
        show.loss({"sft": [2.0, 1.0]})
        assert drawn(shown[-1][2]) == title
        assert shown[-1][0] == "[图] 训练损失：sft"


def test_a_font_that_was_installed_later_is_found(monkeypatch):
    from matplotlib import font_manager

    monkeypatch.setattr(show, "CJK_FONTS", ("A Late Font",))
    names = [["DejaVu Sans"], ["DejaVu Sans", "A Late Font"]]
    monkeypatch.setattr(font_manager, "get_font_names", lambda: names[len(added) > 0])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/fonts/late.ttf"])
    added = []
    monkeypatch.setattr(font_manager.fontManager, "addfont", added.append)
    show.chinese_font.cache_clear()
    try:
        assert show.chinese_font() == "A Late Font" and added == ["/fonts/late.ttf"]
    finally:
        show.chinese_font.cache_clear()
