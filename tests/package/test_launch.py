"""What the distributed scripts share, and the launch configs; runs with processes: slow/."""

import json
from pathlib import Path

import pytest

from smolcourse.errors import CourseError
from smolcourse.topics import distributed

FOLDER = Path(__file__).parent.parent.parent / "3_parameter_efficient_finetuning" / "distributed"
CONFIGS = {"cpu2": ("MULTI_GPU", 2, "no"), "ddp": ("MULTI_GPU", 4, "bf16"), "fsdp2": ("FSDP", 4, "bf16")}  # fmt: skip


def launch(name, *more):
    """The arguments of `accelerate launch --config_file NAME train_sft.py`, as accelerate sees them."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    command = ["--config_file", str(FOLDER / f"{name}.yaml"), *more, "train_sft.py"]
    return _validate_launch_command(launch_command_parser().parse_args(command))[0]


def test_every_config_is_tested():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(CONFIGS)


@pytest.mark.parametrize("name", CONFIGS)
def test_accelerate_reads_a_config(name):
    from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file

    kind, processes, precision = CONFIGS[name]
    config = load_config_from_file(str(FOLDER / f"{name}.yaml"))  # refuses unknown keys
    assert isinstance(config, ClusterConfig)
    got = (config.distributed_type.value, config.num_processes, config.mixed_precision)
    assert got == (kind, processes, precision)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_launcher_starts_that_many_processes(name):
    from accelerate.utils.launch import prepare_multi_gpu_env

    arguments = launch(name)
    assert arguments.multi_gpu or arguments.use_fsdp  # else a single process is started
    environment = prepare_multi_gpu_env(arguments)
    assert arguments.nproc_per_node == str(CONFIGS[name][1])
    assert environment["ACCELERATE_MIXED_PRECISION"] == CONFIGS[name][2]


def test_plain_cpu_in_accelerate_would_start_one_process():
    """Why cpu2.yaml says MULTI_GPU; if this fails, accelerate has improved and it can say MULTI_CPU."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_simple_launcher_cmd_env

    command = ["--cpu", "--num_processes", "2", "train_sft.py"]
    arguments = _validate_launch_command(launch_command_parser().parse_args(command))[0]
    assert not arguments.multi_gpu
    started, _ = prepare_simple_launcher_cmd_env(arguments)
    assert started[1:] == ["train_sft.py"]


def test_the_fsdp_config_means_what_the_lesson_says(monkeypatch):
    from accelerate.utils import FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_multi_gpu_env

    for key, value in prepare_multi_gpu_env(launch("fsdp2")).items():
        monkeypatch.setenv(key, value)
    plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward is True
    assert plugin.transformer_cls_names_to_wrap == ["LlamaDecoderLayer"]
    assert plugin.state_dict_type.name == "SHARDED_STATE_DICT"
    assert not plugin.activation_checkpointing and plugin.cpu_ram_efficient_loading


def test_the_global_batch_does_not_depend_on_the_number_of_processes():
    for processes in (1, 2, 4, 8):
        for accumulate in (1, 2, 4):
            rows = distributed.per_device(32, accumulate, processes)
            assert rows * accumulate * processes == 32


@pytest.mark.parametrize("numbers", [(32, 3, 1), (8, 2, 8), (0, 1, 1), (8, 0, 1), (-8, 1, 2)])
def test_a_batch_that_cannot_be_shared_is_refused(numbers):
    with pytest.raises(CourseError, match="multiple of"):
        distributed.per_device(*numbers)


def checkpoint(top: Path, step: int, ranks: int = 2, without: str = "") -> Path:
    """A folder that looks like a trainer's checkpoint."""
    folder = top / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    states = ["rng_state.pth"] if ranks == 1 else [f"rng_state_{r}.pth" for r in range(ranks)]
    for name in ("model.safetensors", "optimizer.pt", "scheduler.pt", *states):
        (folder / name).write_bytes(b"x")
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    if without:
        (folder / without).unlink()
    return folder


def test_the_newest_checkpoint_is_taken(tmp_path):
    assert distributed.last_checkpoint(tmp_path / "none", 2) is None
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)  # by number, not by name: "9" comes after "10"
    (tmp_path / "checkpoint-old").mkdir()
    assert distributed.last_checkpoint(tmp_path, 2) == newest


@pytest.mark.parametrize(
    "missing", ["trainer_state.json", "model.safetensors", "optimizer.pt", "rng_state_1.pth"]
)
def test_half_a_checkpoint_is_passed_over(tmp_path, missing):
    whole = checkpoint(tmp_path, 2)
    checkpoint(tmp_path, 4, without=missing)
    assert distributed.last_checkpoint(tmp_path, 2) == whole


def test_a_state_file_that_was_cut_short_is_noticed(tmp_path):
    whole = checkpoint(tmp_path, 2, ranks=1)
    (checkpoint(tmp_path, 4, ranks=1) / "trainer_state.json").write_text('{"global_step": 4, "log')
    assert distributed.last_checkpoint(tmp_path) == whole


def test_the_scripts_explain_their_options(capsys):
    with pytest.raises(SystemExit):
        distributed.options("A script.").parse_args(["--help"])
    help_text = capsys.readouterr().out
    for option in ("--global-batch", "--accumulate", "--resume", "--qlora", "--crash-at"):
        assert option in help_text
