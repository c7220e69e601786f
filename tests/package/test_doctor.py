"""The doctor ticks what is fine and says what to do about the rest."""

import json
import shutil
from collections import namedtuple

import pytest

from smolcourse.programs import doctor


def test_every_step_gives_one_finding_and_never_raises(checkpoints):
    findings = doctor.examine()
    assert [f.name for f in findings] == [
        "Python", "git", "uv", "packages", "disk", "memory", "accelerator", "checkpoints",
        "Jupyter kernel", "folders", "runs", "uv.lock", "proxy", "console", "time limit",
    ]  # fmt: skip
    for finding in findings:
        assert finding.ok or finding.advice, finding
        assert "\n" not in finding.detail + finding.advice


def test_a_step_that_falls_over_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "disk", lambda: 1 / 0)
    finding = next(f for f in doctor.examine() if f.name == "disk")
    assert not finding.ok and not finding.blocking and "ZeroDivisionError" in finding.detail


def test_an_old_python_blocks(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 2))
    finding = doctor.python()
    assert finding.blocking and "3.11" in finding.advice


def test_a_python_that_compiles_everything_each_time_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.sys, "dont_write_bytecode", True)
    monkeypatch.setattr(doctor.sys, "pycache_prefix", str(tmp_path))
    finding = doctor.python()
    assert not finding.ok and not finding.blocking
    assert "PYTHONDONTWRITEBYTECODE" in finding.advice
    monkeypatch.setattr(doctor.sys, "dont_write_bytecode", False)
    assert doctor.python().ok


@pytest.mark.parametrize("step", [doctor.git, doctor.uv])
def test_a_missing_program_is_told_and_does_not_block(monkeypatch, step):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    finding = step()
    assert not finding.ok and not finding.blocking and finding.detail == "not found"


def test_packages_other_than_locked_are_told(monkeypatch):
    monkeypatch.setattr(doctor, "locked_versions", lambda: {"rich": {"0.1"}})
    finding = doctor.packages()
    assert not finding.ok and not finding.blocking and "rich" in finding.detail


def test_a_missing_package_blocks(monkeypatch):
    installed = doctor.installed_version
    monkeypatch.setattr(doctor, "installed_version", lambda n: None if n == "trl" else installed(n))
    finding = doctor.packages()
    assert finding.blocking and "missing: trl" in finding.detail and "uv sync" in finding.advice


def test_the_lock_file_is_read():
    if not doctor.locked_versions():
        pytest.skip("no lock file here: an installed wheel")
    assert "torch" in doctor.locked_versions()


def test_little_disk_is_told_and_none_blocks(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**10, 0, 10**9))
    assert not doctor.disk().ok and not doctor.disk().blocking
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**10, 0, 10**7))
    assert doctor.disk().blocking


def test_a_half_downloaded_checkpoint_blocks(checkpoints):
    assert doctor.checkpoints().ok
    file = checkpoints / "smollm2-tiny" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    finding = doctor.checkpoints()
    assert finding.blocking and "smollm2-tiny: model.safetensors is damaged" in finding.detail
    shutil.rmtree(checkpoints / "smollm2-tiny-instruct")
    assert "smollm2-tiny-instruct: missing" in doctor.checkpoints().detail


def test_the_command_exits_by_what_blocks(run_cli, checkpoints):
    code, out, _ = run_cli("doctor", "--json")
    report = json.loads(out)
    assert code == (0 if report["ok"] else 1)
    (checkpoints / "smollm2-tiny" / "config.json").unlink()
    code, out, err = run_cli("doctor")
    assert code == 1 and "config.json is missing" in out and "git checkout" in out
    assert "Traceback" not in out + err
