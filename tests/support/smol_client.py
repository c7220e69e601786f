"""What tests/slow/test_smol.py does with the hub, in a process of its own: prints one JSON object.

The Hub's address is read when `huggingface_hub` is imported, so the tests' own process can't change
it. First everything that the `smol` profile promises, then what goes wrong.
"""

import contextlib
import io
import json
import os
import time
from pathlib import Path

from smolcourse import data, generate, models, profiles, setup
from smolcourse.errors import CourseError

CHATS = {
    "user": [{"role": "user", "content": "Hi"}],
    "system": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Hi"}],
    "answered": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}],
}


def tokenizer_facts(tokenizer) -> dict:
    marked = tokenizer.apply_chat_template(CHATS["answered"], return_assistant_tokens_mask=True)
    pairs = zip(marked["input_ids"], marked["assistant_masks"], strict=True)
    return {
        "marked": tokenizer.decode([token for token, carries in pairs if carries]),
        "entries": len(tokenizer),
        "special": tokenizer.convert_ids_to_tokens([0, 1, 2]),
        "end": tokenizer.eos_token,
        "pad": tokenizer.pad_token,
        "side": tokenizer.padding_side,
        "digits": tokenizer.tokenize("1234"),
        "chats": {
            name: tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            for name, chat in CHATS.items()
        },
    }


def model_facts(model) -> dict:
    config = model.config
    return {
        "type": type(model).__name__,
        "vocabulary": model.get_input_embeddings().weight.shape[0],
        "heads": [config.num_attention_heads, config.num_key_value_heads],
        "theta": config.rope_parameters["rope_theta"],
        "tied": model.lm_head.weight is model.model.embed_tokens.weight,
        "dtype": str(model.dtype),
        "ends": [config.eos_token_id, model.generation_config.eos_token_id],
    }


def promised() -> dict:
    """Models of each size, tokenizers, generation and every split of every dataset."""
    seen = {"models": {}, "tokenizers": {}, "folders": {}, "datasets": {}}
    for size in profiles.SIZES:
        os.environ["SMOLCOURSE_SIZE"] = size
        course = setup("1_instruction_tuning/chat_templates", profile="smol")
        for role in ("base", "instruct"):
            name = profiles.smol(size).model(role).hub
            seen["models"][name] = model_facts(course.model(role))
            if size == "135M":  # the others' is the same file
                seen["tokenizers"][name] = tokenizer_facts(course.tokenizer(role))
                files = [path.name for path in Path(course.model_id(role)).iterdir()]
                seen["folders"][name] = [Path(course.model_id(role)).name, *sorted(files)]
    del os.environ["SMOLCOURSE_SIZE"]
    course = setup("1_instruction_tuning/chat_templates", profile="smol")
    tokenizer, model = course.tokenizer("instruct"), course.model("instruct")
    seen["answers"] = generate.chat(model, tokenizer, ["Hi", CHATS["system"]], max_new_tokens=8)
    for name in data.names():
        for split in ("train", "test", *(["new_phrasing"] if name == "facts" else [])):
            rows = course.dataset(name, split)
            seen["datasets"][f"{name}/{split}"] = rows.to_list()
    return seen


def refused(load, *arguments) -> str:
    """The sentence of the CourseError that `load` ends in, or what came instead."""
    try:
        load(*arguments)
    except CourseError as error:
        return str(error)
    except Exception as error:  # that is what the test is about
        return f"!! {type(error).__name__}: {error}"
    return "!! it was loaded"


def model(hub: str, revision: str = "main") -> None:
    models.load_model(profiles.Source("m", hub, revision))


def dataset(hub: str, revision: str = "main", config: str = "main") -> None:
    splits, columns = {"train": "train"}, ("question", "answer")
    source = profiles.HubDataset(hub, config, splits, columns, revision)
    data.load("math", "train", profiles.Profile("smol", {}, {"math": source}))


def errors() -> dict[str, str]:
    """The sentences for a gated, cut, unknown and incomplete repository and an unknown commit."""
    time.sleep = lambda seconds: None  # the client waits between its attempts

    small = "HuggingFaceTB/SmolLM2-135M"
    return {
        "model, gated": refused(model, "rehearsal/gated"),
        "model, cut": refused(model, "rehearsal/cut"),
        "model, unknown": refused(model, "rehearsal/nothing"),
        "model, silent": refused(model, "rehearsal/silent"),
        "model, no weights": refused(model, "rehearsal/bare"),
        "model, unknown revision": refused(model, small, "0" * 40),
        "dataset, gated": refused(dataset, "rehearsal/gated"),
        "dataset, cut": refused(dataset, "rehearsal/cut"),
        "dataset, silent": refused(dataset, "rehearsal/silent"),
        "dataset, unknown": refused(dataset, "rehearsal/nothing"),
        "dataset, unknown revision": refused(dataset, "openai/gsm8k", "0" * 40),
        "dataset, unknown configuration": refused(dataset, "openai/gsm8k", "main", "extra"),
    }


def down() -> dict[str, str]:
    """The sentences once nobody listens any more, for what is in the cache and what is not."""
    from huggingface_hub import close_session

    close_session()  # no connection from before is used again
    here = profiles.smol("135M").model("base")
    return {
        "model, down": refused(model, "rehearsal/other"),
        "dataset, down": refused(dataset, "rehearsal/other"),
        "model in the cache, down": refused(models.load_model, here),
        "dataset in the cache, down": refused(data.load, "facts", "test", "smol"),
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):
        found = promised() | {"errors": errors()}
    print(json.dumps(found), flush=True)
    input()  # a line says that the hub is gone
    print(json.dumps(down()))
