"""The `smol` profile through the real `huggingface_hub` client, against a hub on this machine.

Models have SmolLM2's vocabulary, special tokens and chat template, datasets their true columns
(tests/support/hub_repositories.py); the weights are random, so no score means anything. The
notebooks are rehearsed in tests/slow/test_rehearsal.py.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from columns import COLUMNS
from hub import MAIN, Hub
from hub_repositories import SHAPES, SYSTEM, VOCABULARY_SIZE, repositories

from smolcourse import profiles

CLIENT = Path(__file__).parent.parent / "support" / "smol_client.py"
SMOL = profiles.smol("135M")
BASE, INSTRUCT = (SMOL.model(role).hub for role in ("base", "instruct"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What one client saw: everything promised, the errors, and then a hub that is gone."""
    home = tmp_path_factory.mktemp("hub")
    with Hub(repositories()) as hub:
        client = subprocess.Popen(
            [sys.executable, str(CLIENT)],
            env=hub.environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = client.stdout.readline()
    last, problems = client.communicate("gone\n")
    assert client.returncode == 0, problems
    found = json.loads(first)
    found["errors"] |= json.loads(last)
    return found | {"asked": hub.asked, "tokens_at_cdn": hub.tokens_at_cdn}


# ---------------------------------------------------------------- what is promised


@pytest.mark.parametrize("size", SHAPES)
def test_models_have_smollm2s_shape(seen, size):
    heads, key_values, _, theta = SHAPES[size]
    for role, ends in (("base", [0, 0]), ("instruct", [2, 2])):
        model = seen["models"][profiles.smol(size).model(role).hub]
        assert model == {
            "type": "LlamaForCausalLM",
            "vocabulary": VOCABULARY_SIZE,
            "heads": [heads, key_values],
            "theta": theta,
            "tied": True,
            "dtype": "torch.float32",
            "ends": ends,
        }


@pytest.mark.parametrize("name", [BASE, INSTRUCT])
def test_tokenizers_have_smollm2s_entries_and_a_pad_that_ends_no_turn(seen, name):
    tokenizer = seen["tokenizers"][name]
    assert tokenizer["entries"] == VOCABULARY_SIZE
    assert tokenizer["special"] == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert tokenizer["end"] == ("<|im_end|>" if name == INSTRUCT else "<|endoftext|>")
    assert tokenizer["pad"] == "<|endoftext|>" and tokenizer["side"] == "left"
    assert tokenizer["digits"] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("name", [BASE, INSTRUCT])
def test_chat_templates_write_chatml_and_keep_smollm2s_system_prompt(seen, name):
    start = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n" if name == INSTRUCT else ""
    user, prompt = "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|>assistant\n"
    assert seen["tokenizers"][name]["chats"] == {
        "user": start + user + prompt,
        "system": "<|im_start|>system\nBe terse.<|im_end|>\n" + user + prompt,
        "answered": start + user + prompt + "Hello.<|im_end|>\n" + prompt,
    }
    assert seen["tokenizers"][name]["marked"] == "Hello.<|im_end|>"


def test_trainers_get_a_folder_with_the_pinned_revision(seen):
    for role in ("base", "instruct"):
        source = SMOL.model(role)
        revision, *files = seen["folders"][source.hub]
        assert revision == source.revision
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(files)


def test_the_model_answers(seen):
    assert len(seen["answers"]) == 2 and all(isinstance(text, str) for text in seen["answers"])


def fits(value, shape) -> bool:
    if isinstance(shape, list):
        return bool(value) and all(
            set(item) == set(shape[0]) and all(isinstance(v, str) for v in item.values())
            for item in value
        )
    return isinstance(value, shape) and bool(value)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_split_has_the_promised_columns(seen, name):
    splits = {key: rows for key, rows in seen["datasets"].items() if key.startswith(f"{name}/")}
    assert len(splits) == (3 if name == "facts" else 2)
    for rows in splits.values():
        assert len(rows) >= 30
        for row in rows:
            assert set(row) == set(COLUMNS[name])
            assert all(fits(row[column], shape) for column, shape in COLUMNS[name].items()), row
    texts = [{str(row) for row in rows} for rows in splits.values()]
    assert sum(map(len, texts)) == len(set.union(*texts))  # splits share no row


def test_pairs_that_show_no_preference_are_left_out(seen):
    rows = [*seen["datasets"]["preferences/train"], *seen["datasets"]["preferences/test"]]
    assert all(row["chosen"] != row["rejected"] and row["rejected"][0]["content"] for row in rows)


def test_every_revision_is_pinned_and_asked_for(seen):
    pins = [(SMOL.model(role).hub, SMOL.model(role).revision) for role in SMOL.models]
    for size in SHAPES:
        profile = profiles.smol(size)
        pins += [(profile.model(role).hub, profile.model(role).revision) for role in profile.models]
    pins += [(source.hub, source.revision) for source in SMOL.datasets.values()]
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for _, revision in pins)
    revisions = dict(pins)
    asked = {(name, revision) for _, name, revision, _ in seen["asked"] if name in revisions}
    # Two of the errors below ask for a commit that does not exist, and for main.
    asked -= {(BASE, "0" * 40), ("openai/gsm8k", "0" * 40)}
    asked -= {("openai/gsm8k", "main"), ("openai/gsm8k", MAIN)}
    assert asked == {pin for pin in pins if "SmolVLM" not in pin[0]}


