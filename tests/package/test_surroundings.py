"""What `lab` needs of a machine: proxies that can't be used, folders that can't be written, old cards."""

import os
import sys
from types import SimpleNamespace

import pytest

from smolcourse import machine, models, places, proxies
from smolcourse.errors import CourseError
from smolcourse.programs import doctor, lab


@pytest.fixture(params=["socks5://127.0.0.1:7890", "socks://127.0.0.1:7891/"])
def socks(request, monkeypatch):
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(proxies.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("all_proxy", request.param)


def test_a_socks_proxy_is_set_aside_for_lab_and_back_afterwards(socks):
    before = dict(os.environ)
    with proxies.set_aside():
        assert "all_proxy" not in os.environ
    assert dict(os.environ) == before


def test_the_hub_says_what_to_do_about_a_socks_proxy(socks, monkeypatch):
    with pytest.raises(CourseError, match="all_proxy=socks.*set HTTPS_PROXY"):
        models.resolve("someone/model")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:7890")
    assert models.resolve("someone/model")[0] == "someone/model"
    assert "all_proxy" not in os.environ


def test_the_doctor_has_a_line_for_a_socks_proxy(socks, monkeypatch):
    assert not doctor.proxy().ok and "all_proxy" in doctor.proxy().detail
    monkeypatch.delenv("all_proxy")
    assert doctor.proxy().ok


def test_loopback_needs_no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "")
    proxies.spare_loopback()
    assert os.environ["NO_PROXY"] == "intranet,localhost,127.0.0.1,::1"


def test_jupyter_gets_folders_that_can_be_written(tmp_path, monkeypatch):
    wall = tmp_path / "wall"
    wall.write_text("a file: nothing can be made below it, not even by root")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(wall / "below"))
    finding = doctor.folders()
    assert not finding.ok and not finding.blocking and str(wall) in finding.detail
    notes = lab.prepare(tmp_path, tmp_path / "state")
    assert len(notes) == 1 and str(wall) in notes[0]
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        assert places.writable(os.environ[name])
    assert lab.prepare(tmp_path, tmp_path / "state") == []
    state = places.state_folder(wall)
    assert places.writable(state) and wall not in state.parents
    assert "copy it" in lab.prepare(wall, tmp_path / "state")[0]


@pytest.mark.parametrize(
    ("capability", "built_for", "usable"),
    [
        ((8, 6), ["sm_80", "sm_90"], True),
        ((6, 1), ["sm_75", "sm_80", "compute_80"], False),
        ((12, 0), ["sm_80", "sm_90", "compute_90"], True),
        ((12, 0), ["sm_80", "sm_90"], False),
        ((10, 3), ["sm_100"], True),
        ((8, 0), ["sm_86"], False),
        ((9, 0), ["sm_90a"], True),
        ((12, 1), ["sm_120a", "compute_120a"], False),
        ((12, 1), ["sm_120f"], True),
        ((9, 4), ["gfx942"], True),
    ],
)
def test_whether_a_build_has_code_for_a_card(capability, built_for, usable):
    assert machine.has_kernels(capability, built_for) == usable


def test_a_card_without_kernels_is_left_for_the_cpu(monkeypatch, capsys):
    import torch

    monkeypatch.delenv("SMOLCOURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (5, 2))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "compute_90"])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Old Card")
    assert machine.pick_device()[0] == "cpu"
    with pytest.raises(CourseError, match="Old Card"):
        machine.pick_device("cuda")
    finding = doctor.accelerator()
    assert not finding.ok and not finding.blocking and "5.2" in finding.advice


def test_an_nvidia_card_beside_a_cpu_build_is_told(monkeypatch):
    import torch

    monkeypatch.delenv("SMOLCOURSE_DEVICE", raising=False)
    monkeypatch.setattr(doctor, "nvidia_card", lambda: "RTX 4060")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "RTX 4060" in doctor.unused_nvidia() and "--torch-backend auto" in doctor.unused_nvidia()
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "driver" in doctor.unused_nvidia()


def test_another_makers_accelerator_is_told(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name if name == "npu-smi" else None)
    assert "Ascend" in doctor.unused_other()


def test_large_runs_a_poor_console_and_no_signals_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "repository", lambda: tmp_path)
    assert doctor.runs().ok
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / "weights").open("wb") as file:
        file.truncate(2 * 10**9)  # sparse: takes no space
    assert not doctor.runs().ok and "2.0 GB" in doctor.runs().detail
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="cp1252"))
    assert not doctor.console().ok and "PYTHONUTF8" in doctor.console().advice
    monkeypatch.delattr(doctor.signal, "setitimer")
    assert not doctor.time_limit().ok
