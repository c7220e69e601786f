"""Adapters of every kind that PEFT has: saved, loaded on a fresh base, and they compute the same."""

import json

import peft
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from smolcourse.errors import CourseError
from smolcourse.topics.adapters import hashes, load_adapter, save_adapter

IDS = torch.tensor([[1, 5, 9, 2]])
QV = ["q_proj", "v_proj"]
TASK = {"task_type": "CAUSAL_LM"}


def base(seed=0):
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=12, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True, attention_bias=True,
        initializer_range=0.3,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():  # they are zero at first, and a trained bias would hide among them
        for name, parameter in model.named_parameters():
            if name.endswith(".bias"):
                parameter.normal_()
    model.name_or_path = "acme/tiny"
    return model


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def lora(**options):
    return LoraConfig(**{"r": 2, "target_modules": QV} | TASK | options)


def other(name, **options):
    return getattr(peft, name)(**{"target_modules": QV} | TASK | options)


def kasa():
    from peft.tuners.lora.config import KasaConfig

    return lora(kasa_config=KasaConfig())


TIED = {"ensure_weight_tying": True}
KINDS = {
    "lora": lora,
    "all linear": lambda: lora(target_modules="all-linear"),
    "pissa": lambda: lora(init_lora_weights="pissa"),
    "pissa everywhere": lambda: lora(target_modules="all-linear", init_lora_weights="pissa"),
    "olora": lambda: lora(init_lora_weights="olora"),
    "kasa": kasa,
    "dora": lambda: lora(use_dora=True),
    "all biases": lambda: lora(bias="all"),
    "the layers' biases": lambda: lora(bias="lora_only"),
    "replicated layers": lambda: lora(layer_replication=[[0, 2], [1, 2]]),
    "embeddings": lambda: lora(target_modules=["q_proj", "embed_tokens"]),
    "tied embeddings": lambda: lora(target_modules=["q_proj", "embed_tokens"], **TIED),
    "saved norm": lambda: lora(modules_to_save=["norm"]),
    "saved embeddings": lambda: lora(modules_to_save=["embed_tokens"]),
    "saved embeddings, tied": lambda: lora(modules_to_save=["embed_tokens"], **TIED),
    "saved head, tied": lambda: lora(modules_to_save=["lm_head"], **TIED),
    "saved both, tied": lambda: lora(modules_to_save=["embed_tokens", "lm_head"], **TIED),
    "trainable tokens": lambda: lora(trainable_token_indices=[1, 5]),
    "trainable tokens, tied": lambda: lora(trainable_token_indices=[1, 5], **TIED),
    "trainable tokens alone": lambda: peft.TrainableTokensConfig(token_indices=[1, 5], **TASK),
    "ia3": lambda: other(
        "IA3Config", target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]
    ),
    "ia3 and a norm": lambda: other(
        "IA3Config", target_modules=["k_proj"], feedforward_modules=[], modules_to_save=["norm"]
    ),
    "loha": lambda: other("LoHaConfig", r=2),
    "lokr": lambda: other("LoKrConfig", r=2),
    "oft": lambda: other("OFTConfig", oft_block_size=4),
    "vera": lambda: other("VeraConfig", r=4, target_modules=["q_proj"]),
    "adalora": lambda: other("AdaLoraConfig", total_step=10),
    "layer norms": lambda: other("LNTuningConfig", target_modules=["norm"]),
    "randlora": lambda: other("RandLoraConfig", r=2),
    "prefix": lambda: peft.PrefixTuningConfig(num_virtual_tokens=3, **TASK),
    "adaption prompt": lambda: peft.AdaptionPromptConfig(adapter_len=3, adapter_layers=1, **TASK),
}
DRAWN = {
    "pissa, fast": lambda: lora(init_lora_weights="pissa_niter_1"),
    "lora-ga": lambda: lora(init_lora_weights="lora_ga"),
}


def trained(config):
    """A PEFT model whose trainable weights have moved from their start."""
    model = get_peft_model(base(), config)
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=chance) * 0.3)
    return model.eval()


