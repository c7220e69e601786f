"""setup, the profile table, the device rule, the report."""

import json
import os
import subprocess
import sys

import pytest

import smolcourse
from smolcourse import clock, machine, profiles, verdicts
from smolcourse import report as reporting
from smolcourse.errors import CourseError

NOTEBOOK = "1_instruction_tuning/chat_templates"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder, outside the repository, as on Colab."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_importing_the_package_is_cheap():
    code = (
        "import sys, time; t = time.perf_counter(); import smolcourse; "
        "print(time.perf_counter() - t); "
        "print([m for m in ('torch', 'transformers', 'datasets', 'matplotlib', 'rich') "
        "if m in sys.modules])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    seconds, heavy = done.stdout.splitlines()
    assert float(seconds) < 0.3 and heavy == "[]"


def test_names_are_there_and_others_are_not():
    assert callable(smolcourse.setup) and smolcourse.metrics.interval
    assert isinstance(smolcourse.__version__, str)
    assert "setup" in dir(smolcourse)
    with pytest.raises(AttributeError):
        smolcourse.no_such_name  # noqa: B018


def test_check_is_a_function_however_it_was_imported():
    from smolcourse import check
    from smolcourse.checks.core.check import check as same

    assert check is same is smolcourse.check


def test_setup_prints_a_stable_line_and_seeds(here, capsys):
    import random

    import torch

    made = smolcourse.setup(NOTEBOOK)
    first = random.random(), torch.rand(1).item()
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "profile tiny · model smollm2-tiny · seed 42"
    assert out[1].startswith("device: ") and len(out) == 2
    smolcourse.setup(NOTEBOOK)
    assert (random.random(), torch.rand(1).item()) == first
    assert (made.profile, made.seed, made.lang) == ("tiny", 42, "en")
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_setup_goes_offline_even_if_the_hub_was_imported_first(here):
    code = (
        "import huggingface_hub, datasets; from smolcourse import setup; setup('m/t'); "
        "from huggingface_hub import constants; "
        "print(constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE)"
    )
    environment = {k: v for k, v in os.environ.items() if "OFFLINE" not in k}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "True True", done.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"profile": "huge"}, "use one of: tiny, smol"),
        ({"seed": -1}, "whole number"),
        ({"seed": "x"}, "whole number"),
    ],
)
def test_setup_refuses_in_one_sentence(here, arguments, part):
    with pytest.raises(CourseError, match=part):
        smolcourse.setup(NOTEBOOK, **arguments)


