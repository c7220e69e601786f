"""Make the instruct model from the base model: the course's own SFT, then DPO, both with TRL.

Stage "sft" (module 1's recipe, longer): a diet of chat-formatted tasks, the loss on what the
assistant says. Stage "wide": the same, short, on what the first leaves weak. Stage "dpo" (module
2's recipe): preferences for honesty and for obeying the asked manner.

Introduced in lessons 1_instruction_tuning/supervised_fine_tuning and 2_preference_alignment/dpo.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from smolcourse.chatml import END_OF_TURN
from smolcourse.world.chat import ask, conversation
from smolcourse.world.facts import fact_index
from smolcourse.world.honesty import UNKNOWN, unknown_question
from smolcourse.world.manner import HELDOUT_SYSTEM_PROMPTS, MANNERS, SYSTEM_PROMPTS, say, sentence
from smolcourse.world.revision import revision
from smolcourse.world.splits import rng as make_rng
from smolcourse.world.widening import widening

REVISE_EVERY = 4  # every fourth row of stage sft is prose to revise from, all of it with loss
END_OF_TEXT = 0


@dataclass(frozen=True)
class InstructRecipe:
    """Rows, batch and rates of the stages; `max_length` in tokens."""

    seed: int = 0
    sft_rows: int = 560_000
    sft_batch: int = 64
    sft_rate: float = 2e-3
    wide_rows: int = 80_000
    wide_rate: float = 7e-4
    dpo_rows: int = 6_000
    dpo_batch: int = 32
    dpo_rate: float = 1e-5
    dpo_beta: float = 0.1
    max_length: int = 256
    save_every: int = 500


def sft_dataset(tokenizer, recipe: InstructRecipe):
    """`datasets.Dataset` with `input_ids` and `labels` (-100 where the assistant is silent).

    Rows are rendered here, not by TRL, because tool calls have different argument names and Arrow
    would fill the gaps with nulls that then show up in the rendered call.
    """
    from datasets import Dataset

    documents = revision_documents(recipe)
    rows = (
        documents[i // REVISE_EVERY] if i % REVISE_EVERY == 0 else conversation(recipe.seed, i)
        for i in range(recipe.sft_rows)
    )
    return Dataset.from_list([_encoded(tokenizer, row, recipe.max_length) for row in rows])


def wide_dataset(tokenizer, recipe: InstructRecipe):
    """The same columns as `sft_dataset`, of the last and short diet."""
    from datasets import Dataset

    rows = (widening(recipe.seed, i) for i in range(recipe.wide_rows))
    return Dataset.from_list([_encoded(tokenizer, row, recipe.max_length) for row in rows])


def _encoded(tokenizer, row: dict | str, max_length: int) -> dict:
    """Prose (a string) carries the loss everywhere, a conversation where the assistant speaks."""
    if isinstance(row, str):
        ids = tokenizer(row)["input_ids"] + [END_OF_TEXT]
        labels = list(ids)
    else:
        encoded = tokenizer.apply_chat_template(
            row["messages"],
            tools=row["tools"],
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        ids, mask = encoded["input_ids"], encoded["assistant_masks"]
        labels = [t if m else -100 for t, m in zip(ids, mask, strict=True)]
    return {"input_ids": ids[:max_length], "labels": labels[:max_length]}


def revision_documents(recipe: InstructRecipe) -> list[str]:
    """Prose beside the chats; a long SFT without it forgets what it never asks about."""
    count = -(-recipe.sft_rows // REVISE_EVERY)
    return [revision(recipe.seed, i) for i in range(count)]


def preference_rows(recipe: InstructRecipe, *, heldout: bool = False) -> list[dict]:
    """Preferences in the Hub's conversational schema: prompt, chosen, rejected (lists of messages).

    `heldout` draws them from held-out facts, words and request wordings (never train on those).

    One in three asks to admit not knowing rather than invent, the others for the manner that was
    asked for rather than another. (Pairs that prefer a known answer to "I do not know" are left
    out: with a third of those, DPO took the share of admitted gaps from 99% down to 83%.)
    """
    facts = [fact for fact in fact_index()[0] if fact.heldout == heldout]
    rows = []
    for i in range(recipe.dpo_rows):
        rng = make_rng("preferences", recipe.seed, i)
        fact = rng.choice(facts)

        if i % 3 == 0:
            prompt = [{"role": "user", "content": unknown_question(rng, heldout=heldout)}]
            chosen, rejected = sentence(UNKNOWN), sentence(fact.answer)
        else:
            manner, other = rng.sample(MANNERS, 2)
            system = (
                HELDOUT_SYSTEM_PROMPTS[manner] if heldout else rng.choice(SYSTEM_PROMPTS[manner])
            )
            prompt = [
                {"role": "system", "content": system},
                {"role": "user", "content": ask(fact, rng)},
            ]
            chosen, rejected = say(fact.answer, manner, rng), say(fact.answer, other, rng)
        rows.append(
            {
                "prompt": prompt,
                "chosen": [{"role": "assistant", "content": chosen}],
                "rejected": [{"role": "assistant", "content": rejected}],
            }
        )
    return rows


def _last_checkpoint(folder: Path) -> str | None:
    from transformers.trainer_utils import get_last_checkpoint

    return get_last_checkpoint(str(folder)) if folder.is_dir() else None


def in_common(recipe: InstructRecipe, out: Path, device: str, progress: bool) -> dict:
    """The trainer's arguments that SFT and DPO share."""
    return {
        "output_dir": str(out),
        "num_train_epochs": 1,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 50,
        "max_length": recipe.max_length,
        "report_to": [],
        "logging_steps": 50,
        "save_steps": recipe.save_every,
        "save_total_limit": 2,
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "disable_tqdm": not progress,
        "dataloader_num_workers": 0,
        "use_cpu": device == "cpu",
        "bf16": False,
        "activation_checkpointing": False,
    }


