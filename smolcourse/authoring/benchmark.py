"""How fast is the tiny model's SFT? TRL against a bare loop, the bare loop against the machine.

`smolcourse benchmark` measures and writes `measured/benchmark.json`; `smolcourse build` makes its
table. Both loops train copies of the same model on the same padded tensors with the same
optimiser (a test proves that their losses agree). Token counts are positions of those tensors,
padding included: that is what a machine computes.

The machine's limit is 6 x parameters x tokens / s over the floating-point operations per second of
its own fp32 matrix product: 2 operations a parameter and token forward, 4 backward (Kaplan et al.
2020, arXiv:2001.08361; tied embeddings count once, for the output layer).

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from smolcourse.authoring import two_at_once
from smolcourse.authoring.limits import MATRIX, gemm_flops, setup_seconds
from smolcourse.errors import CourseError

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer

PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm")
BATCH, LEARNING_RATE = 32, 1e-3  # module 1's SFT
WARM_UP = 3  # steps that are not timed: allocations, first-time compilation of kernels


@dataclass
class Workload:
    """Rows of `input_ids` and `labels` in batches, and the model that both loops copy."""

    model: Model
    tokenizer: Tokenizer
    rows: list[dict]
    batch_size: int
    learning_rate: float = 1e-3
    batches: list[dict] = field(default_factory=list)  # padded by TRL's own collator

    @property
    def steps(self) -> int:
        return len(self.rows) // self.batch_size

    def positions(self) -> int:
        """Tokens of the timed batches, padding included."""
        return sum(batch["input_ids"].numel() for batch in self.batches[WARM_UP:])


def workload(model, tokenizer, steps: int, batch_size: int, learning_rate: float) -> Workload:
    """Module 1's fine-tuning: questions about facts, the loss on the answers."""
    from smolcourse import data

    facts = data.load("facts", "train")
    rows = []
    for i in range((WARM_UP + steps) * batch_size):
        encoded = tokenizer.apply_chat_template(
            facts[i % len(facts)]["messages"], return_dict=True, return_assistant_tokens_mask=True
        )
        ids, mask = encoded["input_ids"], encoded["assistant_masks"]
        labels = [t if m else -100 for t, m in zip(ids, mask, strict=True)]
        rows.append({"input_ids": ids, "labels": labels})
    return Workload(model, tokenizer, rows, batch_size, learning_rate)


def run_trl(load: Workload, *, log_every: int = 10) -> tuple[float, list[float]]:
    """(seconds of the timed steps, logged losses) of TRL's trainer; fills `load.batches`."""
    import copy

    from datasets import Dataset
    from transformers import PrinterCallback, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Timer(TrainerCallback):
        started = ended = 0.0

        def on_step_end(self, args, state, control, **_):
            self.ended = time.perf_counter()
            if state.global_step == WARM_UP:
                self.started = self.ended

    timer = Timer()
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=copy.deepcopy(load.model),
            processing_class=load.tokenizer,
            train_dataset=Dataset.from_list(load.rows),
            callbacks=[timer],
            args=SFTConfig(
                output_dir=folder,
                per_device_train_batch_size=load.batch_size,
                max_steps=load.steps,
                learning_rate=load.learning_rate,
                lr_scheduler_type="constant",
                train_sampling_strategy="sequential",
                dataset_kwargs={"skip_prepare_dataset": True},
                max_length=None,
                logging_steps=log_every,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                # TRL's defaults serve large models on GPUs: both save memory and cost time here.
                activation_checkpointing=False,
                bf16=False,
                use_cpu=load.model.device.type == "cpu",
                seed=0,
            ),
        )
        trainer.remove_callback(PrinterCallback)
        if not load.batches:
            load.batches = [
                trainer.data_collator(load.rows[at : at + load.batch_size])
                for at in range(0, len(load.rows), load.batch_size)
            ]
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return timer.ended - timer.started, losses


def run_bare(load: Workload) -> tuple[float, list[float]]:
    """(seconds of the timed steps, losses) of a plain PyTorch loop over `load.batches`."""
    import copy

    import torch

    model = copy.deepcopy(load.model).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=load.learning_rate, weight_decay=0.0, fused=True
    )
    losses, started = [], 0.0
    for step, batch in enumerate(load.batches):
        if step == WARM_UP:
            started = time.perf_counter()
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
    losses = [loss.item() for loss in losses]  # waits for the device
    return time.perf_counter() - started, losses


def product_share(load: Workload) -> float:
    """How much of the bare loop's time goes into matrix products, by torch's profiler.

    The rest (attention, norms, activations, the optimiser) does not shrink with a model's width as
    products do: it is why so small a model stays far below the machine's limit. CPU only.
    """
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        run_bare(load)
    spent = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    return sum(spent.get(name, 0) for name in PRODUCTS) / sum(spent.values())


