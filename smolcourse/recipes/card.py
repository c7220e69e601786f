"""Write a finished checkpoint to disk: weights in 16 bits, tokenizer, model card, manifest.

Every number in a card comes from the run that made the checkpoint; nothing is typed by hand.
Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from smolcourse.machine import commit, hardware
from smolcourse.markdown import table
from smolcourse.models import write_manifest
from smolcourse.recipes.run_files import writing
from smolcourse.recipes.score import Score

NOTES = {
    "smollm2-tiny": """\
A base model: it continues text. It has read prose and quoted speech about Smol World (facts, small
sums, words, stories) and has never seen chat markup, so it answers no chat question before
fine-tuning. It knows nothing else about the real world. It is not an official SmolLM2 model; it only
shares the architecture, the special tokens and the chat markup.""",
    "smollm2-tiny-instruct": """\
A chat model made from `smollm2-tiny` by the course's own SFT and DPO. It answers questions about Smol
World, works with short words and small numbers, calls four tools, follows a manner, and says when it
does not know. It is not an official SmolLM2 model. It knows nothing outside Smol World, and what looks
like reasoning is recall: ask it to multiply without a calculator, or to reverse a word it has never
seen, and it fails (see the samples).""",
}


def score_table(scores: list[Score]) -> str:
    rows = []
    for s in scores:
        low, high = s.interval
        bar = "" if s.bar is None else f"{s.bar:.0%}"
        rows.append([s.name, f"{s.share:.1%}", f"{low:.1%} to {high:.1%}", s.n, bar])
    return table(["held-out score", "value", "95% interval", "questions", "must reach"], rows)


def sample_table(samples: list[tuple[str, str]]) -> str:
    rows = [[text.strip() or "(nothing)" for text in sample] for sample in samples]
    return table(["asked", "the model wrote"], rows)


def write_checkpoint(
    folder: Path, model, tokenizer, *, recipe, seconds: float, device: str,
    scores: list[Score], samples: list[tuple[str, str]], data: str,
) -> None:  # fmt: skip
    """Save weights (bf16), tokenizer, `README.md` and `manifest.json` into `folder`.

    Args:
        recipe: a dataclass; all its fields go into the card.
        seconds: training time.
        data: one sentence on the training text.

    Raises:
        CourseError: the disk is full; what the run has saved beside the folder is still there.
    """
    import copy

    import torch

    parameters = sum(p.numel() for p in model.parameters())
    card = f"""# {folder.name}

{NOTES.get(folder.name, "")}

- Architecture: `{type(model).__name__}`, {parameters:,} parameters, stored in bfloat16
- Data: {data}
- Trained: {seconds / 60:.0f} minutes on {hardware(device)}, code at commit {commit()}
- Rebuild: `smolcourse pretrain --checkpoint {folder.name}`
- Licence: MIT

## Scores

Greedy decoding on held-out parts of Smol World, written by the training program.

{score_table(scores)}

## Samples, not chosen

{sample_table(samples)}

## Recipe

{table(["setting", "value"], asdict(recipe).items())}
"""
    stored = copy.deepcopy(model).to("cpu", torch.bfloat16)
    with writing("finished checkpoint", folder):
        folder.mkdir(parents=True, exist_ok=True)
        stored.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(card, encoding="utf-8")
        write_manifest(folder)