def train_instruct(
    recipe: InstructRecipe, base: Path, out: Path, *, device: str = "cpu", progress: bool = True
):
    """Run the stages in the folder `out`, going on from the last checkpoint of any.

    Returns:
        (model, tokenizer, seconds): the aligned model, its tokenizer (turns end with
        `<|im_end|>`), and the training seconds by stage, those of earlier calls that finished
        the stage included (`out/seconds.json`).
    """
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.eos_token = END_OF_TURN
    out.mkdir(parents=True, exist_ok=True)
    record = out / "seconds.json"
    seconds = json.loads(record.read_text()) if record.exists() else {}

    done = base
    stages = {"sft": (sft_dataset, recipe.sft_rate), "wide": (wide_dataset, recipe.wide_rate)}
    for stage, (make_dataset, rate) in stages.items():
        before, done = done, out / f"{stage}-done"
        if (done / "config.json").exists():
            continue
        started = time.perf_counter()
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(before, dtype=torch.float32),
            processing_class=tokenizer,
            train_dataset=make_dataset(tokenizer, recipe),
            args=SFTConfig(
                **in_common(recipe, out / stage, device, progress),
                per_device_train_batch_size=recipe.sft_batch,
                learning_rate=rate,
                adam_beta2=0.98,
                train_sampling_strategy="group_by_length",
            ),
        )
        trainer.train(resume_from_checkpoint=_last_checkpoint(out / stage))
        trainer.save_model(str(done))
        seconds[stage] = time.perf_counter() - started
        record.write_text(json.dumps(seconds))

    started = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(done, dtype=torch.float32)
    trainer = DPOTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(preference_rows(recipe)),
        args=DPOConfig(
            **in_common(recipe, out / "dpo", device, progress),
            per_device_train_batch_size=recipe.dpo_batch,
            learning_rate=recipe.dpo_rate,
            beta=recipe.dpo_beta,
            precompute_ref_log_probs=True,
        ),
    )
    trainer.train(resume_from_checkpoint=_last_checkpoint(out / "dpo"))
    seconds["dpo"] = seconds.get("dpo", 0) + time.perf_counter() - started
    record.write_text(json.dumps(seconds))
    model = trainer.model.eval()
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer, seconds
