"""Fixtures of the fast tests: a tiny random model, a packaged checkpoint, a closed network."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_network():
    """Fail a test that tries to reach another machine, even if the error was swallowed.

    Attempts of child processes are seen at the end of the run (root conftest.py).
    """
    guard = sys.modules["network_guard"]
    guard.attempts.clear()
    yield guard
    attempts = list(guard.attempts)
    guard.attempts.clear()
    assert not attempts, f"this test tried to use the network: {attempts}"


@pytest.fixture(autouse=True)
def no_verdicts(monkeypatch):
    """What other tests' checks found is not held against a report."""
    from smolcourse import verdicts

    monkeypatch.setattr(verdicts, "RESULTS", {})


@pytest.fixture
def forget_attempts(no_network, monkeypatch, tmp_path):
    """For tests of the guard itself: their attempts are not held against the run."""
    monkeypatch.setenv("SMOLCOURSE_NETWORK_LOG", str(tmp_path / "network.log"))
    yield no_network
    no_network.attempts.clear()


def make_tokenizer():
    """A byte-level tokenizer with SmolLM2's first three special tokens; 259 entries."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from smolcourse.chatml import CHAT_TEMPLATE, SPECIAL_TOKENS

    special = SPECIAL_TOKENS[:3]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: at for at, token in enumerate([*special, *alphabet])}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(special)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_model(seed: int = 0):
    """A Llama of about 30,000 random parameters, spread wide so that its output varies."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=259,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.5,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def tokenizer():
    return make_tokenizer()


@pytest.fixture(scope="session")
def model():
    return make_model()


@pytest.fixture(scope="session")
def checkpoint_source(tmp_path_factory) -> Path:
    """A folder with the checkpoints smollm2-tiny and smollm2-tiny-instruct; don't change it."""
    from smolcourse.models import write_manifest

    top = tmp_path_factory.mktemp("checkpoints")
    for name in ("smollm2-tiny", "smollm2-tiny-instruct"):
        make_model().save_pretrained(top / name)
        make_tokenizer().save_pretrained(top / name)
        (top / name / "README.md").write_text("A random model for tests.\n", encoding="utf-8")
        write_manifest(top / name)
    return top


@pytest.fixture
def checkpoints(checkpoint_source, tmp_path, monkeypatch) -> Path:
    """A copy of those checkpoints that the package uses instead of its own; may be damaged."""
    import shutil

    from smolcourse import models

    top = tmp_path / "checkpoints"
    shutil.copytree(checkpoint_source, top)
    monkeypatch.setattr(models, "PACKAGED", top)
    monkeypatch.delenv("SMOLCOURSE_CHECKPOINTS", raising=False)
    return top


@pytest.fixture
def run_cli(capfd, monkeypatch):
    """Run the command line in this process: `run_cli("doctor", "--json")` -> (code, out, err)."""
    from smolcourse.commands import app as cli

    def run(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["smolcourse", *map(str, arguments)])
        code = cli.main()
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    monkeypatch.setitem(os.environ, "COLUMNS", "100")
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    return run
