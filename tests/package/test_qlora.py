"""QLoRA with bitsandbytes, for real on the CPU where it is installed. Our own 4 bits: test_nf4.py."""

import importlib.util

import pytest
import torch

from smolcourse.errors import CourseError
from smolcourse.topics import qlora


@pytest.fixture
def gpu(monkeypatch):
    """A machine that says it has a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)


@pytest.fixture(scope="module")
def four_bits():
    """The packaged base model in 4 bits on the CPU; `.ci/run` installs bitsandbytes."""
    pytest.importorskip("bitsandbytes", reason="optional: uv sync --extra qlora")
    return qlora.load("smollm2-tiny")


def test_without_bitsandbytes_one_sentence_says_how_to_install_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "bitsandbytes" else find(name, *a),
    )
    with pytest.raises(CourseError, match="uv sync --extra qlora") as caught:
        qlora.load("smollm2-tiny")
    assert str(caught.value) == qlora.obstacle() and "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_config_is_the_papers_recipe(dtype):
    config = qlora.quantization_config(dtype)
    assert config.quantization_method() == "nf4" and config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == config.bnb_4bit_quant_storage == dtype


def test_bitsandbytes_makes_the_same_4_bits_as_the_lessons_own_code(four_bits):
    """Up to the double quantisation of the scales, which nf4.py leaves out."""
    from bitsandbytes.functional import dequantize_4bit

    from smolcourse import models
    from smolcourse.topics import nf4

    plain = models.load_model("smollm2-tiny")
    layer = four_bits.model.layers[0].mlp.down_proj
    packed = nf4.quantise(plain.model.layers[0].mlp.down_proj.weight)
    codes = layer.weight.data.view(torch.uint8).flatten()
    assert torch.equal(codes, packed.codes)
    theirs, ours = (
        dequantize_4bit(layer.weight.data, layer.weight.quant_state),
        nf4.dequantise(packed),
    )
    assert (theirs.float() - ours).abs().max() < 0.03 * ours.abs().max()


def test_lora_learns_on_a_base_in_4_bits_and_leaves_it_alone(four_bits):
    from peft import get_peft_model

    from smolcourse import models

    torch.manual_seed(0)
    tokenizer = models.load_tokenizer("smollm2-tiny")
    text = "The lighthouse keeper of Brell paints every stone green."
    batch = tokenizer([text], return_tensors="pt")
    before = four_bits.model.layers[0].mlp.down_proj.weight.data.clone()
    adapted = get_peft_model(four_bits, qlora.lora_config(4)).train()
    trained = [p for p in adapted.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=5e-3)
    losses = []
    for _ in range(12):
        loss = adapted(**batch, labels=batch["input_ids"]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    down = adapted.base_model.model.model.layers[0].mlp.down_proj.base_layer
    assert type(down).__name__ == "Linear4bit" and torch.equal(
        down.weight.data.view(torch.uint8), before.view(torch.uint8)
    )


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