def test_the_users_token_stays_at_the_hub(seen):
    assert seen["tokens_at_cdn"] == []


def test_every_source_on_the_hub_is_pinned_to_a_commit():
    """No model and no dataset means "whatever is newest there"."""
    for size in SHAPES:
        smol = profiles.smol(size)
        for source in (*smol.models.values(), *smol.datasets.values()):
            assert re.fullmatch("[0-9a-f]{40}", source.revision), source
    with pytest.raises(TypeError, match="has a revision"):
        profiles.Source("m", "org/m")
    with pytest.raises(TypeError, match="revision"):
        profiles.HubDataset("org/d", None, {}, ())


def test_both_profiles_have_the_same_models_and_datasets():
    from smolcourse import data

    tiny = profiles.get("tiny")
    for size in SHAPES:
        smol = profiles.smol(size)
        assert smol.models.keys() == tiny.models.keys()
        assert set(smol.datasets) == set(data.names())


# ---------------------------------------------------------------- what goes wrong

SENTENCES = {
    "model, gated": "rehearsal/gated.* access",
    "model, cut": "rehearsal/cut",
    "model, unknown": "rehearsal/nothing",
    "model, silent": "rehearsal/silent",
    "model, no weights": "rehearsal/bare",
    "model, unknown revision": "SmolLM2-135M",
    "model, down": "rehearsal/other",
    "dataset, gated": "rehearsal/gated",
    "dataset, cut": "rehearsal/cut",
    "dataset, unknown": "rehearsal/nothing",
    "dataset, silent": "rehearsal/silent",
    "dataset, unknown revision": "openai/gsm8k",
    "dataset, unknown configuration": "openai/gsm8k.*extra",
    "dataset, down": "rehearsal/other",
}


@pytest.mark.parametrize("case", SENTENCES)
def test_an_error_is_one_sentence(seen, case):
    text = seen["errors"][case]
    assert re.search(SENTENCES[case], text) and "tiny" in text, text
    assert "\n" not in text and text.endswith(".") and not text.startswith("!!"), text


def test_what_is_in_the_cache_is_used_when_the_hub_is_gone(seen):
    for what in ("model", "dataset"):
        assert seen["errors"][f"{what} in the cache, down"] == "!! it was loaded"


# ---------------------------------------------------------------- budgets cut short


def test_a_rehearsal_cuts_budgets_to_a_hundredth_and_claims_no_score(monkeypatch):
    from smolcourse import report

    assert not profiles.is_quick() and report.enforced()
    monkeypatch.setenv("SMOLCOURSE_QUICK", "100")
    cut = {"steps": 500, "grpo_steps": 200, "rows": 4000, "eval_rows": 200, "new_tokens": 128}
    cut |= {"batch": 64, "lr": 3e-4}
    short = {name: profiles.quick(name, value) for name, value in cut.items()}
    assert (short["steps"], short["grpo_steps"]) == (5, 2)
    assert (short["rows"], short["eval_rows"], short["new_tokens"]) == (40, 32, 32)
    assert short["batch"] == 8 and short["lr"] == 3e-4
    assert not report.enforced()
    monkeypatch.setenv("SMOLCOURSE_QUICK", "1")
    assert (profiles.quick("steps", 500), profiles.quick("batch", 64)) == (50, 64)
