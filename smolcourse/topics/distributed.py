"""What the training scripts of 3_parameter_efficient_finetuning/distributed share.

One script runs on one process or many: `accelerate launch` starts a copy of it for each, and the
copies find each other by environment variables (RANK, WORLD_SIZE). Here is what must then be done
right: a global batch that does not depend on the number of processes, a resume from a checkpoint
that was written to its end, and a drill that kills a worker.

Introduced in lesson 3_parameter_efficient_finetuning/resource_strategies.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
from pathlib import Path

from smolcourse.errors import CourseError

# Module 1's SFT, which these scripts take unless they are told otherwise.
RECIPE = {
    "tiny": {"lr": 1e-3, "max_length": 128},
    "smol": {"lr": {"135M": 3e-4, "360M": 2e-4, "1.7B": 1e-4}, "max_length": 1024},
}


def options(description: str) -> argparse.ArgumentParser:
    """The command line of both scripts."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of checkpoints and losses"
    )
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rows", type=int, default=None, help="use only the first rows")
    parser.add_argument(
        "--global-batch", type=int, default=32, help="rows of one update, all processes together"
    )
    parser.add_argument("--accumulate", type=int, default=1, help="passes before one update")
    parser.add_argument("--learning-rate", type=float, default=None)
    parser.add_argument(
        "--save-steps", type=int, default=0, help="a checkpoint after so many updates; 0: none"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest whole checkpoint in --output"
    )
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    parser.add_argument("--lora", action="store_true", help="train LoRA instead of all weights")
    parser.add_argument(
        "--qlora", action="store_true", help="LoRA on a 4-bit base (uv sync --extra qlora)"
    )
    parser.add_argument(
        "--crash-at",
        type=int,
        default=0,
        help="drill: the last worker kills itself after this update",
    )
    return parser  # fmt: skip


def world() -> tuple[int, int]:
    """(rank, number of processes) as the launcher set them; (0, 1) without one."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def per_device(global_batch: int, accumulate: int, processes: int) -> int:
    """Rows of one pass of one process, so that an update sees `global_batch` rows in any case.

    >>> per_device(32, accumulate=2, processes=4)
    4

    Raises `CourseError` if the rows can't be shared out evenly.
    """
    if min(global_batch, accumulate, processes) < 1 or global_batch % (accumulate * processes):
        raise CourseError(
            "A global batch of {global_batch} can't be shared by {processes} processes with {accumulate} passes each; choose a multiple of {processes_}.",
            global_batch=global_batch,
            processes=processes,
            accumulate=accumulate,
            processes_=accumulate * processes,
        )
    return global_batch // (accumulate * processes)


def start(notebook: str = "3_parameter_efficient_finetuning/distributed"):
    """`smolcourse.setup`, heard from the first process only."""
    from smolcourse.course import setup

    rank, _ = world()
    silence = contextlib.redirect_stdout(io.StringIO()) if rank else contextlib.nullcontext()
    with silence:
        return setup(notebook)


def model(course, role: str, qlora: bool = False):
    """A role's model on the CPU: the trainer moves it to its own process's device.

    (`course.model` would put every copy on the first GPU.) With `qlora`, in 4 bits and on that device already.
    """
    from smolcourse import models

    source = course.source(role)
    if qlora:
        from smolcourse.topics import qlora as four_bits

        return four_bits.load(source)
    return models.load_model(source, "cpu", course.dtype)


def trainer_settings(course, arguments) -> dict:
    """The settings that SFT and DPO share, for `SFTConfig(**...)` and `DPOConfig(**...)`."""
    _, processes = world()
    return {
        "output_dir": str(arguments.output),
        "max_steps": arguments.steps,
        "per_device_train_batch_size": per_device(
            arguments.global_batch, arguments.accumulate, processes
        ),
        "gradient_accumulation_steps": arguments.accumulate,
        "learning_rate": arguments.learning_rate or course.values(**RECIPE)["lr"],
        "lr_scheduler_type": "constant",
        # A last batch of another size would be weighted or filled up differently.
        "dataloader_drop_last": True,
        "activation_checkpointing": arguments.checkpointing,
        "bf16": course.bf16,
        "use_cpu": course.device == "cpu",  # gloo; else nccl on each process's own GPU
        "ddp_find_unused_parameters": False,
        "logging_steps": 1,
        "save_strategy": "steps" if arguments.save_steps else "no",
        "save_steps": arguments.save_steps or 500,
        "save_total_limit": 2,
        "disable_tqdm": True,
        "report_to": [],
        "seed": course.seed,
        "data_seed": course.seed,
    }


def adapter(arguments):
    """The LoRA config that the options ask for, or None."""
    if not (arguments.lora or arguments.qlora):
        return None
    from smolcourse.topics import qlora

    return qlora.lora_config()


def last_checkpoint(folder: str | Path, processes: int = 1) -> Path | None:
    """The newest `checkpoint-N` below `folder` that was written to its end, or None.

    A worker that dies while a checkpoint is written leaves half of one, with the highest number.
    Whole means: the trainer's state can be read, weights and optimiser are there, and, where
    several processes wrote it, the random state of each of `processes`.
    """
    found = sorted(
        (int(path.name.rpartition("-")[2]), path)
        for path in Path(folder).glob("checkpoint-*")
        if path.name.rpartition("-")[2].isdigit()
    )
    for _, path in reversed(found):
        if _is_whole(path, processes):
            return path
    return None


def _is_whole(checkpoint: Path, processes: int) -> bool:
    names = {path.name for path in checkpoint.iterdir()}
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    weights = any(name.endswith(".safetensors") or "model_fsdp" in name for name in names)
    optimizer = any(name.startswith("optimizer") for name in names)
    random_states = {f"rng_state_{rank}.pth" for rank in range(processes)}
    return weights and optimizer and (random_states <= names or "rng_state.pth" in names)


def run(trainer, arguments) -> None:
    """Train, from a checkpoint if asked for; the first process writes `losses.json`.

    The file holds [step, loss] of every step, those before a resume included, because the
    trainer's state keeps its history in each checkpoint.
    """
    rank, processes = world()
    checkpoint = last_checkpoint(arguments.output, processes) if arguments.resume else None
    if rank == 0 and arguments.resume:
        print(f"resumes from {checkpoint.name}" if checkpoint else "starts from the beginning")
    if arguments.crash_at and checkpoint is None:  # the drill is for the first attempt only
        trainer.add_callback(_drill(arguments.crash_at, rank, processes))
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if rank == 0:
        losses = [[e["step"], e["loss"]] for e in trainer.state.log_history if "loss" in e]
        file = Path(arguments.output) / "losses.json"
        file.write_text(json.dumps(losses) + "\n", encoding="utf-8")
    end()


def end() -> None:
    """Leave the group of processes in good order; without this torch warns at the exit."""
    import torch.distributed as group

    if group.is_available() and group.is_initialized():
        group.barrier()
        group.destroy_process_group()


def _drill(step: int, rank: int, processes: int):
    from transformers import TrainerCallback

    class Drill(TrainerCallback):
        """SIGKILL to the last worker: no clean-up, no goodbye, as when memory runs out."""

        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == step and rank == processes - 1:
                os.kill(os.getpid(), signal.SIGKILL)

    return Drill()
