"""What the rehearsal's hub serves: SmolLM2 in small with random weights, and rows in true schemas.

Kept as on the Hub: names, files, pinned commits, vocabulary size, special tokens and their ids,
tokenizer class, chat template, ratios of heads, tied bf16 weights; columns, types, configurations,
splits and file names of the datasets. Made small: layers, width, rows. Made up: weights and texts.
"""

from __future__ import annotations

import io
import json
from functools import lru_cache, partial

import yaml
from hub import Repository

from smolcourse import models, profiles
from smolcourse.chatml import SPECIAL_TOKENS

VOCABULARY_SIZE = 49_152
HEAD = 8  # width of a head, 64 in the real ones; NF4 wants matrices of whole blocks of 64
LAYERS = 2
# size: heads, key-value heads, width of the MLP over width of the model, base of RoPE
SHAPES = {
    "135M": (9, 3, 8 / 3, 100_000),
    "360M": (15, 5, 8 / 3, 100_000),
    "1.7B": (32, 32, 4, 130_000),
}
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
# What the published template of the instruct models renders. Ours (smolcourse/chatml.py)
# has no system prompt of its own, lists tools, writes tool calls, and marks with generation tags
# what the assistant writes; this one does none of the last three.
CHAT_TEMPLATE = (
    "{% if messages and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\n" + SYSTEM + "<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def repositories() -> list[Repository]:
    """Every repository that the `smol` profile names for this week's lessons, and a few bad ones."""
    served: dict[tuple[str, str], Repository] = {}
    for size in SHAPES:
        profile = profiles.smol(size)
        for role in ("base", "instruct"):
            source = profile.model(role)
            make = partial(model_files, size, role == "instruct")
            served["models", source.hub] = Repository(
                "models", source.hub, make, (source.revision,)
            )
    for name, source in profiles.smol("135M").datasets.items():
        served["datasets", source.hub] = Repository(
            "datasets", source.hub, partial(dataset_files, name), (source.revision,)
        )
    small = partial(model_files, "135M", True)
    bad = [
        Repository("models", "rehearsal/gated", small, gated=True),
        Repository("models", "rehearsal/cut", small, cut=("model.safetensors",)),
        Repository("models", "rehearsal/bare", lambda: {"config.json": small()["config.json"]}),
        Repository("models", "rehearsal/silent", small, silent=True),
        Repository("datasets", "rehearsal/silent", partial(dataset_files, "math"), silent=True),
        Repository("datasets", "rehearsal/gated", partial(dataset_files, "math"), gated=True),
        Repository(
            "datasets",
            "rehearsal/cut",
            partial(dataset_files, "math"),
            cut=("main/train-00000-of-00001.parquet",),
        ),
    ]
    return [*served.values(), *bad]


# ---------------------------------------------------------------- models


def _json(value) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


@lru_cache(maxsize=1)
def tokenizer_json() -> bytes:
    """The tiny tokenizer with more merges, up to 49,152 entries: every new one joins two old ones."""
    data = json.loads((models.path("smollm2-tiny") / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary, merges = data["model"]["vocab"], data["model"]["merges"]
    # Digits stay single, as in SmolLM2; special tokens take no part in merges.
    old = [t for t in vocabulary if t not in SPECIAL_TOKENS and not any(c.isdigit() for c in t)]
    # Ġ is a space: only the left half may begin a word.
    pairs = ((a, b) for b in reversed(old) if "Ġ" not in b for a in reversed(old))
    while len(vocabulary) < VOCABULARY_SIZE:
        left, right = next(pairs)
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append([left, right])
    data["post_processor"] = None
    return _json(data)


def model_files(size: str, instruct: bool) -> dict[str, bytes]:
    """A repository of SmolLM2's: configuration, weights in bf16, tokenizer."""
    import torch
    from safetensors.torch import save
    from transformers import LlamaConfig, LlamaForCausalLM

    heads, key_values, ratio, theta = SHAPES[size]
    width = heads * HEAD
    bos, eos = (1, 2) if instruct else (0, 0)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": bos,
        "eos_token_id": eos,
        "hidden_act": "silu",
        "hidden_size": width,
        "initializer_range": 0.04,
        "intermediate_size": int(width * ratio),
        "max_position_embeddings": 8192,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": key_values,
        "rms_norm_eps": 1e-05,
        "rope_scaling": None,
        "rope_theta": theta,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": VOCABULARY_SIZE,
    }
    generation = {"_from_model_config": True, "bos_token_id": bos, "eos_token_id": eos}
    if instruct:
        config["pad_token_id"] = generation["pad_token_id"] = 2
    with torch.random.fork_rng():
        torch.manual_seed(len(size) + instruct)
        weights = LlamaForCausalLM(LlamaConfig(**config)).to(torch.bfloat16).state_dict()
    del weights["lm_head.weight"]  # it is the embedding
    return {
        "README.md": b"---\nlibrary_name: transformers\n---\n\nRandom weights, for a rehearsal.\n",
        "config.json": _json(config),
        "generation_config.json": _json(generation),
        "model.safetensors": save(weights, metadata={"format": "pt"}),
        "tokenizer.json": tokenizer_json(),
        "tokenizer_config.json": _json(tokenizer_config(instruct)),
    }


def tokenizer_config(instruct: bool) -> dict:
    """Base: <|endoftext|> is everything and nothing pads. Instruct: <|im_end|> ends and pads."""
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    bos, eos = ("<|im_start|>", "<|im_end|>") if instruct else ("<|endoftext|>",) * 2
    config = {
        "add_prefix_space": False,
        "added_tokens_decoder": {
            str(at): {"content": token, **flags, "special": True}
            for at, token in enumerate(SPECIAL_TOKENS)
        },
        "additional_special_tokens": SPECIAL_TOKENS[1:3] if instruct else SPECIAL_TOKENS,
        "bos_token": bos,
        "clean_up_tokenization_spaces": False,
        "eos_token": eos,
        "model_max_length": 8192,
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": "<|endoftext|>",
        "vocab_size": VOCABULARY_SIZE,
    }
    return config | ({"pad_token": eos, "chat_template": CHAT_TEMPLATE} if instruct else {})


# ---------------------------------------------------------------- datasets

THINGS = [
    "copper",
    "iron",
    "silver",
    "salt",
    "sugar",
    "water",
    "ice",
    "steam",
    "sand",
    "glass",
    "wood",
    "coal",
    "oil",
    "milk",
    "blood",
    "air",
]
NAMES = ["Ana", "Ben", "Chen", "Dora", "Emil", "Fatma", "Goran", "Hana"]


def sciq(at: int) -> dict:
    thing = THINGS[at % len(THINGS)]
    return {
        "question": f"What fills box {at}?",
        "distractor3": THINGS[(at + 1) % len(THINGS)],
        "distractor1": THINGS[(at + 2) % len(THINGS)],
        "distractor2": THINGS[(at + 3) % len(THINGS)],
        "correct_answer": thing,
        # On the Hub, too, some rows have no support.
        "support": "" if at % 5 == 0 else f"Box {at} is full of {thing}, they say.",
    }


def gsm8k(at: int) -> dict:
    name, price, count = NAMES[at % len(NAMES)], 3 + at % 7, 200 + at
    total = price * count
    return {
        "question": f"{name} buys {count} boxes for ${price} each and pays ${price} more for the "
        "way. How many dollars does it cost?",
        "answer": f"The boxes cost {count} * {price} = $<<{count}*{price}={total}>>{total}.\n"
        f"With the way it is {total} + {price} = $<<{total}+{price}={total + price}>>"
        f"{total + price}.\n#### {total + price:,}",
    }


def smoltalk(at: int) -> dict:
    thing = THINGS[at % len(THINGS)]
    said = [
        "Hi",
        "Hello! How can I help you today?",
        f"I'm looking for {thing}. Where do people find it?",
        f"Many shops have {thing}.\n\n1. Ask at the market.\n2. Look on the shelf {at}.",
        "That sounds good, thanks!",
        "You're welcome! Enjoy your day.",
    ]
    roles = ("user", "assistant") * 3
    messages = [{"content": text, "role": role} for text, role in zip(said, roles, strict=True)]
    return {"full_topic": f"Shopping/Household/{thing}", "messages": messages}


def ultrafeedback(at: int) -> dict:
    thing = THINGS[at % len(THINGS)]
    prompt = {"content": f"Explain to {NAMES[at % len(NAMES)]} what {thing} is.", "role": "user"}
    good = f"{thing.capitalize()} is a substance — number {at} on the list.\n\nIt is “useful”."
    bad = "I don't know." if at % 3 else "I don't know, " * 20 + "and nobody else does."
    # On the Hub, too, some pairs are equal and some answers are empty.
    answers = (good, {16: good, 15: ""}.get(at % 17, bad))
    chosen, rejected = ([prompt, {"content": text, "role": "assistant"}] for text in answers)
    return {
        "chosen": chosen,
        "rejected": rejected,
        "score_chosen": 8.0,
        "score_rejected": 8.0 if answers[0] == answers[1] else 2.5,
    }


def tiny_stories(at: int) -> dict:
    name, thing = NAMES[at % len(NAMES)], THINGS[at % len(THINGS)]
    text = (
        f"One day, {name} found some {thing}. “Is it yours?” asked mom.\n\n“No,” {name} said. "
        f"They gave it back and were happy. This was day {at}."
    )
    return {"text": text}


# name: a row; {configuration: folder}; {split: rows}. Splits share no row.
DATASETS = {
    "facts": (sciq, {"default": "data"}, {"train": 400, "validation": 40, "test": 40}),
    "math": (gsm8k, {"main": "main", "socratic": "socratic"}, {"train": 60, "test": 40}),
    "conversations": (
        smoltalk,
        {"all": "data/all", "everyday-conversations": "data/everyday-conversations"},
        {"train": 60, "test": 40},
    ),
    "preferences": (ultrafeedback, {"default": "data"}, {"train": 240, "test": 80}),
    "stories": (tiny_stories, {"default": "data"}, {"train": 60, "validation": 40}),
}


def dataset_files(name: str) -> dict[str, bytes]:
    """A dataset repository: parquet files and the card that names configurations and splits."""
    from datasets import Dataset
    from pyarrow import parquet

    row, configurations, splits = DATASETS[name]
    files, infos, configs = {}, [], []
    for config, folder in configurations.items():
        start, data_files, sizes = 0, [], []
        for split, count in splits.items():
            rows = Dataset.from_list([row(at) for at in range(start, start + count)])
            start += count
            buffer = io.BytesIO()
            parquet.write_table(rows.data.table, buffer)  # to_parquet would show a bar
            files[f"{folder}/{split}-00000-of-00001.parquet"] = buffer.getvalue()
            data_files.append({"split": split, "path": f"{folder}/{split}-*"})
            sizes.append({"name": split, "num_bytes": rows.data.nbytes, "num_examples": count})
        configs.append({"config_name": config, "data_files": data_files})
        infos.append({"config_name": config, "splits": sizes})
    card = {"license": "other", "dataset_info": infos, "configs": configs}
    if name == "stories":  # its card says nothing, and its texts lie there a second time
        card = {"license": "other"}
        files["TinyStories-valid.txt"] = b"One day.\n<|endoftext|>\n"
    files["README.md"] = f"---\n{yaml.safe_dump(card)}---\n\nMade-up rows.\n".encode()
    return files
