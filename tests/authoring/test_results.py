"""The results pages are generated from what notebooks stored, and only from that."""

import ast
import json
from pathlib import Path

import jupytext
import pytest

from smolcourse.authoring import pages, results
from smolcourse.authoring.source import read_texts
from smolcourse.errors import CourseError
from smolcourse.report import MIME, extra_text

DATA = {
    "version": 1, "notebook": "1_m/sft", "metric": "exact | match", "before": 0.02,
    "after": 0.93, "bar": 0.9, "higher_is_better": True, "met": True, "seconds": 61.4,
    "sections": {"import": 8.0, "train": 40.0, "generate": 10.0, "other": 3.4},
    "peak_memory_mb": 1234, "extra": {"n": 200}, "interval": [0.886, 0.958],
    "profile": "tiny", "seed": 42,
}  # fmt: skip
NAMES = """
[report.metric."exact match on held-out facts"]
zh-CN = "留出事实上的精确匹配"
[report.extra.seen]
en = "exact match on facts asked in training"
zh-CN = "训练中问过的事实上的精确匹配"
"""
SOURCES = Path(__file__).parent.parent.parent.glob("[0-9]_*/notebooks/source/*.py")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "1_m" / "notebooks"
    (folder / "zh-CN").mkdir(parents=True)
    cell = {"outputs": [{"data": {MIME: DATA}}, {"name": "stdout", "text": "x"}]}
    notebook = json.dumps({"cells": [cell, {"cell_type": "markdown"}]})
    (folder / "sft_solution.ipynb").write_text(notebook)
    (folder / "zh-CN" / "sft_solution.ipynb").write_text(notebook)
    (folder / "source").mkdir()
    (folder / "source" / "sft.toml").write_text(NAMES, encoding="utf-8")
    return tmp_path


def fresh(root: Path, page: str) -> str:
    return pages.fresh(root, root / page, [], "v1")


def test_the_pages_hold_the_stored_numbers_and_nothing_typed(root):
    english, chinese = results.render(root), results.render(root, "zh-CN")
    row = (
        "| [1_m/sft](../1_m/notebooks/sft_solution.ipynb) | exact \\| match | 2% "
        "| 93% (89%–96%, n=200) | ≥ 90% | 61 | 1234 |"
    )
    assert row in english and english.count("1_m/sft]") == 2
    assert "../1_m/notebooks/zh-CN/sft_solution.ipynb" in chinese and "实测结果" in chinese


def test_the_benchmark_is_included(root):
    (root / "docs").mkdir()
    (root / "measured").mkdir()
    rows = [{"name": "TRL", "name_zh": "TRL 训练", "value": 5300.2, "unit": "tokens/s"}]
    (root / "measured/benchmark.json").write_text(json.dumps({"rows": rows}))
    assert "| TRL | 5,300 tokens/s |" in results.render(root)
    assert "| TRL 训练 |" in results.render(root, "zh-CN")
    (root / "measured/benchmark.json").write_text("{")
    with pytest.raises(CourseError, match="benchmark"):
        results.render(root)


