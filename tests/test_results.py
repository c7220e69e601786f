"""The results pages are generated from what notebooks stored, and only from that."""

import json

import pytest

from smolcourse import results
from smolcourse.errors import CourseError
from smolcourse.reporting import MIME

DATA = {
    "version": 1, "notebook": "1_m/sft", "metric": "exact | match", "before": 0.02,
    "after": 0.93, "bar": 0.9, "higher_is_better": True, "met": True, "seconds": 61.4,
    "sections": {"import": 8.0, "train": 40.0, "generate": 10.0, "other": 3.4},
    "peak_memory_mb": 1234, "extra": {"n": 200}, "interval": [0.886, 0.958],
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "1_m" / "notebooks"
    (folder / "zh-CN").mkdir(parents=True)
    cell = {"outputs": [{"data": {MIME: DATA}}, {"name": "stdout", "text": "x"}]}
    notebook = json.dumps({"cells": [cell, {"cell_type": "markdown"}]})
    (folder / "sft_solution.ipynb").write_text(notebook)
    (folder / "zh-CN" / "sft_solution.ipynb").write_text(notebook)
    return tmp_path


def test_the_pages_hold_the_stored_numbers_and_nothing_typed(root):
    assert results.write(root) == ["docs/results.md", "docs/results.zh-CN.md"]
    english = (root / "docs/results.md").read_text()
    row = (
        "| [1_m/sft](../1_m/notebooks/sft_solution.ipynb) | exact \\| match | 2% "
        "| 93% (89%–96%, n=200) | ≥ 90% | 61 | 1234 |"
    )
    assert row in english and english.count("1_m/sft]") == 2
    chinese = (root / "docs/results.zh-CN.md").read_text()
    assert "../1_m/notebooks/zh-CN/sft_solution.ipynb" in chinese and "实测结果" in chinese
    assert results.write(root) == []


def test_check_only_compares(root):
    results.write(root)
    page = root / "docs/results.md"
    page.write_text(page.read_text().replace("93%", "99%"))
    assert results.write(root, check=True) == ["docs/results.md"]
    assert "99%" in page.read_text()


def test_the_benchmark_is_included(root):
    (root / "docs").mkdir()
    rows = [{"name": "TRL", "name_zh": "TRL 训练", "value": 5300.2, "unit": "tokens/s"}]
    (root / "docs/benchmark.json").write_text(json.dumps({"rows": rows}))
    assert "| TRL | 5,300 tokens/s |" in results.render(root)
    assert "| TRL 训练 |" in results.render(root, "zh-CN")
    (root / "docs/benchmark.json").write_text("{")
    with pytest.raises(CourseError, match="benchmark"):
        results.render(root)


def test_a_notebook_that_is_not_json_is_named(root):
    (root / "1_m/notebooks/dpo_solution.ipynb").write_text("<<<<<<< HEAD")
    with pytest.raises(CourseError, match="1_m/notebooks/dpo_solution.ipynb is not a notebook"):
        results.reports(root)
