"""Pretrain the tiny base model from nothing: text, tokenizer, training loop, resume.

The loop is plain PyTorch on purpose: one file to read, and the yardstick against which TRL's speed
is measured (`smolcourse benchmark`). Everything follows from the seed and the step number: the text of
step n is a function of (seed, n), there is no dropout, and the state on disk is complete, so a run
that is killed and resumed ends with the same weights as one that was not (a test proves it).

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from smolcourse.chatml import END_OF_TEXT
from smolcourse.errors import CourseError
from smolcourse.recipes.run_files import Log, load_state, run_tokenizer, save_state, writing

TOKENIZER_SEED = 1  # the tokenizer's sample of the corpus differs from the training text


@dataclass(frozen=True)
class Recipe:
    """What a pretraining run depends on. Sizes count tokens, `learning_rate` is AdamW's peak."""

    seed: int = 0
    steps: int = 5_000
    batch_size: int = 8
    context: int = 256
    learning_rate: float = 3e-3
    warmup: int = 100
    cooldown: float = 0.4  # share of the steps in which the rate falls linearly to zero
    weight_decay: float = 0.05
    hidden_size: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 2
    mlp_size: int = 512
    save_every: int = 250

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.context

    def rate(self, step: int) -> float:
        """The learning rate at a step: warm up, hold, fall linearly (trapezoidal schedule)."""
        left = (self.steps - step) / max(1, self.steps * self.cooldown)
        return self.learning_rate * min(1.0, (step + 1) / self.warmup, left)


