"""An adapter is saved with its base's fingerprint, and loaded onto that base or onto none."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, PeftModel, PromptTuningConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from smolcourse.errors import CourseError
from smolcourse.topics.adapters import (
    base_tensors,
    fingerprint,
    hashes,
    load_adapter,
    save_adapter,
)

IDS = torch.tensor([[1, 5, 9, 2]])


def base(seed=0, width=16, layers=2, name="acme/tiny"):
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=11, hidden_size=width, intermediate_size=24, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    model.name_or_path = name
    return model


def adapted(model, name="default", seed=1):
    torch.manual_seed(seed)
    config = LoraConfig(
        r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM"
    )
    if isinstance(model, PeftModel):
        model.add_adapter(name, config)
        return model
    return get_peft_model(model, config, adapter_name=name).eval()


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


@pytest.fixture
def saved(tmp_path):
    """(folder of a good adapter, the logits of the model that it was saved from)."""
    model = adapted(base())
    return save_adapter(model, tmp_path / "polite"), logits(model)


def sentence(*args, **options):
    with pytest.raises(CourseError) as caught:
        load_adapter(*args, **options)
    text = str(caught.value)
    assert "\n" not in text and text.endswith((".", ")")) and len(text) < 300, text
    return text


def test_saved_and_loaded_it_computes_the_same(saved):
    folder, want = saved
    names = {file.name for file in folder.iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors", "base.json"}
    model = load_adapter(base(), folder, "manner")
    assert torch.equal(logits(model), want) and not torch.equal(logits(base()), want)
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert torch.equal(logits(PeftModel.from_pretrained(base(), str(folder))), want)  # PEFT alone


def test_a_second_adapter_joins_the_first_and_the_first_stays_active(saved, tmp_path):
    folder, want = saved
    other = save_adapter(adapted(base(), seed=2), tmp_path / "loud")
    model = load_adapter(load_adapter(base(), folder, "polite"), other, "loud")
    assert model.active_adapter == "polite" and torch.equal(logits(model), want)
    model.set_adapter("loud")
    assert not torch.equal(logits(model), want)
    assert hashes(model) == hashes(base())
    again = save_adapter(model, tmp_path / "again", "polite")  # one of two, by name
    assert torch.equal(logits(load_adapter(base(), again)), want)
    assert "already has an adapter 'loud'" in sentence(model, folder, "loud")


def test_the_base_looks_the_same_with_and_without_adapters():
    model = base()
    before, print_before = hashes(model), fingerprint(model)
    model = adapted(adapted(model, "a"), "b")
    assert hashes(model) == before and fingerprint(model) == print_before
    assert base_tensors(model).keys() == dict(base().named_parameters()).keys()
    with torch.no_grad():
        next(iter(base_tensors(model).values()))[0, 0] += 1e-6
    assert sum(new != before[name] for name, new in hashes(model).items()) == 1


def test_the_fingerprint_knows_a_checkpoint_in_both_precisions():
    model = base().to(torch.bfloat16)
    assert fingerprint(model) == fingerprint(base().to(torch.bfloat16).float())
    assert fingerprint(model) != fingerprint(base(seed=5).to(torch.bfloat16))


def test_another_base_is_refused_by_name_or_by_weights(saved):
    folder, _ = saved
    text = sentence(base(seed=5, name="acme/other"), folder)
    assert "trained on acme/tiny, and this model is acme/other" in text
    text = sentence(base(seed=5), folder)
    assert "other weights (was it fine-tuned, or an adapter merged into it?)" in text
    assert sentence(base(seed=5, name=""), folder)
    load_adapter(base(seed=5), folder, any_base=True)
    # The same weights under another name are the same weights.
    load_adapter(base(name="copy/of-tiny"), folder)


def test_without_a_fingerprint_the_names_decide(saved):
    folder, _ = saved
    (folder / "base.json").unlink()
    assert "this model is acme/other" in sentence(base(name="acme/other"), folder)
    load_adapter(base(), folder)
    load_adapter(base(name="mirror/tiny"), folder)
    load_adapter(base(name=""), folder)


def test_a_path_does_not_travel_with_the_adapter(tmp_path):
    place = tmp_path / "home" / "my-model"
    base().save_pretrained(place)
    model = LlamaForCausalLM.from_pretrained(place)
    folder = save_adapter(adapted(model), tmp_path / "adapter")
    for file in ("adapter_config.json", "base.json"):
        assert str(tmp_path) not in (folder / file).read_text()
    assert json.loads((folder / "base.json").read_text())["name"] == "my-model"


def _cut(folder):
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _pickle(folder):
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def _whole_model(folder):
    shutil.rmtree(folder)
    base().save_pretrained(folder)


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (shutil.rmtree, "There is no adapter in 'polite'"),
        (lambda f: (f / "adapter_config.json").unlink(), "adapter_config.json is missing"),
        (lambda f: (f / "adapter_config.json").write_text('{"r": '), "adapter_config.json"),
        (lambda f: (f / "adapter_config.json").write_text("{}"), "adapter_config.json"),
        (lambda f: (f / "adapter_config.json").write_text("[]"), "adapter_config.json"),
        (lambda f: (f / "adapter_model.safetensors").unlink(), "has no adapter_model"),
        (lambda f: (f / "adapter_model.safetensors").write_text(""), "half downloaded"),
        (_cut, "half downloaded"),
        (_pickle, "pickle"),
        (_whole_model, "whole model and not an adapter"),
        (lambda f: (f / "base.json").write_text("{"), "base.json"),
    ],
)
def test_damage_is_one_sentence_and_leaves_the_model_alone(saved, damage, part):
    folder, _ = saved
    damage(folder)
    model = base()
    assert part in sentence(model, folder)
    assert hashes(model) == hashes(base()) and not hasattr(model, "peft_config")


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ({"width": 32}, "takes 32 numbers here and 16 in the adapter"),
        ({"layers": 1}, "it has weights for model.layers.1.self_attn.q_proj, which this model lacks"),
        ({"layers": 3}, "it has no weights for model.layers.2.self_attn.q_proj"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_one_sentence(saved, other, part):
    folder, _ = saved
    text = sentence(base(**other), folder, any_base=True)
    assert "does not fit this model" in text and part in text


def test_a_merged_adapter_is_in_the_way(saved, tmp_path):
    folder, want = saved
    model = load_adapter(base(), folder)
    model.merge_adapter()
    assert "unmerge_adapter" in sentence(model, folder, "second")
    with pytest.raises(CourseError, match="unmerge_adapter"):
        save_adapter(model, tmp_path / "merged")
    model.unmerge_adapter()
    assert torch.allclose(logits(model), want, atol=1e-5)
    # Merged for good, there is no adapter left, and the weights are others.
    merged = load_adapter(base(), folder).merge_and_unload()
    assert "merged into it" in sentence(merged, folder)


def test_there_must_be_an_adapter_to_save(tmp_path):
    with pytest.raises(CourseError, match="no adapter to save"):
        save_adapter(base(), tmp_path / "x")
    with pytest.raises(CourseError, match="no adapter named 'polite'"):
        save_adapter(adapted(base()), tmp_path / "x", "polite")
    assert not (tmp_path / "x").exists()


def test_a_learned_prompt_is_an_adapter_too(tmp_path):
    config = PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM")
    model = get_peft_model(base(), config).eval()
    folder = save_adapter(model, tmp_path / "prompt")
    assert torch.allclose(logits(load_adapter(base(), folder)), logits(model), atol=1e-6)
    assert "trained on acme/tiny" in sentence(base(seed=5, name="acme/other"), folder)
