"""What a base is called, whatever wrote it down; and where it is found when only a name is left."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model

from smolcourse import models
from smolcourse.errors import CourseError
from smolcourse.programs import chat
from smolcourse.topics import on_its_base
from smolcourse.topics.adapters import load_adapter, save_adapter
from smolcourse.topics.bases import base_name, called, same_base


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (None, ""),
        ("", ""),
        ("tiny", "tiny"),
        ("acme/tiny", "acme/tiny"),
        ("./acme/tiny", "tiny"),
        ("~/tiny", "tiny"),
        ("/data/models/tiny/", "tiny"),
        ("D:\\me\\models\\tiny", "tiny"),
        ("D:\\me\\models\\tiny\\", "tiny"),
        ("C:/models/tiny", "tiny"),
        ("models\\tiny", "tiny"),
        ("\\\\server\\share\\tiny", "tiny"),
        ("/data/.cache/huggingface/hub/models--acme--tiny/snapshots/93efa2f", "acme/tiny"),
        ("C:\\hub\\models--acme--tiny\\snapshots\\93efa2f\\", "acme/tiny"),
        ("/cache/models--gpt2/snapshots/93efa2f", "gpt2"),
        ("/data/.cache/modelscope/hub/models/acme/SmolLM2-1___7B", "SmolLM2-1.7B"),
        ("https://huggingface.co/acme/tiny", "tiny"),
    ],
)
def test_what_a_base_is_called(where, name):
    assert called(where) == name


def test_a_folder_of_two_parts_is_no_hub_id(tmp_path, monkeypatch):
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert called("runs/tiny") == "tiny"


def adapted(model):
    torch.manual_seed(1)
    config = LoraConfig(
        r=2, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config).eval()


def named(model, name):
    model.name_or_path = name
    return model


def renamed(folder, name):
    """The adapter as PEFT saves it: no fingerprint, and its base called `name`."""
    (folder / "base.json").unlink()
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text()) | {"base_model_name_or_path": name}
    file.write_text(json.dumps(config))
    return folder


WRITTEN = [
    "acme/Tiny",
    "Acme/tiny",
    "D:\\me\\models\\tiny",
    "/data/.cache/huggingface/hub/models--acme--tiny/snapshots/93efa2f",
    "D:\\hub\\models--Acme--Tiny\\snapshots\\93efa2f",
    "/data/tiny/",
]


@pytest.mark.parametrize("here", WRITTEN)
@pytest.mark.parametrize("there", WRITTEN)
def test_one_base_has_one_name_on_both_sides(model, tmp_path, here, there):
    import copy

    folder = save_adapter(adapted(copy.deepcopy(model)), tmp_path / "a")
    renamed(folder, there)
    loaded = load_adapter(named(copy.deepcopy(model), here), folder)
    assert same_base(base_name(loaded), called(there))
    with pytest.raises(CourseError, match="trained on .*[Tt]iny, and this model is acme/other"):
        load_adapter(named(copy.deepcopy(model), "acme/other"), folder)


def test_the_hubs_cache_is_written_down_as_the_hubs_id(model, tmp_path):
    import copy

    cached = named(copy.deepcopy(model), "/cache/models--acme--tiny/snapshots/93efa2f")
    folder = save_adapter(adapted(cached), tmp_path / "a")
    for file in ("adapter_config.json", "base.json"):
        text = (folder / file).read_text()
        assert "acme/tiny" in text and "snapshots" not in text


# ---------------------------------------------------------------- chat


@pytest.fixture
def folder(checkpoints, tmp_path):
    """A folder of save_adapter, of an adapter on a checkpoint of the course."""
    return save_adapter(
        adapted(models.load_model("smollm2-tiny-instruct")), tmp_path / "made" / "polite"
    )


def reply(name):
    return "".join(chat.load(str(name), max_new_tokens=8).reply("hi"))


def test_chat_puts_an_adapter_on_its_base(folder):
    model = load_adapter(models.load_model("smollm2-tiny-instruct"), folder)
    tokenizer = models.load_tokenizer("smollm2-tiny-instruct")
    want = "".join(chat.Conversation(model, tokenizer, max_new_tokens=8).reply("hi"))
    assert reply(folder) == want != reply("instruct")


@pytest.mark.parametrize(
    "written",
    [
        "D:\\me\\smolcourse\\checkpoints\\smollm2-tiny-instruct",
        "/cache/models--HuggingFaceTB--SmolLM2-Tiny-Instruct/snapshots/93efa2f",
    ],
)
def test_chat_finds_the_base_by_whatever_name_it_has(folder, written):
    want = reply(folder)
    assert reply(renamed(folder, written)) == want


def test_chat_finds_a_base_where_it_was_and_beside_the_adapter(folder, checkpoints, tmp_path):
    want = reply(folder)
    elsewhere = tmp_path / "elsewhere" / "my-base"
    shutil.copytree(checkpoints / "smollm2-tiny-instruct", elsewhere)
    assert reply(renamed(folder, str(elsewhere))) == want
    elsewhere.rename(folder.parent / "my-base")
    assert reply(folder) == want


def test_an_adapters_own_tokenizer_comes_first(folder, checkpoints):
    tokenizer = models.load_tokenizer("smollm2-tiny-instruct")
    tokenizer.chat_template = "{{ messages[0]['content'] }}?{% generation %}{% endgeneration %}"
    tokenizer.save_pretrained(folder)
    _, found = on_its_base.load(folder)
    assert found.chat_template == tokenizer.chat_template


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "acme/tiny",
            "needs its base, acme/tiny, which is not on this machine; fetch it once with",
        ),
        ("D:\\hub\\models--acme--tiny\\snapshots\\9", "needs its base, acme/tiny, which is not on"),
        ("/data/my-model", "needs its base, my-model, which is not on this machine; put the"),
        (None, "does not say which base it was trained on"),
    ],
)
def test_chat_says_which_base_is_missing(folder, run_cli, written, said):
    renamed(folder, written)
    code, _, error = run_cli("chat", "--model", str(folder))
    assert code == 1 and said in " ".join(error.split()) and "Traceback" not in error


def test_the_base_of_another_adapter_is_refused_in_one_sentence(folder, checkpoints, run_cli):
    other = checkpoints / "smollm2-tiny-instruct"
    shutil.rmtree(other)
    model = models.load_model("smollm2-tiny")
    with torch.no_grad():
        next(model.parameters()).add_(1)
    model.save_pretrained(other)
    models.load_tokenizer("smollm2-tiny").save_pretrained(other)
    models.write_manifest(other)
    code, _, error = run_cli("chat", "--model", str(folder))
    assert code == 1 and "this model has other weights" in " ".join(error.split())


def test_a_course_revision_comes_before_the_newest():
    found = on_its_base.sources("huggingfacetb/smollm2-135m", folder=models.PACKAGED / "none")
    assert found[0].hub == "HuggingFaceTB/SmolLM2-135M" and len(found[0].revision) == 40
    assert found[1:] == ["huggingfacetb/smollm2-135m"]
    assert on_its_base.sources("my-model", models.PACKAGED / "none") == []


@pytest.mark.parametrize("load", [models.load_model, models.load_tokenizer])
def test_an_adapter_is_not_loaded_as_a_whole_model(folder, load):
    renamed(folder, "no/such")
    from smolcourse.quiet import be_quiet

    be_quiet(offline=True)
    with pytest.raises(CourseError, match="'polite' holds an adapter and not a whole model"):
        load(folder)
