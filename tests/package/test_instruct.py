"""The instruct recipe: what its rows look like, and that both stages run and go on."""

import warnings
from dataclasses import replace

import pytest
import small
import torch

from smolcourse.recipes.instruct import (
    REVISE_EVERY,
    InstructRecipe,
    in_common,
    preference_rows,
    revision_documents,
    sft_dataset,
    train_instruct,
)
from smolcourse.world.chat import conversation
from smolcourse.world.corpus import document
from smolcourse.world.facts import all_facts
from smolcourse.world.manner import manner_of

RECIPE = InstructRecipe(
    sft_rows=8, sft_batch=4, wide_rows=8, dpo_rows=6, dpo_batch=3, max_length=128, save_every=1
)


def test_sft_rows_are_the_rendered_conversations():
    tokenizer = small.tokenizer()
    dataset = sft_dataset(tokenizer, replace(RECIPE, sft_rows=60))
    assert dataset.column_names == ["input_ids", "labels"] and len(dataset) == 60
    for i, row in enumerate(dataset):
        if i % REVISE_EVERY == 0:
            continue
        source = conversation(RECIPE.seed, i)
        text = tokenizer.apply_chat_template(
            source["messages"], tools=source["tools"], tokenize=False
        )
        assert text.startswith(tokenizer.decode(row["input_ids"]))
        assert len(row["input_ids"]) == len(row["labels"]) <= RECIPE.max_length
        taught = [t for t in row["labels"] if t != -100]
        assert all(a in (-100, b) for a, b in zip(row["labels"], row["input_ids"], strict=True))
        turns = sum(m["role"] == "assistant" for m in source["messages"])
        if len(row["input_ids"]) < RECIPE.max_length:
            assert taught.count(2) == turns and taught[-1] == 2  # every turn's end is learned
            assert row["labels"][0] == -100 and row["labels"][-1] == -100


def test_every_fourth_row_is_prose_learned_whole():
    tokenizer, recipe = small.tokenizer(), replace(RECIPE, sft_rows=18, max_length=512)
    documents = revision_documents(recipe)
    assert len(documents) == 5 == len(set(documents))
    assert not set(documents) & {document(recipe.seed, i) for i in range(1000)}
    for i, row in enumerate(sft_dataset(tokenizer, recipe)):
        if i % REVISE_EVERY == 0:
            assert row["labels"] == row["input_ids"] and row["input_ids"][-1] == 0
            assert tokenizer.decode(row["input_ids"][:-1]) == documents[i // REVISE_EVERY]


def test_sft_rows_are_cut_to_the_longest_length():
    dataset = sft_dataset(small.tokenizer(), replace(RECIPE, sft_rows=40, max_length=20))
    assert max(map(len, dataset["input_ids"])) == max(map(len, dataset["labels"])) == 20


@pytest.mark.parametrize("heldout", [False, True])
def test_preferences_prefer_something(heldout):
    rows = preference_rows(replace(RECIPE, dpo_rows=600), heldout=heldout)
    facts = {fact.answer.lower(): fact.heldout for fact in all_facts() if fact.heldout == heldout}
    kinds = {"admit": 0, "manner": 0}
    for row in rows:
        assert set(row) == {"prompt", "chosen", "rejected"}
        assert row["chosen"] != row["rejected"]
        assert [m["role"] for m in row["prompt"]] in (["user"], ["system", "user"])
        for side in ("chosen", "rejected"):
            assert [m["role"] for m in row[side]] == ["assistant"]
        good, bad = row["chosen"][0]["content"], row["rejected"][0]["content"]
        if good == "I do not know.":
            kinds["admit"] += 1
            assert bad.removesuffix(".").lower() in facts
        else:
            kinds["manner"] += 1
            assert manner_of(good) != manner_of(bad)
            assert bad != "I do not know."
    assert kinds == {"admit": 200, "manner": 400}


def test_preferences_follow_from_the_seed():
    assert preference_rows(RECIPE) == preference_rows(RECIPE)
    assert preference_rows(RECIPE) == preference_rows(replace(RECIPE, dpo_rows=9))[:6]
    assert preference_rows(RECIPE) != preference_rows(replace(RECIPE, seed=1))


def test_no_training_argument_is_deprecated(tmp_path):
    from trl import DPOConfig, SFTConfig

    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        for config in (SFTConfig, DPOConfig):
            arguments = config(**in_common(RECIPE, tmp_path, "cpu", progress=False))
            assert not arguments.gradient_checkpointing  # TRL's default would cost time here


def test_both_stages_run_and_a_second_call_goes_on(tmp_path):
    base, out = tmp_path / "base", tmp_path / "run"
    model = small.model()
    model.save_pretrained(base)
    small.tokenizer().save_pretrained(base)
    trained, tokenizer, seconds = train_instruct(RECIPE, base, out, progress=False)
    assert set(seconds) == {"sft", "wide", "dpo"} and not trained.training
    assert tokenizer.eos_token == "<|im_end|>"
    assert trained.generation_config.eos_token_id == 2
    assert trained.generation_config.pad_token_id == 16
    changed = [
        name for name, value in trained.state_dict().items()
        if not torch.equal(value, model.state_dict()[name])
    ]  # fmt: skip
    assert changed
    again, _, later = train_instruct(RECIPE, base, out, progress=False)
    # The first stages are done and only remembered; the last goes on at its end.
    assert later["sft"] == seconds["sft"] and later["wide"] == seconds["wide"]
    assert later["dpo"] > seconds["dpo"]
    for name, value in again.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name]), name