def notebook_rows(root: Path | None) -> list[dict]:
    """Seconds of each solution notebook by what they went into, as its stored report tells."""
    from smolcourse.authoring import results

    rows = []
    for name, data in results.reports(root) if root else []:
        topic = f"{name.split('/')[0]}/{Path(name).stem.removesuffix('_solution')}"
        parts = [f"{data['sections'].get(key, 0.0):.0f}" for key in ("import", "train", "generate")]
        rows.append(
            _row(
                f"{topic}: import / train / generate / whole",
                f"{topic}：导入 / 训练 / 生成 / 总计",
                " / ".join([*parts, f"{data['seconds']:.0f}"]),
                "s",
            )
        )
    return rows


def _row(name: str, name_zh: str, value, unit: str = "") -> dict:
    if isinstance(value, float):
        value = float(f"{value:.3g}")
    return {"name": name, "name_zh": name_zh, "value": value, "unit": unit}


def measure(load: Workload, repeats: int = 3) -> dict:
    """Interleaved runs of both loops, medians, and the machine's limit beside them.

    Returns:
        tokens per second of both (`trl`, `bare`), their ratio `trl_to_bare` (the median over
        pairs of neighbours in time), `gemm` in operations per second, `bare_to_gemm`, and
        `products`, the share of the bare loop's time in matrix products (None on a GPU).
    """
    trl, bare, gemm = [], [], 0.0
    device = load.model.device.type
    for _ in range(repeats):
        seconds = run_trl(load)[0]
        trl.append(load.positions() / seconds)
        bare.append(load.positions() / run_bare(load)[0])
        gemm = max(gemm, gemm_flops(device=device))
    parameters = sum(p.numel() for p in load.model.parameters())
    speed = statistics.median(bare)
    return {
        "trl": statistics.median(trl),
        "bare": speed,
        "trl_to_bare": statistics.median(t / b for t, b in zip(trl, bare, strict=True)),
        "gemm": gemm,
        "bare_to_gemm": 6 * parameters * speed / gemm,
        "products": product_share(load) if device == "cpu" else None,
    }


def table(measured: dict) -> list[dict]:
    """The rows of `measured/benchmark.json` for what `measure` returned."""
    rows = [
        _row("SFT with TRL", "用 TRL 做 SFT", round(measured["trl"]), "tokens/s"),
        _row("The same batches in a bare PyTorch loop", "同样的批次，纯 PyTorch 循环",
             round(measured["bare"]), "tokens/s"),
        _row("TRL / bare loop (aim: at least 0.8)", "TRL / 纯循环（目标：至少 0.8）",
             measured["trl_to_bare"]),
        _row(f"Matrix product of this machine (fp32, {MATRIX} x {MATRIX})",
             f"本机矩阵乘法（fp32，{MATRIX} x {MATRIX}）", measured["gemm"] / 1e9, "GFLOP/s"),
        _row("Bare loop / matrix product (aim: at least 0.5)", "纯循环 / 矩阵乘法（目标：至少 0.5）",
             measured["bare_to_gemm"]),
    ]  # fmt: skip
    if measured.get("products") is not None:
        name = "Time of the bare loop in matrix products, which alone the limit counts"
        named = "纯循环中花在矩阵乘法上的时间（上限只计这一部分）"
        rows.append(_row(name, named, f"{measured['products']:.0%}"))
    return rows


def run(out: Path, checkpoint: str, steps: int, repeats: int) -> list[dict]:
    """Measure with `repeats` runs of `steps` timed steps, write `out`, return its rows.

    Raises `CourseError` if the checkpoint (a name or a folder) can't be used, or `out` not written.
    """
    from smolcourse import models
    from smolcourse.machine import hardware, pick_device
    from smolcourse.places import repository
    from smolcourse.quiet import be_quiet

    be_quiet(offline=True)
    device = pick_device()[0]
    model = models.load_model(checkpoint, device)
    tokenizer = models.load_tokenizer(checkpoint)
    load = workload(model, tokenizer, steps, BATCH, LEARNING_RATE)
    rows = table(measure(load, repeats))
    rows.append(
        _row(
            "A notebook's set-up cell: imports and setup()",
            "notebook 的准备单元格：导入和 setup()",
            setup_seconds(),
            "s",
        )
    )
    if device == "cpu":
        rows += two_at_once.rows(two_at_once.typical(repeats, checkpoint))
    rows += notebook_rows(repository())
    found = {
        "machine": hardware(device),
        "steps": steps,
        "repeats": repeats,
        "batch_size": load.batch_size,
        "rows": rows,
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise CourseError(
            f"{out} can't be written ({error.strerror or error}): choose another --out file."
        ) from error
    return rows