def test_the_environment_chooses_profile_size_and_device(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_PROFILE", "smol")
    monkeypatch.setenv("SMOLCOURSE_SIZE", "360M")
    assert profiles.get().model("instruct").hub == "HuggingFaceTB/SmolLM2-360M-Instruct"
    monkeypatch.setenv("SMOLCOURSE_SIZE", "7B")
    with pytest.raises(CourseError, match="135M, 360M, 1.7B"):
        profiles.get()
    monkeypatch.setenv("SMOLCOURSE_PROFILE", "nope")
    with pytest.raises(CourseError, match="no profile named 'nope'"):
        profiles.get()
    monkeypatch.setenv("SMOLCOURSE_DEVICE", "tpu")
    with pytest.raises(CourseError, match="no device named 'tpu'"):
        machine.pick_device()


def test_both_profiles_know_the_same_roles():
    tiny, smol = profiles.get("tiny"), profiles.get("smol")
    assert set(tiny.models) == set(smol.models) == {"base", "instruct", "vlm"}
    assert all(source.columns and source.splits for source in smol.datasets.values())


@pytest.mark.parametrize(
    ("cuda", "bf16", "mps", "expected"),
    [
        (True, True, False, ("cuda", True)),
        (True, False, True, ("cuda", False)),
        (False, True, True, ("mps", False)),
        (False, False, False, ("cpu", False)),
    ],
)
def test_the_device_rule(monkeypatch, cuda, bf16, mps, expected):
    import torch

    monkeypatch.delenv("SMOLCOURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bf16)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(machine, "unusable_gpu", lambda: "")
    assert machine.pick_device() == expected


def test_course_gives_models_and_refuses_others(here, checkpoints, capsys):
    made = smolcourse.setup(NOTEBOOK)
    model = made.model("instruct")
    assert model.device.type == made.device and model.dtype == made.dtype
    assert made.model("base") is not made.model("base")
    assert made.model_id("base").endswith("smollm2-tiny")
    for call, part in (
        (lambda: made.model("teacher"), "no model role named 'teacher'"),
        (lambda: made.model("vlm"), "course.vlm"),
    ):
        with pytest.raises(CourseError, match=part):
            call()


@pytest.mark.parametrize(
    ("size", "bf16", "expected"),
    [("1.7B", True, "bfloat16"), ("1.7B", False, "float32"), ("360M", True, "float32")],
)
def test_only_the_largest_model_has_half_weights_and_only_with_bf16(size, bf16, expected):
    import torch

    made = smolcourse.Course(NOTEBOOK, profiles.smol(size), seed=1)
    made.bf16 = bf16
    assert made.dtype == getattr(torch, expected)


def test_a_course_keeps_its_profile_whatever_the_environment_says_later(
    here, checkpoints, capsys, monkeypatch
):
    from smolcourse.topics import distributed

    made = smolcourse.setup(NOTEBOOK)
    monkeypatch.setenv("SMOLCOURSE_PROFILE", "nope")
    monkeypatch.setattr(profiles, "get", None)  # looking it up by name again would fail
    assert len(made.dataset("stories", "test")) == 500
    assert made.source("instruct").name == "smollm2-tiny-instruct"
    assert distributed.model(made, "base").device.type == "cpu"


def test_run_folders_are_fresh_and_ignored_by_git(here, capsys):
    first, second = (smolcourse.setup(NOTEBOOK).run_dir for _ in range(2))
    assert first.is_dir() and second.is_dir() and first != second
    assert first.parent == here / "runs" / NOTEBOOK
    assert (here / "runs" / ".gitignore").read_text() == "*\n"


def test_no_disk_space_for_a_run_folder_is_one_sentence(here, monkeypatch, capsys):
    from pathlib import Path

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(CourseError, match="No space left on device.*free some disk space"):
        smolcourse.setup(NOTEBOOK).run_dir  # noqa: B018


def test_the_report_measures_shows_and_stores(here, capsys, monkeypatch):
    monkeypatch.setattr(reporting, "enforced", lambda: True)
    made = smolcourse.setup(NOTEBOOK)
    with made.timed("train"), made.timed("generate"):
        pass
    made.report("exact match", 0.02, 0.93, bar=0.9, n=200, model="tiny")
    data = made.last_report
    assert data["met"] and data["interval"] == pytest.approx([0.8859, 0.9578], abs=1e-4)
    assert {"import", "train", "generate", "other"} <= set(data["sections"])
    assert 50 < data["peak_memory_mb"] < 20_000
    assert json.loads(json.dumps(data)) == data
    text = capsys.readouterr().out
    assert "93%" in text and "≥ 90%: met" in text and "n=200" in text


@pytest.mark.parametrize(
    ("after", "bar", "higher", "met"),
    [
        (0.9, 0.9, True, True),
        (0.89, 0.9, True, False),
        (1e-6, 1e-5, False, True),
        (2e-5, 1e-5, False, False),
        (float("nan"), 0.5, True, False),
    ],
)
def test_a_missed_bar_fails(here, capsys, monkeypatch, after, bar, higher, met):
    monkeypatch.setattr(reporting, "enforced", lambda: True)
    made = smolcourse.setup(NOTEBOOK)
    if met:
        made.report("m", None, after, bar, higher)
    else:
        with pytest.raises(CourseError, match="The bar was missed"):
            made.report("m", None, after, bar, higher)


def test_unsolved_checks_and_exercises_report_without_failing(here, capsys, monkeypatch):
    made = smolcourse.setup(NOTEBOOK)
    monkeypatch.setattr(verdicts, "RESULTS", {"a.b": "correct", "a.c": "not_attempted"})
    made.report("m", 0.0, 0.1, 0.9)
    assert not made.last_report["enforced"] and not made.last_report["met"]
    monkeypatch.setattr(verdicts, "RESULTS", {"a.b": "correct"})
    monkeypatch.setenv("SMOLCOURSE_NOTEBOOK", "m/chat_templates_exercise.ipynb")
    made.report("m", 0.0, 0.1, 0.9)
    monkeypatch.setenv("SMOLCOURSE_NOTEBOOK", "m/chat_templates_solution.ipynb")
    with pytest.raises(CourseError):
        made.report("m", 0.0, 0.1, 0.9)


def test_the_report_speaks_chinese_in_a_chinese_notebook(here, capsys, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    smolcourse.setup(NOTEBOOK).report("m", 0.0, 0.95, 0.9, n=100)
    assert "≥ 90%: 达标" in capsys.readouterr().out
    assert reporting.LABELS["en"].keys() == reporting.LABELS["zh-CN"].keys()


def test_the_report_refuses_what_is_no_number(here, capsys):
    with pytest.raises(CourseError, match="number for 'after'"):
        smolcourse.setup(NOTEBOOK).report("m", 0, "good", 1)


def test_inner_time_counts_once(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])
    ticking = clock.Clock()
    with ticking.timed("train"):
        now[0] += 5
        with ticking.timed("generate"):
            now[0] += 2
    ticking.pause()
    now[0] += 100  # a learner reads
    ticking.resume()
    now[0] += 1
    assert ticking.seconds == {"train": 5, "generate": 2} and ticking.total() == 8


def test_peak_memory_grows_with_what_is_held():
    before = machine.peak_memory_mb()
    held = bytearray(int((before + 100) * 1e6))
    assert machine.peak_memory_mb() > before + 50
    del held


def test_quick_budgets_shrink_what_costs_time_and_nothing_else(monkeypatch):
    assert profiles.quick("sft_steps", 100) == 100
    monkeypatch.setenv("SMOLCOURSE_QUICK", "0")
    assert profiles.quick("sft_steps", 100) == 100
    monkeypatch.setenv("SMOLCOURSE_QUICK", "1")
    assert profiles.quick("sft_steps", 100) == profiles.quick("steps", 100) == 10
    assert profiles.quick("dpo_swap_steps", 15) == 5 and profiles.quick("steps", 4) == 4
    assert profiles.quick("steps", 500) == 50
    assert profiles.quick("train_rows", 3000) == 300
    assert profiles.quick("eval_rows", 200) == 32 and profiles.quick("resources_rows", 16) == 16
    assert profiles.quick("dpo_test_pairs", 300) == 32 and profiles.quick("test", 200) == 64
    unchanged = {"sft_batch": 32, "sft_lr": 1e-3, "max_length": 128, "dpo_alarm_drop": 0.5}
    assert {name: profiles.quick(name, value) for name, value in unchanged.items()} == unchanged


def test_a_quick_test_asks_a_part_of_the_questions(monkeypatch):
    course = smolcourse.setup(NOTEBOOK)
    asked, taught = len(course.dataset("facts", "test")), len(course.dataset("facts"))
    monkeypatch.setenv("SMOLCOURSE_QUICK", "1")
    assert len(course.dataset("facts", "test")) == 64 < asked
    assert len(course.dataset("facts")) == taught