def test_a_notebook_that_is_not_json_is_named(root):
    (root / "1_m/notebooks/dpo_solution.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(CourseError, match="1_m/notebooks/dpo_solution.ipynb is not a notebook"):
        results.reports(root)


# ---------------------------------------------------------------- blocks in lesson and module pages

PAGE = "# Lesson\n\n<!-- report:sft -->\nstale 12%\n<!-- /report -->\n\nEnd.\n"


def measured(root, folders=("", "zh-CN/"), **changes):
    cell = {"outputs": [{"data": {MIME: DATA | changes}}]}
    for folder in folders:
        file = root / f"1_m/notebooks/{folder}sft_solution.ipynb"
        file.write_text(json.dumps({"cells": [cell]}))


def test_a_chinese_page_shows_the_run_that_it_links_to(root):
    measured(root, folders=["zh-CN/"], seconds=77.0, peak_memory_mb=999)
    (root / "1_m/sft.md").write_text(PAGE, encoding="utf-8")
    (root / "1_m/sft.zh-CN.md").write_text(PAGE, encoding="utf-8")
    assert "61 s, 1234 MB" in fresh(root, "1_m/sft.md")
    assert "用时 77 秒，内存 999 MB" in fresh(root, "1_m/sft.zh-CN.md")
    assert "| 77 | 999 |" in results.render(root, "zh-CN")


def test_a_report_stands_in_lesson_and_module_pages_in_their_language(root):
    measured(
        root, metric="exact match on held-out facts", extra={"new_one": 3, "seen": 0.985, "n": 200}
    )
    names = ["1_m/README.md", "1_m/sft.md", "1_m/sft.zh-CN.md"]
    for page in names:
        (root / page).write_text(PAGE, encoding="utf-8")
    module, english, chinese = (fresh(root, page) for page in names)
    assert module == english
    for row in (
        "| exact match on held-out facts: before | 2% |",
        "| exact match on held-out facts: after | 93% (95% interval 88.6% to 95.8%) |",
        "| bar that the notebook must reach | ≥ 90% |",
        "| exact match on facts asked in training | 98.5% |",
        "| new one | 3 |",  # no name yet: its keyword
        "[solution notebook](notebooks/sft_solution.ipynb)",
        "profile `tiny`, seed 42, 61 s, 1234 MB",
    ):
        assert row in english
    for row in (
        "| 留出事实上的精确匹配：之后 | 93%（95% 置信区间 88.6% 到 95.8%） |",
        "| 训练中问过的事实上的精确匹配 | 98.5% |",
        "[答案 notebook](notebooks/zh-CN/sft_solution.ipynb)",
    ):
        assert row in chinese
    assert "| 留出事实上的精确匹配 | 2% |" in results.render(root, "zh-CN")
    assert english.index("(n)") < english.index("in training") < english.index("new one")
    for text in (english, chinese):
        assert text.startswith("# Lesson\n\n<!-- report:sft -->\n\n| ") and "stale" not in text
        assert text.endswith("\n\n<!-- /report -->\n\nEnd.\n")
    (root / names[1]).write_text(english, encoding="utf-8")
    assert fresh(root, names[1]) == english


def test_what_was_not_measured_is_said_and_a_tolerance_is_no_share(root):
    (root / "1_m/sft.md").write_text(PAGE)
    (root / "1_m/notebooks/sft_solution.ipynb").write_text('{"cells": []}')
    assert "has not stored a report yet" in fresh(root, "1_m/sft.md")
    measured(
        root,
        before=None,
        after=3e-7,
        bar=1e-5,
        higher_is_better=False,
        extra={"n": 9, "seen": None},
    )
    text = fresh(root, "1_m/sft.md")
    assert "| ≤ 1e-05 |" in text and "before" not in text and "| – |" in text


def test_a_marker_of_no_notebook_or_without_an_end_is_one_sentence(root):
    page = root / "1_m/sft.md"
    page.write_text(PAGE.replace("report:sft", "report:sfft"))
    with pytest.raises(CourseError, match=r"^1_m/sft.md shows the report of 'sfft', but no"):
        fresh(root, "1_m/sft.md")
    page.write_text(PAGE.replace("<!-- /report -->", ""))
    with pytest.raises(CourseError, match=r"^1_m/sft.md has a marker of a generated block"):
        fresh(root, "1_m/sft.md")


@pytest.mark.parametrize("source", sorted(SOURCES), ids=lambda path: path.stem)
def test_every_reported_number_has_a_name_in_both_languages_and_no_other(source):
    """Names are written in the TOML beside the source."""
    named = read_texts(source.with_suffix(".toml"))["report"]
    cells = jupytext.read(source).cells
    code = "\n".join(cell.source for cell in cells if "course.report(" in cell.source)
    calls = [
        call
        for call in ast.walk(ast.parse(code))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "course.report"
    ]
    metrics = {ast.literal_eval(call.args[0]) for call in calls}
    general = {"metric", "before", "after", "bar", "higher_is_better", "unit", "n"}
    extra = {keyword.arg for call in calls for keyword in call.keywords} - general
    assert set(named["metric"]) == metrics and set(named["extra"]) == extra
    assert all("zh-CN" in texts for texts in named["metric"].values())
    assert all({"en", "zh-CN"} <= set(texts) for texts in named["extra"].values())


def test_a_tenth_of_a_megabyte_is_no_share():
    assert extra_text(0.1, "optimizer_mb_adafactor") == "0.1"
    assert extra_text(0.1, "chance") == "10%"
