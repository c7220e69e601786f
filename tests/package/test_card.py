"""A model card shows what the run measured, and a written checkpoint is whole."""

import errno
from dataclasses import dataclass

import pytest
import small
import torch

from smolcourse import machine, models
from smolcourse.errors import CourseError
from smolcourse.recipes import card
from smolcourse.recipes.score import Score


@dataclass(frozen=True)
class Recipe:
    seed: int = 3
    rate: float = 2e-3


SCORES = [Score("facts", 0.925, 400, 0.9), Score("sums", 1.0, 200), Score("none | at all", 0.0, 10)]


def test_the_score_table():
    assert card.score_table(SCORES).splitlines() == [
        "| held-out score | value | 95% interval | questions | must reach |",
        "|---|---|---|---|---|",
        "| facts | 92.5% | 89.5% to 94.7% | 400 | 90% |",
        "| sums | 100.0% | 98.1% to 100.0% | 200 |  |",
        "| none \\| at all | 0.0% | 0.0% to 27.8% | 10 |  |",
    ]


def test_the_sample_table_stays_a_table():
    table = card.sample_table([("a|b", "line\nbreak"), ("What?", "  "), ("中文", "好 🐢")])
    assert table.splitlines() == [
        "| asked | the model wrote |",
        "|---|---|",
        "| a\\|b | line break |",
        "| What? | (nothing) |",
        "| 中文 | 好 🐢 |",
    ]


def test_where_and_from_what():
    assert f"torch {torch.__version__}" in machine.hardware(
        "cpu"
    ) and "CPU cores" in machine.hardware("cpu")
    assert machine.commit() == "unknown" or 7 <= len(machine.commit()) <= 12


def test_a_written_checkpoint(tmp_path):
    model, tokenizer = small.model(), small.tokenizer()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folder = tmp_path / "smollm2-tiny"
    card.write_checkpoint(
        folder, model, tokenizer, recipe=Recipe(), seconds=150.0, device="cpu", scores=SCORES,
        samples=[("Hello", "there")], data="a few words",
    )  # fmt: skip
    models.verify(folder)
    for name, value in model.state_dict().items():  # the model in memory stays as it was
        assert value.dtype == torch.float32 and torch.equal(value, before[name])
    loaded = models.load_model(folder)
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, before[name].to(torch.bfloat16).float()), name
    text = (folder / "README.md").read_text(encoding="utf-8")
    parameters = sum(p.numel() for p in model.parameters())
    for part in (
        "# smollm2-tiny\n", f"`LlamaForCausalLM`, {parameters:,} parameters, stored in bfloat16",
        "- Data: a few words\n", "- Trained: 2 minutes on ", "--checkpoint smollm2-tiny`",
        "| facts | 92.5% |", "| Hello | there |", "| seed | 3 |", "| rate | 0.002 |",
        "not an official SmolLM2 model", "Licence: MIT",
    ):  # fmt: skip
        assert part in text, part
    assert str(tmp_path) not in text


def test_a_full_disk_under_the_checkpoint_is_one_sentence(tmp_path, monkeypatch):
    def full(folder, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    tokenizer = small.tokenizer()
    monkeypatch.setattr(type(tokenizer), "save_pretrained", full)
    with pytest.raises(CourseError, match="checkpoint could not be written.*free some disk space"):
        card.write_checkpoint(
            tmp_path / "smollm2-tiny", small.model(), tokenizer, recipe=Recipe(), seconds=1.0,
            device="cpu", scores=SCORES, samples=[], data="",
        )  # fmt: skip
    assert models.problems(tmp_path / "smollm2-tiny") == ["manifest.json is missing"]


def test_notes_are_for_both_models():
    assert set(card.NOTES) == {"smollm2-tiny", "smollm2-tiny-instruct"}
    assert all("not an official" in note for note in card.NOTES.values())
