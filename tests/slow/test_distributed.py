"""The training scripts under `accelerate launch` with two CPU processes, against one process.

Tolerance: both runs see the same rows in the same order, so their losses can differ by the order
of float32 sums only. In six updates that came to at most 1e-6 of the loss. 1e-4 leaves room for
other processors, and is far below what a mistake does: a mean of the processes' means is tested
here and is off by several percent.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent.parent / "3_parameter_efficient_finetuning" / "distributed"
SAME = 1e-4  # of the loss
STEPS, BATCH, ROWS = 6, 8, 32


LAUNCH = [
    sys.executable,
    "-m",
    "accelerate.commands.launch",
    "--config_file",
    str(FOLDER / "cpu2.yaml"),
]


def run(command: list[str]) -> subprocess.CompletedProcess:
    """Run a command with one thread a process; in a session of its own, so that none is left over."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "SMOLCOURSE_DEVICE": "cpu"}
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT", "MASTER_ADDR"):
        environment.pop(name, None)
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        text, _ = process.communicate(timeout=240)  # a busy machine; 10 to 30 s otherwise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, process.returncode, text)


def start(
    script: str, output: Path, *options: str, processes: int = 1
) -> subprocess.CompletedProcess:
    command = [*(LAUNCH if processes > 1 else [sys.executable]), str(FOLDER / script)]
    command += ["--output", str(output), "--steps", str(STEPS), "--rows", str(ROWS)]
    return run([*command, "--global-batch", str(BATCH), *options])


def losses(output: Path) -> list[float]:
    steps, values = zip(*json.loads((output / "losses.json").read_text()), strict=True)
    assert steps == tuple(range(1, STEPS + 1))
    return list(values)


def trained(script: str, output: Path, *options: str, processes: int = 1) -> list[float]:
    done = start(script, output, *options, processes=processes)
    assert done.returncode == 0, done.stdout[-3000:]
    return losses(output)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory) -> list[float]:
    """The uninterrupted SFT run on two processes."""
    return trained("train_sft.py", tmp_path_factory.mktemp("two"), processes=2)


def test_sft_on_two_processes_is_sft_on_one(tmp_path, two_processes):
    one = trained("train_sft.py", tmp_path / "one")
    assert two_processes == pytest.approx(one, rel=SAME)
    assert one[-1] < 0.7 * one[0]  # it trains: equal losses of a standstill would prove little


MEAN_OF_MEANS = """
import runpy, sys
from smolcourse.topics import distributed
right = distributed.trainer_settings
distributed.trainer_settings = lambda *a: right(*a) | {"average_tokens_across_devices": False}
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_mean_of_means_would_be_seen(tmp_path, two_processes):
    (tmp_path / "mistake.py").write_text(MEAN_OF_MEANS, encoding="utf-8")
    options = ["--output", str(tmp_path), "--steps", str(STEPS), "--rows", str(ROWS)]
    script = [str(tmp_path / "mistake.py"), str(FOLDER / "train_sft.py")]
    done = run([*LAUNCH, *script, *options, "--global-batch", str(BATCH)])
    assert done.returncode == 0, done.stdout[-3000:]
    off = [abs(a / b - 1) for a, b in zip(losses(tmp_path), two_processes, strict=True)]
    assert max(off) > 10 * SAME, off


def test_accumulated_passes_are_one_batch(tmp_path, two_processes):
    accumulated = trained("train_sft.py", tmp_path / "one", "--accumulate", "4")
    assert two_processes == pytest.approx(accumulated, rel=SAME)


def test_lora_with_checkpointing_on_two_processes_is_lora_on_one(tmp_path):
    one = trained("train_sft.py", tmp_path / "one", "--lora")
    two = trained("train_sft.py", tmp_path / "two", "--lora", "--checkpointing", processes=2)
    assert two == pytest.approx(one, rel=SAME)
    assert one[-1] < one[0]


def test_qlora_on_two_processes_is_qlora_on_one(tmp_path):
    pytest.importorskip("bitsandbytes", reason="optional: uv sync --extra qlora")
    options = ("--qlora", "--learning-rate", "2e-3")
    one = trained("train_sft.py", tmp_path / "one", *options)
    two = trained("train_sft.py", tmp_path / "two", *options, processes=2)
    assert two == pytest.approx(one, rel=SAME)
    assert one[-1] < one[0]


def test_dpo_on_two_processes_is_dpo_on_one(tmp_path):
    one = trained("train_dpo.py", tmp_path / "one")
    two = trained("train_dpo.py", tmp_path / "two", processes=2)
    assert two == pytest.approx(one, rel=SAME)
    assert one[0] == pytest.approx(0.6931, abs=1e-3)  # log 2: policy and reference are equal
    assert one[-1] < one[0]


def test_a_killed_worker_stops_the_launch_and_a_relaunch_ends_where_it_would_have(
    tmp_path, two_processes
):
    again = ["--save-steps", "2", "--resume", "--crash-at", "5"]  # the same command both times
    began = time.monotonic()
    crashed = start("train_sft.py", tmp_path, *again, processes=2)
    assert crashed.returncode != 0 and "starts from the beginning" in crashed.stdout
    assert "SIGKILL" in crashed.stdout, crashed.stdout[-3000:]
    assert time.monotonic() - began < 200  # the other worker did not wait for the dead one for ever
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-4"]  # fmt: skip
    assert not (tmp_path / "losses.json").exists()

    (tmp_path / "checkpoint-6").mkdir()  # half a checkpoint: a worker died while it was written
    resumed = start("train_sft.py", tmp_path, *again, processes=2)
    assert resumed.returncode == 0, resumed.stdout[-3000:]
    assert "resumes from checkpoint-4" in resumed.stdout
    assert losses(tmp_path) == pytest.approx(two_processes, rel=1e-6)


def test_fsdp_keeps_a_part_of_weights_gradients_and_states_in_each_process():
    shown = run([*LAUNCH, str(FOLDER / "show_sharding.py")])
    assert shown.returncode == 0, shown.stdout[-3000:]
    found = re.findall(
        r"process (\d) of 2: ([\d.]+)% .* ([\d.]+)% gradients, ([\d.]+)%", shown.stdout
    )
    assert sorted(rank for rank, *_ in found) == ["0", "1"], shown.stdout[-3000:]
    for part, whole in ((1, 100), (2, 100), (3, 200)):  # AdamW's states are twice the weights
        shares = [float(line[part]) for line in found]
        assert sum(shares) == pytest.approx(whole, abs=0.3)
        assert max(shares) < 0.55 * whole
