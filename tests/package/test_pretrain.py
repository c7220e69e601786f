"""Pretraining can be killed at any moment and goes on to the same weights; errors are sentences."""

import errno
import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import small
import torch

from smolcourse.errors import CourseError
from smolcourse.recipes import pretrain
from smolcourse.recipes.pretrain import Recipe, TokenStream, train_base
from smolcourse.recipes.run_files import load_state, save_state
from smolcourse.world.corpus import document

RECIPE = small.RECIPE


@pytest.fixture
def out(tmp_path):
    """A run folder that already holds the small tokenizer, so that no test trains a large one."""
    small.tokenizer().save_pretrained(tmp_path / "run" / "tokenizer")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The weights after a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    small.tokenizer().save_pretrained(folder / "tokenizer")
    model, _, seconds = train_base(RECIPE, folder, progress=False)
    assert seconds > 0 and not model.training
    return model.state_dict()


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def one_sentence(error) -> str:
    text = str(error.value)
    assert text and "\n" not in text and text.endswith(".")
    return text


# ---------------------------------------------------------------- the same result after a stop

CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import small
from smolcourse.recipes import pretrain

batch = pretrain.TokenStream.batch
def slow(stream, position, count):
    if position >= 5 * small.RECIPE.tokens_per_step:
        time.sleep(300)  # wait for the kill in the sixth step
    return batch(stream, position, count)