@pytest.mark.parametrize("kind", [*KINDS, *DRAWN])
def test_saved_and_loaded_it_computes_the_same(kind, tmp_path):
    model = trained((KINDS | DRAWN)[kind]())
    want = logits(model)
    assert (want - logits(base())).abs().max() > 1e-5  # it does something
    fresh = base()
    torch.manual_seed(7)  # what a start draws on loading is not what it drew before
    loaded = load_adapter(fresh, save_adapter(model, tmp_path / "own"))
    torch.testing.assert_close(logits(loaded), want, atol=1e-4, rtol=0)
    # Once more, from what was loaded.
    again = load_adapter(base(), save_adapter(loaded, tmp_path / "again"))
    torch.testing.assert_close(logits(again), want, atol=1e-4, rtol=0)
    if kind in KINDS:  # as PEFT saves it, without a fingerprint
        model.save_pretrained(tmp_path / "peft")
        loaded = load_adapter(base(), tmp_path / "peft")
        torch.testing.assert_close(logits(loaded), want, atol=1e-4, rtol=0)


CHANGING = ("pissa", "pissa everywhere", "olora", "kasa")  # their start alters the base itself
BIASES = ("all biases", "the layers' biases")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in CHANGING + BIASES])
def test_the_base_looks_the_same_beneath_every_kind(kind):
    assert hashes(trained(KINDS[kind]())) == hashes(base())


@pytest.mark.parametrize("kind", [*KINDS, *DRAWN])
def test_every_kind_is_refused_on_other_weights(kind, tmp_path):
    folder = save_adapter(trained((KINDS | DRAWN)[kind]()), tmp_path / "a")
    with pytest.raises(CourseError, match="this model has other weights"):
        load_adapter(base(seed=3), folder)


def test_a_small_file_stays_small_and_says_what_its_start_changed(tmp_path):
    folder = save_adapter(trained(KINDS["pissa"]()), tmp_path / "a")
    assert {file.name for file in folder.iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "base.json",
    }  # fmt: skip
    layers = [f"model.layers.{at}.self_attn.{layer}.weight" for at in (0, 1) for layer in QV]
    assert json.loads((folder / "base.json").read_text())["changed"] == layers
    plain = save_adapter(trained(lora()), tmp_path / "b")
    assert set(json.loads((plain / "base.json").read_text())) == {"name", "fingerprint"}
    # The file of a start by chance does not outlive the adapter that it belongs to.
    save_adapter(trained(DRAWN["pissa, fast"]()), folder)
    assert (folder / "base_changed.safetensors").is_file()
    save_adapter(trained(KINDS["pissa"]()), folder)
    assert not (folder / "base_changed.safetensors").exists()


def test_a_start_by_chance_without_what_it_changed_is_one_sentence(tmp_path):
    model = trained(DRAWN["pissa, fast"]())
    model.save_pretrained(tmp_path / "peft")
    fresh = base()
    torch.manual_seed(7)
    wrong = PeftModel.from_pretrained(fresh, tmp_path / "peft")  # no error, and nonsense
    assert (logits(wrong) - logits(model)).abs().max() > 1e-3
    with pytest.raises(CourseError, match="began with pissa_niter_1, .* by chance"):
        load_adapter(base(), tmp_path / "peft")
    folder = save_adapter(model, tmp_path / "own")
    (folder / "base_changed.safetensors").write_bytes(b"half")
    with pytest.raises(CourseError, match="base_changed.safetensors in 'own' is damaged"):
        load_adapter(base(), folder)


@pytest.mark.parametrize("kind", [*CHANGING, *DRAWN])
def test_an_adapter_that_changes_the_base_is_refused_beside_others(kind, tmp_path):
    plain = save_adapter(trained(lora()), tmp_path / "plain")
    changing = save_adapter(trained((KINDS | DRAWN)[kind]()), tmp_path / "changing")
    model = load_adapter(base(), plain)
    before = logits(model)
    with pytest.raises(CourseError, match="other adapters need them as they are"):
        load_adapter(model, changing, "second")
    assert torch.equal(logits(model), before)
    if kind not in DRAWN or kind == "pissa, fast":  # LoRA-GA without gradients changes nothing
        model = load_adapter(base(), changing)
        logits(model)  # KaSA changes the base when it is first used
        with pytest.raises(CourseError, match="this model has other weights"):
            load_adapter(model, plain, "second")
