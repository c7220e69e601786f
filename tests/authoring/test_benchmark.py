"""The benchmark compares like with like, and its file is what the results page reads."""

import json

import pytest
import small

from smolcourse.authoring import benchmark as bench
from smolcourse.authoring import results, two_at_once
from smolcourse.errors import CourseError
from smolcourse.report import MIME


@pytest.fixture(scope="module")
def load():
    return bench.workload(small.model(), small.tokenizer(), 3, 4, 1e-2)


def test_both_loops_do_the_same_work(load):
    before = {name: value.clone() for name, value in load.model.state_dict().items()}
    seconds, trl = bench.run_trl(load, log_every=1)
    bare_seconds, bare = bench.run_bare(load)
    assert len(trl) == len(bare) == load.steps == bench.WARM_UP + 3
    assert trl == pytest.approx(bare, abs=1e-4)
    assert trl[-1] < trl[0] - 0.05  # it learns, so later losses depend on every step before
    assert seconds > 0 and bare_seconds > 0
    for name, value in load.model.state_dict().items():
        assert value.equal(before[name]), name


def test_the_rows_are_lessons_rows(load):
    assert len(load.rows) == (bench.WARM_UP + 3) * 4
    for row in load.rows:
        assert len(row["input_ids"]) == len(row["labels"])
        answer = [t for t in row["labels"] if t != -100]
        assert answer[-1] == 2 and row["labels"][0] == -100
    assert load.positions() == sum(b["input_ids"].numel() for b in load.batches[bench.WARM_UP :])


def test_measured_numbers_fit_together(load, monkeypatch):
    monkeypatch.setattr(bench, "gemm_flops", lambda device: 1e9)
    measured = bench.measure(load, repeats=1)
    assert measured["trl_to_bare"] == pytest.approx(measured["trl"] / measured["bare"])
    parameters = sum(p.numel() for p in load.model.parameters())
    assert measured["bare_to_gemm"] == pytest.approx(6 * parameters * measured["bare"] / 1e9)
    assert 0.02 < measured["products"] < 0.98
    *rows, share = bench.table(measured)
    for row in rows:
        assert set(row) == {"name", "name_zh", "value", "unit"} and row["value"] > 0
    assert share["value"] == f"{measured['products']:.0%}"
    assert bench.table(measured | {"products": None}) == rows  # a GPU's time is not its CPU's


def test_gemm_and_the_set_up_cell_are_measured():
    assert 1e7 < bench.gemm_flops(size=128, repeats=2) < 1e15
    assert 0.3 < bench.setup_seconds(repeats=1) < 60  # torch alone takes longer than that


def notebook(folder, seconds):
    report = {"seconds": seconds, "sections": {"import": 8.2, "train": 40.0, "other": 3.0}}
    cells = [{"outputs": [{"data": {MIME: report}}]}]
    folder.mkdir(parents=True)
    (folder / "sft_solution.ipynb").write_text(json.dumps({"cells": cells}))


def test_the_file_is_what_the_results_page_reads(tmp_path, monkeypatch, run_cli):
    notebook(tmp_path / "1_m" / "notebooks", 61.4)
    model = small.model()
    model.save_pretrained(tmp_path / "model")
    small.tokenizer().save_pretrained(tmp_path / "model")
    monkeypatch.setattr("smolcourse.places.repository", lambda: tmp_path)
    monkeypatch.setattr(bench, "gemm_flops", lambda device: 1e9)
    monkeypatch.setattr(bench, "setup_seconds", lambda: 2.05)
    step_times = iter([{1: 200.0, 2: 900.0}, {1: 200.0, 2: 420.0}, {1: 200.0, 2: 390.0}])
    monkeypatch.setattr(
        two_at_once, "measure", lambda ways, checkpoint: {two_at_once.COURSE: next(step_times)}
    )
    out = tmp_path / "measured" / "benchmark.json"
    arguments = ["--out", str(out), "--checkpoint", str(tmp_path / "model")]
    code, printed, _ = run_cli("benchmark", *arguments, "--steps", "1", "--repeats", "3")
    assert code == 0 and f"written to {out}" in printed
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["rows"][-1]["value"] == "8 / 40 / 0 / 61" and "torch" in written["machine"]
    (tmp_path / "1_m" / "notebooks" / "sft_solution.ipynb").unlink()
    english, chinese = results.render(tmp_path), results.render(tmp_path, "zh-CN")
    assert "| TRL / bare loop (aim: at least 0.8) |" in english
    assert "| Two at once / one (aim: at most 2.5) | 2.1 |" in english  # the median of three runs
    assert "| 1_m/sft: import / train / generate / whole | 8 / 40 / 0 / 61 s |" in english
    assert (
        "| A notebook's set-up cell: imports and setup() | 2.05 s |" in english
        and "纯循环" in chinese
    )


def test_an_unknown_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="no-such-model"):
        bench.run(tmp_path / "b.json", "no-such-model", 1, 1)
    assert not (tmp_path / "b.json").exists()


def test_a_run_has_steps(tmp_path, run_cli):
    code, printed, error = run_cli("benchmark", "--steps", "0", "--out", str(tmp_path / "b.json"))
    assert code == 2 and "--steps" in error and not printed
    assert not (tmp_path / "b.json").exists()


def test_a_damaged_checkpoint_is_one_sentence(checkpoints, tmp_path):
    (checkpoints / "smollm2-tiny" / "model.safetensors").write_bytes(b"half")
    with pytest.raises(CourseError, match="can't be used"):
        bench.run(tmp_path / "b.json", "smollm2-tiny", 1, 1)


def test_an_unwritable_file_is_one_sentence(load, tmp_path, monkeypatch):
    from smolcourse import models

    monkeypatch.setattr(models, "load_model", lambda *_: load.model)
    monkeypatch.setattr(models, "load_tokenizer", lambda *_: load.tokenizer)
    monkeypatch.setattr(bench, "measure", lambda *_: dict.fromkeys(
        ("trl", "bare", "trl_to_bare", "gemm", "bare_to_gemm"), 1.0))  # fmt: skip
    monkeypatch.setattr(bench, "setup_seconds", lambda: 2.05)
    monkeypatch.setattr(two_at_once, "measure", lambda *_, **__: {two_at_once.COURSE: {1: 1, 2: 2}})
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="choose another --out"):
        bench.run(tmp_path / "file" / "b.json", "smollm2-tiny", 1, 1)


def test_notebooks_are_optional(tmp_path):
    assert bench.notebook_rows(None) == bench.notebook_rows(tmp_path) == []
    (tmp_path / "1_m" / "notebooks").mkdir(parents=True)
    (tmp_path / "1_m" / "notebooks" / "x_solution.ipynb").write_text("<<<")
    with pytest.raises(CourseError, match="not a notebook"):
        bench.notebook_rows(tmp_path)
