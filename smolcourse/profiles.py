"""The one table of what a profile means: model ids, dataset ids, budgets.

`tiny` is packaged with the course and runs on a laptop CPU without a network. `smol` is the
same course on SmolLM2, SmolVLM and Hub datasets. Notebook code reads numbers and names from
here through `course`, so that no notebook has an `if profile == ...`.

This file imports nothing heavy: it is a table.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from smolcourse.errors import CourseError, one_of

DEFAULT = "tiny"
SIZES = ("135M", "360M", "1.7B")


QUICK = "SMOLCOURSE_QUICK"  # the tests set it for notebooks whose results nobody compares
# Fewer steps would end before the first loss is logged: with 2, three notebooks could plot nothing.
# Fewer rows would not fill a batch.
QUICK_LEAST = {"steps": 10, "rows": 32, "pairs": 32, "tokens": 32}
REHEARSAL_LEAST = QUICK_LEAST | {"steps": 2, "batch": 8, "length": 128}  # a group of GRPO is 8


def quick(name: str, value: int | float) -> int | float:
    """The budget `value`, or with `SMOLCOURSE_QUICK=1` about a tenth of it if it costs time.

    By the last word of its name: steps (at least 10, or as many as there were), rows or pairs, to
    train or to evaluate on, and tokens to write (at least 32). Sizes, rates and everything else
    stay. A larger number is the divisor: 100 leaves a hundredth, for the rehearsal of `smol`, and
    of batches (at least 8) and lengths (at least 128) as well.
    """
    if not is_quick():
        return value
    divisor = int(os.environ[QUICK])
    least = (REHEARSAL_LEAST if divisor > 1 else QUICK_LEAST).get(name.split("_")[-1])
    if least is None:
        return value
    return max(min(least, value), value // (10 if divisor == 1 else divisor))


def is_quick() -> bool:
    """Whether budgets are cut short (`SMOLCOURSE_QUICK`), so that no score means anything."""
    return os.environ.get(QUICK, "0") not in ("", "0")


@dataclass(frozen=True)
class Source:
    """Where a model comes from: a packaged checkpoint (`hub=None`) or a Hub repository.

    `half`: its weights take 16 bits where the device computes in bf16, being too many for 32.
    """

    name: str
    hub: str | None = None
    revision: str = "main"
    half: bool = False


@dataclass(frozen=True)
class HubDataset:
    """A Hub dataset and the columns of its raw schema that the course's adaptors read.

    `splits` maps the course's split names (train, test) to those of the repository.
    """

    hub: str
    config: str | None
    splits: dict[str, str]
    columns: tuple[str, ...]
    revision: str = "main"


@dataclass(frozen=True)
class Profile:
    """One profile: `models` by role, `datasets` by course name, `budgets` by name."""

    name: str
    models: dict[str, Source]
    datasets: dict[str, HubDataset] = field(default_factory=dict)
    budgets: dict[str, int | float] = field(default_factory=dict)
    offline: bool = False

    def model(self, role: str) -> Source:
        """The source for a role; `CourseError` names the roles there are."""
        if role not in self.models:
            raise one_of("model role", role, self.models)
        return self.models[role]

    def budget(self, name: str) -> int | float:
        """The number for a budget name; `CourseError` names the budgets there are."""
        if name not in self.budgets:
            raise one_of("budget", name, self.budgets)
        return quick(name, self.budgets[name])

    def dataset(self, name: str) -> HubDataset:
        """The Hub dataset behind a course dataset name (empty for `tiny`)."""
        if name not in self.datasets:
            raise one_of("Hub dataset", name, self.datasets)
        return self.datasets[name]


_TINY = Profile(
    name="tiny",
    offline=True,
    models={
        "base": Source("smollm2-tiny"),
        "instruct": Source("smollm2-tiny-instruct"),
        "vlm": Source("smolvlm-tiny"),
    },
    budgets={
        "sft_steps": 100,
        "sft_batch": 32,
        "sft_lr": 1e-3,
        "max_length": 128,
        "eval_rows": 200,
        "eval_batch": 64,
        "max_new_tokens": 32,
        # 2_preference_alignment/dpo: pairs, so a batch is twice as many sequences as it says
        "dpo_test_pairs": 300,
        "dpo_rows": 1600,
        "dpo_steps": 60,
        "dpo_batch": 16,
        "dpo_lr": 1e-3,
        "dpo_beta": 0.5,
        "dpo_new_tokens": 48,
        "dpo_over_steps": 32,
        "dpo_over_lr": 5e-4,
        "dpo_over_beta": 0.03,
        "dpo_alarm_drop": 0.5,
        "dpo_swap_steps": 15,
        "dpo_own_rows": 480,
        "dpo_own_steps": 30,
        # 3_parameter_efficient_finetuning/resource_strategies: one step on so many rows
        "resources_rows": 16,
        "resources_length": 128,
        "resources_micro": 2,
        "resources_steps": 20,
        # 2_preference_alignment/human_feedback and grpo
        "feedback_pairs": 800,
        "feedback_steps": 40,
        "feedback_batch": 16,
        "feedback_lr": 5e-4,
        "grpo_sft_steps": 40,
        "grpo_steps": 20,
        "grpo_hack_steps": 18,
        "grpo_own_steps": 8,
        "grpo_batch": 40,
        "grpo_group": 8,
        "grpo_tokens": 36,
        "grpo_lr": 6e-4,
        # 3_parameter_efficient_finetuning/adapters
        "adapters_rank": 4,
        "adapters_steps": 50,
        "adapters_batch": 32,
        "adapters_lr": 1e-2,
        # 3_parameter_efficient_finetuning/lora: LoRA wants about ten times the rate of SFT
        "lora_rank": 3,
        "lora_alpha": 8,
        "lora_lr": 5e-3,
        "lora_rate_steps": 15,
        "lora_sweep_steps": 25,
        "lora_invented_rows": 200,
        "lora_invented_steps": 60,
        # 2_preference_alignment/orpo: pairs a batch, so twice as many rows
        "orpo_steps": 60,
        "orpo_batch": 16,
        "orpo_lr": 1e-3,
        "orpo_lambda": 2.0,
        "orpo_dpo_lr": 2e-4,
        "orpo_dpo_beta": 0.1,
        # 3_parameter_efficient_finetuning/prompt_tuning: each method its own rate
        "prompt_steps": 30,
        "prompt_batch": 16,
        "prompt_lr": 1e-1,
        "prompt_prefix_lr": 3e-1,
        "prompt_encoder_lr": 1e-2,
        "prompt_lora_lr": 3e-2,
        "prompt_answer_steps": 40,
        "prompt_answer_batch": 32,
    },
)

# Revisions are pinned, so that a lesson does not change under a learner.
_PINNED = {
    "HuggingFaceTB/SmolLM2-135M": "93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
    "HuggingFaceTB/SmolLM2-135M-Instruct": "12fd25f77366fa6b3b4b768ec3050bf629380bac",
    "HuggingFaceTB/SmolLM2-360M": "f8027fd0eaeea54caa13c31d31b9fdc459c38b49",
    "HuggingFaceTB/SmolLM2-360M-Instruct": "a10cc1512eabd3dde888204e902eca88bddb4951",
    "HuggingFaceTB/SmolLM2-1.7B": "effd688a12921b4cc83e3312b6feb579f70f9c71",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": "31b70e2e869a7173562077fd711b654946d38674",
    "HuggingFaceTB/SmolVLM-256M-Instruct": "7e3e67edbbed1bf9888184d9df282b700a323964",
}


def _hub(repo: str, half: bool = False) -> Source:
    return Source(repo.split("/")[1], repo, _PINNED[repo], half)


def smol(size: str) -> Profile:
    """The profile `smol` with models of a size: 135M, 360M or 1.7B."""
    # Larger models take smaller steps: batch and learning rate follow the size.
    batch, lr = {"135M": (16, 3e-4), "360M": (8, 2e-4), "1.7B": (4, 1e-4)}[size]
    return Profile(
        name="smol",
        models={
            "base": _hub(f"HuggingFaceTB/SmolLM2-{size}", size == "1.7B"),
            "instruct": _hub(f"HuggingFaceTB/SmolLM2-{size}-Instruct", size == "1.7B"),
            "vlm": _hub("HuggingFaceTB/SmolVLM-256M-Instruct"),
        },
        datasets={
            "conversations": HubDataset(
                "HuggingFaceTB/smoltalk",
                "everyday-conversations",
                {"train": "train", "test": "test"},
                ("full_topic", "messages"),
                revision="5feaf2fd3ffca7c237fc38d1861bc30365d48ffa",
            ),
            "math": HubDataset(
                "openai/gsm8k",
                "main",
                {"train": "train", "test": "test"},
                ("question", "answer"),
                revision="740312add88f781978c0658806c59bc2815b9866",
            ),
            "facts": HubDataset(
                "allenai/sciq",
                None,
                {"train": "train", "new_phrasing": "validation", "test": "test"},
                (
                    "question",
                    "distractor3",
                    "distractor1",
                    "distractor2",
                    "correct_answer",
                    "support",
                ),
                revision="2c94ad3e1aafab77146f384e23536f97a4849815",
            ),
            "preferences": HubDataset(
                "trl-lib/ultrafeedback_binarized",
                None,
                {"train": "train", "test": "test"},
                ("chosen", "rejected", "score_chosen", "score_rejected"),
                revision="47124cb5778f5d50de1c7676a412828f3ea7c555",
            ),
            "stories": HubDataset(
                "roneneldan/TinyStories",
                None,
                {"train": "train", "test": "validation"},
                ("text",),
                revision="f54c09fd23315a6f9c86f9dc80f725de7d8f9c64",
            ),
        },
        budgets={
            "sft_steps": 500,
            "sft_batch": batch,
            "sft_lr": lr,
            "max_length": 1024,
            "eval_rows": 200,
            "eval_batch": 32,
            "max_new_tokens": 128,
            "dpo_test_pairs": 300,
            "dpo_rows": 4000,
            "dpo_steps": 500,
            "dpo_batch": max(2, batch // 2),
            "dpo_lr": 1e-6 if size == "1.7B" else 5e-6,
            "dpo_beta": 0.1,
            "dpo_new_tokens": 128,
            "dpo_over_steps": 300,
            "dpo_over_lr": 1e-4,
            "dpo_over_beta": 0.01,
            "dpo_alarm_drop": 50.0,
            "dpo_swap_steps": 100,
            "dpo_own_rows": 800,
            "dpo_own_steps": 100,
            "resources_rows": 8,
            "resources_length": 512,
            "resources_micro": 1,
            "resources_steps": 20,
            "feedback_pairs": 2000,
            "feedback_steps": 200,
            "feedback_batch": batch,
            "feedback_lr": lr / 3,
            "grpo_sft_steps": 100,
            "grpo_steps": 200,
            "grpo_hack_steps": 150,
            "grpo_own_steps": 60,
            "grpo_batch": 64,
            "grpo_group": 8,
            "grpo_tokens": 64,
            "grpo_lr": 1e-5,
            "adapters_rank": 8,
            "adapters_steps": 150,
            "adapters_batch": batch,
            "adapters_lr": 3 * lr,
            "lora_rank": 8,
            "lora_alpha": 16,
            "lora_lr": 10 * lr,
            "lora_rate_steps": 30,
            "lora_sweep_steps": 100,
            "lora_invented_rows": 500,
            "lora_invented_steps": 200,
            "orpo_steps": 600,
            "orpo_batch": max(1, batch // 2),
            "orpo_lr": lr / 6,
            "orpo_lambda": 0.1,
            "orpo_dpo_lr": lr / 60,
            "orpo_dpo_beta": 0.1,
            "prompt_steps": 200,
            "prompt_batch": batch,
            "prompt_lr": 1e-1,
            "prompt_prefix_lr": 3e-2,
            "prompt_encoder_lr": 3e-3,
            "prompt_lora_lr": 3e-3,
            "prompt_answer_steps": 300,
            "prompt_answer_batch": batch,
        },
    )


NAMES = ("tiny", "smol")


def get(name: str | None = None) -> Profile:
    """The profile `name`, or that of `SMOLCOURSE_PROFILE`, or `tiny`.

    The size of the `smol` models is `SMOLCOURSE_SIZE`: 135M (default), 360M or 1.7B.
    Raises `CourseError` for any other name, listing the ones there are. Introduced in
    `1_instruction_tuning/chat_templates`.
    """
    name = name or os.environ.get("SMOLCOURSE_PROFILE") or DEFAULT
    if name == "tiny":
        return _TINY
    if name == "smol":
        size = os.environ.get("SMOLCOURSE_SIZE") or SIZES[0]
        if size not in SIZES:
            raise CourseError(
                "SMOLCOURSE_SIZE is '{size}'; set it to one of: {SIZES}.",
                size=size,
                SIZES=", ".join(SIZES),
            )
        return smol(size)
    raise one_of("profile", name, NAMES)
