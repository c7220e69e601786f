"""Checkpoints are verified before a library sees them."""

import json
import shutil

import pytest

from smolcourse import models, profiles
from smolcourse.errors import CourseError


def test_a_whole_checkpoint_loads_in_float32_and_offline(checkpoints):
    import torch

    tokenizer = models.load_tokenizer("smollm2-tiny")
    model = models.load_model(profiles.get("tiny").model("base"))
    assert tokenizer.padding_side == "left" and tokenizer.pad_token_id == 0
    assert model.dtype == torch.float32 and not model.training
    assert models.names() == ["smollm2-tiny", "smollm2-tiny-instruct"]


def _cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _flip(folder):
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (_cut, "model.safetensors is damaged or only half downloaded"),
        (_flip, "model.safetensors is damaged or only half downloaded"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda f: (f / "tokenizer.json").write_text(""), "tokenizer.json is empty"),
        (lambda f: (f / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda f: (f / "manifest.json").write_text("{"), "manifest.json is not readable"),
        (lambda f: (f / "manifest.json").write_text("[]"), "manifest.json is not readable"),
        (lambda f: (f / "manifest.json").write_text("{}"), "config.json is not listed"),
    ],
)
def test_damage_is_one_sentence(checkpoints, damage, part):
    damage(checkpoints / "smollm2-tiny")
    for load in (models.load_model, models.load_tokenizer):
        with pytest.raises(CourseError) as caught:
            load("smollm2-tiny")
        text = str(caught.value)
        assert part in text and "git checkout" in text and "\n" not in text
    models.load_tokenizer("smollm2-tiny-instruct")  # the other one is untouched


def test_a_cut_file_in_a_folder_of_the_learners_own_is_one_sentence(checkpoints, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(checkpoints / "smollm2-tiny", own)
    (own / "manifest.json").unlink()
    assert models.load_model(own) is not None
    _cut(own)
    with pytest.raises(CourseError) as caught:
        models.load_model(own)
    assert "damaged or only half downloaded" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [TypeError("no keyword 'dtype'"), AttributeError("x")])
def test_an_error_in_the_code_is_not_called_damage(checkpoints, error):
    def loader(*_, **__):
        raise error

    with pytest.raises(type(error)):
        models.load_with(loader, "smollm2-tiny")


def test_unknown_names_and_folders(checkpoints, tmp_path):
    with pytest.raises(CourseError, match="did you mean 'smollm2-tiny'"):
        models.path("smollm-tiny")
    with pytest.raises(CourseError, match="no folder"):
        models.resolve(str(tmp_path / "nowhere"))
    with pytest.raises(CourseError, match="no config.json"):
        models.resolve(tmp_path)


def test_no_checkpoint_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "PACKAGED", tmp_path)
    monkeypatch.delenv("SMOLCOURSE_CHECKPOINTS", raising=False)
    with pytest.raises(CourseError, match="pretrain --checkpoint smollm2-tiny"):
        models.path("smollm2-tiny")


def test_extra_folders_come_first(checkpoints, tmp_path, monkeypatch):
    extra = tmp_path / "extra"
    shutil.copytree(checkpoints / "smollm2-tiny", extra / "smollm2-tiny")
    shutil.copytree(checkpoints / "smollm2-tiny", extra / "new-model")
    monkeypatch.setenv("SMOLCOURSE_CHECKPOINTS", str(extra))
    assert models.path("smollm2-tiny") == extra / "smollm2-tiny"
    assert "new-model" in models.names()


def test_the_manifest_covers_every_file(checkpoints):
    folder = checkpoints / "smollm2-tiny"
    (folder / "extra.txt").write_text("x")
    manifest = models.write_manifest(folder)
    assert "extra.txt" in manifest and "manifest.json" not in manifest
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert models.problems(folder) == []


def test_the_hub_without_a_network_is_one_sentence():
    with pytest.raises(CourseError) as caught:
        models.load_tokenizer(profiles.get("smol").model("base"))
    assert "SMOLCOURSE_PROFILE=tiny" in str(caught.value) and "\n" not in str(caught.value)


def saved_tokenizer(folder, words, **special):
    """A tokenizer of a few words that names these special tokens."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import LlamaConfig, PreTrainedTokenizerFast

    LlamaConfig().save_pretrained(folder)
    inner = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}))
    PreTrainedTokenizerFast(tokenizer_object=inner, **special).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("words", "special", "pad"),
    [
        (["<|endoftext|>", "<|im_end|>"], {"eos_token": "<|im_end|>"}, "<|endoftext|>"),
        # SmolLM2's base: its end of text is not what ends a turn.
        (["<|endoftext|>", "<|im_end|>"], {"eos_token": "<|endoftext|>"}, "<|endoftext|>"),
        # Llama 2: nothing spare but the unknown token.
        (["<unk>", "</s>"], {"eos_token": "</s>", "unk_token": "<unk>"}, "<unk>"),
    ],
)
def test_a_tokenizer_without_pad_gets_one_that_ends_no_turn(tmp_path, words, special, pad, recwarn):
    tokenizer = models.load_tokenizer(saved_tokenizer(tmp_path, words, **special))
    assert (tokenizer.pad_token, tokenizer.eos_token) == (pad, special["eos_token"])
    assert not [w for w in recwarn if "padding token" in str(w.message)]


def test_a_tokenizer_with_nothing_but_its_end_to_pad_with_is_one_clear_sentence(tmp_path):
    folder = saved_tokenizer(tmp_path / "gpt", ["<|endoftext|>"], eos_token="<|endoftext|>")
    with pytest.warns(UserWarning, match="no padding token") as caught:
        tokenizer = models.load_tokenizer(folder)
    assert tokenizer.pad_token == "<|endoftext|>"
    text = str(caught[0].message)
    assert "gpt" in text and "add_special_tokens" in text and "\n" not in text


def test_a_tokenizer_with_nothing_at_all_to_pad_with_is_one_clear_sentence(tmp_path):
    folder = saved_tokenizer(tmp_path / "bare", ["a"])
    with pytest.raises(CourseError, match="of bare has no padding token.*add_special_tokens"):
        models.load_tokenizer(folder)
