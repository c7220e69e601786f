"""QLoRA with bitsandbytes: what can be tested without a GPU. The 4 bits themselves: test_nf4.py."""

import importlib.util

import pytest
import torch

from smolcourse import qlora
from smolcourse.errors import CourseError


@pytest.fixture
def gpu(monkeypatch):
    """A machine that says it has a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)


def without(monkeypatch, library):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == library else find(name, *a)
    )


def test_a_machine_without_a_gpu_hears_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CourseError) as caught:
        qlora.load("smollm2-tiny")
    assert "NVIDIA GPU" in str(caught.value) and str(caught.value).count("\n") == 0
    assert str(caught.value) == qlora.obstacle()


def test_a_gpu_without_bitsandbytes_hears_how_to_install_it(monkeypatch, gpu):
    without(monkeypatch, "bitsandbytes")
    with pytest.raises(CourseError, match="uv pip install bitsandbytes"):
        qlora.load("smollm2-tiny")


@pytest.mark.parametrize(("bf16", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_the_config_is_the_papers_recipe(bf16, dtype):
    config = qlora.quantization_config(bf16)
    assert config.quantization_method() == "nf4" and config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == config.bnb_4bit_quant_storage == dtype


def test_lora_reaches_every_linear_layer_of_the_blocks(model):
    import copy

    from peft import get_peft_model

    adapted = get_peft_model(copy.deepcopy(model), qlora.lora_config(4))
    names = {n.split(".")[-4] for n, p in adapted.named_parameters() if p.requires_grad}
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert adapted.peft_config["default"].lora_alpha == 8


@pytest.mark.parametrize("rank", [0, -1, 2.5, True, None])
def test_a_rank_that_is_none_is_refused(rank):
    with pytest.raises(CourseError, match="rank"):
        qlora.lora_config(rank)


def test_load_asks_transformers_for_4_bits_on_this_processs_gpu(monkeypatch, gpu, checkpoints):
    """The call that a GPU machine would make, up to the library's door."""
    import importlib.machinery

    import peft
    from transformers import AutoModelForCausalLM

    find, asked = importlib.util.find_spec, {}
    there = importlib.machinery.ModuleSpec("bitsandbytes", None)
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: there if name == "bitsandbytes" else find(name, *a),
    )
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(
        AutoModelForCausalLM,
        "from_pretrained",
        lambda where, **options: asked.update(options, where=where) or "a model",
    )
    monkeypatch.setattr(
        peft, "prepare_model_for_kbit_training", lambda model, **_: f"{model}, ready"
    )
    assert qlora.load("smollm2-tiny") == "a model, ready"
    assert asked["device_map"] == {"": 1} and asked["dtype"] == torch.bfloat16
    assert asked["quantization_config"].load_in_4bit
    assert asked["where"].endswith("smollm2-tiny") and asked["local_files_only"]