def make_tokenizer(documents: int = 30_000):
    """The course's tokenizer, trained on corpus text and on chat text (tool calls included)."""
    from smolcourse.recipes.tokenizer import train_tokenizer
    from smolcourse.world.chat import conversation
    from smolcourse.world.corpus import document

    def texts():
        for i in range(documents):
            yield document(TOKENIZER_SEED, i)
        for i in range(documents // 6):
            row = conversation(TOKENIZER_SEED, i)
            for message in row["messages"]:
                yield message["content"]
                for call in message.get("tool_calls", []):
                    yield f"<tool_call>{json.dumps(call['function'])}</tool_call>"
            for tool in row["tools"] or []:
                f = tool["function"]
                yield f"{f['name']}({', '.join(f['parameters']['properties'])}): {f['description']}"

    return train_tokenizer(texts())


def make_model(recipe: Recipe, vocabulary: int):
    """A randomly initialised `LlamaForCausalLM` of SmolLM2's architecture (GQA, tied embeddings)."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=recipe.hidden_size,
            intermediate_size=recipe.mlp_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.kv_heads,
            tie_word_embeddings=True,
            max_position_embeddings=1024,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=16,
        )
    )


class TokenStream:
    """An endless stream of token ids, documents joined by end-of-text, addressed by position.

    It encodes documents in blocks and keeps only what the current position needs.
    """

    def __init__(self, tokenizer, seed: int, text: Callable[[int, int], str], block: int = 2000):
        self.tokenizer, self.seed, self.text, self.block = tokenizer, seed, text, block
        self.ids, self.start, self.next_document = [], 0, 0

    def batch(self, position: int, count: int) -> list[int]:
        """`count` ids from `position` on; positions may only grow."""
        if position < self.start:
            raise ValueError("a token stream can't go back")
        while self.start + len(self.ids) < position + count:
            documents = [
                self.text(self.seed, i)
                for i in range(self.next_document, self.next_document + self.block)
            ]
            for encoding in self.tokenizer(documents)["input_ids"]:
                self.ids.append(0)
                self.ids.extend(encoding)
            self.next_document += self.block
            drop = min(position - self.start, len(self.ids))
            self.ids, self.start = self.ids[drop:], self.start + drop
        offset = position - self.start
        return self.ids[offset : offset + count]


def train_base(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "cpu",
    stop_after: int | None = None,
    progress: bool = True,
    text: Callable[[int, int], str] | None = None,
):
    """Train (or go on training) a base model in the folder `out`.

    Args:
        recipe: what to train.
        out: folder for `state.pt` (model, optimiser, step), `log.jsonl` and `tokenizer/`.
            Documents differ in length, so a run that goes on tokenises the text from its beginning
            to find its place: the later it was stopped, the longer that takes.
        device: "cpu", "cuda" or "mps".
        stop_after: stop, saved, after this many steps of this call (tests, smoke runs).
        progress: show a progress bar with loss, tokens per second and time left.
        text: (seed, i) -> document; default: Smol World's corpus.

    Returns:
        (model, tokenizer, seconds): the model in float32 on `device`; seconds of training over all
        calls. The model is None if `stop_after` ended the run early.

    Raises:
        CourseError: the disk is full, or `out` holds a run of another recipe.
    """
    import torch

    from smolcourse.world.corpus import document

    with writing("run", out):
        out.mkdir(parents=True, exist_ok=True)
    tokenizer = run_tokenizer(out, make_tokenizer)
    model = make_model(recipe, len(tokenizer)).to(device)
    decay = [p for p in model.parameters() if p.ndim >= 2]
    plain = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": decay, "weight_decay": recipe.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    state = load_state(out / "state.pt", recipe)
    first, seconds = 0, 0.0
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds = state["step"], state["seconds"]

    last = recipe.steps if stop_after is None else min(recipe.steps, first + stop_after)
    stream = TokenStream(tokenizer, recipe.seed, text or document)
    log = Log(out / "log.jsonl", first)
    model.train()
    losses: list[torch.Tensor] = []
    with _bar(first, recipe.steps, progress) as bar:
        started = time.perf_counter()
        for step in range(first, last):
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(step)
            ids = stream.batch(step * recipe.tokens_per_step, recipe.tokens_per_step)
            batch = torch.tensor(ids, device=device).view(recipe.batch_size, recipe.context)
            loss = model(input_ids=batch, labels=batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            done = step + 1
            if done % 20 == 0 or done == last:
                now = seconds + time.perf_counter() - started
                mean = torch.stack(losses).mean().item()
                losses = []
                log.add(step=done, loss=round(mean, 4), seconds=round(now, 1))
                bar(
                    done,
                    mean,
                    (done - first) * recipe.tokens_per_step / (time.perf_counter() - started),
                )
            if done % recipe.save_every == 0 or done == last:
                save_state(
                    out / "state.pt",
                    {
                        "recipe": asdict(recipe),
                        "model": model.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "step": done,
                        "seconds": seconds + time.perf_counter() - started,
                    },
                )
        seconds += time.perf_counter() - started
    model.eval()
    return (model if last == recipe.steps else None), tokenizer, seconds


@contextmanager
def _bar(first: int, total: int, shown: bool):
    """A rich progress bar: step, loss, tokens per second, time left. Yields what moves it."""
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.3f} · {task.fields[speed]:,.0f} tokens/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        disable=not shown,
    ) as progress:
        task = progress.add_task("pretrain", total=total, completed=first, loss=0.0, speed=0.0)
        yield lambda done, loss, speed: progress.update(
            task, completed=done, loss=loss, speed=speed
        )


BASE_SAMPLES = (
    "The capital of France is",
    "The opposite of hot is",
    '"What is the capital of Japan?" asked Tom. "',
    "One morning, Mia went to the",
    "7 plus 8 is",
    "The president of the United States is",
)
CHAT_SAMPLES = (
    "What is the capital of Japan?",
    "What is the opposite of hot?",
    "What is 7 plus 8?",
    "What is 23 times 17?",
    "Spell tiger backwards.",
    "Spell philosophy backwards.",
    "What is the capital of Atlantis?",
    "Who is the president of France?",
    "Why is the sky blue?",
    "Tell me a story called Mia and the red kite.",
)


def main(
    checkpoint: str,
    out: str | Path | None = None,
    *,
    resume: bool = True,
    device: str | None = None,
    progress: bool = True,
) -> Path:
    """Build a packaged checkpoint from nothing (`smolcourse pretrain --checkpoint NAME`).

    Args:
        checkpoint: "smollm2-tiny" or "smollm2-tiny-instruct" (which starts from the former).
        out: working folder (default `runs/pretrain/NAME`); the finished checkpoint lies in its
            subfolder `NAME`.
        resume: go on from what lies in `out`; False refuses a folder that holds a run.
        device: "cpu", "cuda" or "mps"; default: as `setup` picks it.
        progress: show progress bars.

    Returns:
        the folder of the finished checkpoint.
    """
    from smolcourse.machine import pick_device

    names = ("smollm2-tiny", "smollm2-tiny-instruct")
    if checkpoint not in names:
        raise CourseError(
            f"There is no recipe for the checkpoint '{checkpoint}': choose {' or '.join(names)}."
        )
    folder = Path(out or Path("runs") / "pretrain" / checkpoint)
    if not resume and folder.exists() and any(folder.iterdir()):
        raise CourseError(
            f"{folder} already holds a run: choose another --out folder, or leave out --no-resume."
        )
    device = pick_device(device)[0]
    build = _build_base if checkpoint == names[0] else _build_instruct
    return build(folder, folder / checkpoint, device, progress)


def _build_base(work: Path, final: Path, device: str, progress: bool) -> Path:
    from smolcourse import generate
    from smolcourse.recipes.card import write_checkpoint
    from smolcourse.recipes.score import score_chat_facts, score_statements

    recipe = Recipe()
    model, tokenizer, seconds = train_base(recipe, work, device=device, progress=progress)
    scores = [score_statements(model, tokenizer), score_chat_facts(model, tokenizer)]
    prompts = [END_OF_TEXT + text for text in BASE_SAMPLES]
    texts = generate.complete(model, tokenizer, prompts, max_new_tokens=24)
    tokens = recipe.steps * recipe.tokens_per_step
    write_checkpoint(
        final, model, tokenizer, recipe=recipe, seconds=seconds, device=device, scores=scores,
        samples=list(zip(BASE_SAMPLES, texts, strict=True)),
        data=f"Smol World prose, seed {recipe.seed}, {tokens / 1e6:.1f}M tokens, each read once",
    )  # fmt: skip
    return final


def _build_instruct(work: Path, final: Path, device: str, progress: bool) -> Path:
    from smolcourse import generate, models
    from smolcourse.recipes.card import write_checkpoint
    from smolcourse.recipes.instruct import InstructRecipe, train_instruct
    from smolcourse.recipes.score import score_instruct

    recipe = InstructRecipe()
    base = models.verify(models.path("smollm2-tiny"))
    model, tokenizer, seconds = train_instruct(recipe, base, work, device=device, progress=progress)
    samples = generate.chat(model, tokenizer, list(CHAT_SAMPLES), max_new_tokens=60)
    write_checkpoint(
        final, model, tokenizer, recipe=recipe, seconds=sum(seconds.values()), device=device,
        scores=score_instruct(model, tokenizer), samples=list(zip(CHAT_SAMPLES, samples, strict=True)),
        data=f"{recipe.sft_rows + recipe.wide_rows:,} rows of Smol World (three in four are chats, one is prose to revise "
        f"from) and {recipe.dpo_rows:,} preferences, seed {recipe.seed}, each used once",
    )  # fmt: skip
    return final