pretrain.TokenStream.batch = slow
pretrain.train_base(small.RECIPE, Path(sys.argv[1]), progress=False)
"""


def test_a_killed_run_goes_on_to_the_same_weights(out, whole):
    """kill -9 of a real process: its last two steps are lost and done again."""
    arguments = [sys.executable, "-c", CHILD, str(out), str(small.__file__).rpartition("/")[0]]
    child = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 120
        while not (out / "state.pt").exists():
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < until, "the child has saved nothing"
            time.sleep(0.01)
    finally:
        child.kill()
        child.wait()
        child.stderr.close()
    assert child.returncode == -signal.SIGKILL
    state = load_state(out / "state.pt", RECIPE)
    assert state["step"] == RECIPE.save_every
    model, _, seconds = train_base(RECIPE, out, progress=False)
    assert same(model.state_dict(), whole) and seconds > state["seconds"]


def test_a_stopped_run_goes_on_to_the_same_weights(out, whole):
    model, tokenizer, _ = train_base(RECIPE, out, progress=False, stop_after=5)
    assert model is None and len(tokenizer) == 1536
    for _ in range(2):
        model, _, _ = train_base(RECIPE, out, progress=False, stop_after=5)
    assert same(model.state_dict(), whole)
    # A finished run only loads.
    again, _, _ = train_base(RECIPE, out, progress=False)
    assert same(again.state_dict(), whole)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [5, 10, 12]


def test_a_kill_while_saving_keeps_the_old_state(out, monkeypatch):
    train_base(RECIPE, out, progress=False, stop_after=3)
    before = (out / "state.pt").read_bytes()

    def killed(state, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        train_base(RECIPE, out, progress=False, stop_after=3)
    assert (out / "state.pt").read_bytes() == before
    monkeypatch.undo()
    train_base(RECIPE, out, progress=False, stop_after=3)
    assert load_state(out / "state.pt", RECIPE)["step"] == 6


def test_the_seed_decides_the_weights(whole):
    torch.manual_seed(99)
    assert same(small.model().state_dict(), small.model().state_dict())
    assert not same(small.model().state_dict(), small.model(replace(RECIPE, seed=2)).state_dict())
    assert not same(small.model().state_dict(), whole)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("change", [{"seed": 9}, {"hidden_size": 64}, {"steps": 13}])
def test_a_state_of_another_recipe_is_refused(out, change):
    train_base(RECIPE, out, progress=False, stop_after=1)
    before = (out / "state.pt").read_bytes()
    with pytest.raises(CourseError, match="another recipe.*--out") as error:
        train_base(replace(RECIPE, **change), out, progress=False)
    one_sentence(error)
    assert (out / "state.pt").read_bytes() == before


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_truncated_state_is_one_sentence(out, keep):
    train_base(RECIPE, out, progress=False, stop_after=1)
    state = (out / "state.pt").read_bytes()
    (out / "state.pt").write_bytes(state[: int(len(state) * keep)])
    with pytest.raises(CourseError, match="can't be read.*delete that file") as error:
        train_base(RECIPE, out, progress=False)
    one_sentence(error)


def test_a_file_that_is_no_state_is_one_sentence(out):
    torch.save([1, 2], out / "state.pt")
    with pytest.raises(CourseError, match="can't be read") as error:
        load_state(out / "state.pt", RECIPE)
    one_sentence(error)
    assert load_state(out / "none.pt", RECIPE) is None


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("write failed")]
)
def test_a_full_disk_is_one_sentence_and_loses_nothing(out, monkeypatch, failure):
    train_base(RECIPE, out, progress=False, stop_after=3)
    before = (out / "state.pt").read_bytes()

    def full(state, path):
        path.write_bytes(b"the first half")
        raise failure

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CourseError, match="free some disk space") as error:
        train_base(RECIPE, out, progress=False)
    one_sentence(error)
    assert (out / "state.pt").read_bytes() == before
    assert sorted(p.name for p in out.iterdir()) == ["log.jsonl", "state.pt", "tokenizer"]


def test_save_state_replaces_whole(tmp_path):
    for value in (1, 2):
        save_state(tmp_path / "state.pt", {"value": value})
        assert torch.load(tmp_path / "state.pt") == {"value": value}
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_main_refuses_what_it_cannot_do(tmp_path):
    with pytest.raises(CourseError, match="no recipe.*'smollm3'.*smollm2-tiny") as error:
        pretrain.main("smollm3", tmp_path)
    one_sentence(error)
    (tmp_path / "log.jsonl").write_text("")
    with pytest.raises(CourseError, match="already holds a run") as error:
        pretrain.main("smollm2-tiny", tmp_path, resume=False)
    one_sentence(error)


# ---------------------------------------------------------------- parts


def test_the_stream_is_all_documents_in_a_row():
    tokenizer = small.tokenizer()
    expected = []
    for i in range(60):
        expected += [0, *tokenizer(document(3, i))["input_ids"]]
    stream = TokenStream(tokenizer, 3, document, block=7)
    at, got = 0, []
    for count in (1, 50, 3, 700, 2, 500, 64, 64):
        got += stream.batch(at, count)
        at += count
    assert got == expected[:at]
    # From any position on, and the same position twice.
    for block in (1, 10, 1000):
        stream = TokenStream(tokenizer, 3, document, block=block)
        assert stream.batch(333, 100) == stream.batch(333, 100) == expected[333:433]
        assert stream.batch(900, 10) == expected[900:910]
    with pytest.raises(ValueError, match="back"):
        stream.batch(5, 10)


def test_the_stream_forgets_what_is_behind():
    stream = TokenStream(small.tokenizer(), 3, document, block=10)
    for at in range(0, 20_000, 500):
        stream.batch(at, 500)
    assert len(stream.ids) < 3000


def test_the_learning_rate_warms_up_holds_and_falls():
    recipe = Recipe(steps=1000, warmup=100, cooldown=0.4, learning_rate=1.0)
    assert recipe.rate(0) == 0.01 and math.isclose(recipe.rate(49), 0.5)
    assert recipe.rate(99) == recipe.rate(300) == recipe.rate(600) == 1.0
    assert math.isclose(recipe.rate(800), 0.5) and 0 < recipe.rate(999) < 0.01
    rates = [recipe.rate(step) for step in range(1000)]
    assert max(rates) == 1.0 and min(rates) > 0
    assert recipe.tokens_per_step == recipe.batch_size * recipe.context


def test_the_model_is_smollm2s_architecture():
    from transformers import LlamaForCausalLM

    model = pretrain.make_model(Recipe(), 1536)
    assert isinstance(model, LlamaForCausalLM)
    assert sum(p.numel() for p in model.parameters()) <= 4_000_000
    assert model.lm_head.weight is model.model.embed_tokens.weight
    config = model.config
    assert config.num_key_value_heads < config.num_attention_heads
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (0, 0, 16)


def test_training_learns(tmp_path):
    """A hundred small steps on one sentence: it is known by heart."""
    small.tokenizer().save_pretrained(tmp_path / "tokenizer")
    recipe = replace(RECIPE, steps=100, learning_rate=1e-2, save_every=1000)
    train_base(recipe, tmp_path, progress=False, text=lambda seed, i: "The capital is Paris.")
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[0]["loss"] > 3 and log[-1]["loss"] < 0.5


def test_main_writes_a_whole_checkpoint(tmp_path, monkeypatch):
    from smolcourse import models
    from smolcourse.recipes import score

    monkeypatch.setattr(pretrain, "Recipe", lambda: replace(RECIPE, steps=2))
    monkeypatch.setattr(pretrain, "make_tokenizer", small.tokenizer)
    statements, facts = score.score_statements, score.score_chat_facts
    monkeypatch.setattr(score, "score_statements", lambda m, t: statements(m, t, limit=2))
    monkeypatch.setattr(score, "score_chat_facts", lambda m, t: facts(m, t, n=3))
    folder = pretrain.main("smollm2-tiny", tmp_path, device="cpu", progress=False)
    assert folder == tmp_path / "smollm2-tiny"
    models.verify(folder)
    model, tokenizer = models.load_model(folder), models.load_tokenizer(folder)
    assert model(**tokenizer("Hello.", return_tensors="pt")).logits.shape[-1] == 1536
    card = (folder / "README.md").read_text()
    assert "| completes its facts from a statement |" in card and "| steps | 2 |" in card
