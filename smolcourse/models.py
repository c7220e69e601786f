"""Where models and tokenizers come from: a packaged checkpoint, a folder, or the Hub.

A packaged checkpoint is a folder `smolcourse/checkpoints/<name>/` with a `manifest.json`
(`{file name: sha256}`). Every load verifies it first: a file cut short by a full disk or a
broken download is named in one sentence instead of failing deep inside a library. A freshly
trained checkpoint is tried by naming its parent folder in `SMOLCOURSE_CHECKPOINTS`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from smolcourse import chats, clock
from smolcourse.chatml import CHAT_TEMPLATE, END_OF_TEXT, END_OF_TURN
from smolcourse.errors import CourseError, one_of
from smolcourse.profiles import Source
from smolcourse.proxies import prepare_hub
from smolcourse.textfiles import read_text

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin

    Model = PreTrainedModel | PeftModel  # what generates, scores and trains in a lesson
    Tokenizer = PreTrainedTokenizerBase

PACKAGED = Path(__file__).parent / "checkpoints"
MANIFEST = "manifest.json"
REQUIRED = ("config.json", "model.safetensors", "tokenizer.json")
REPAIR = "reinstall the course or run `git checkout -- smolcourse/checkpoints`"


def folders() -> list[Path]:
    """The folders searched for checkpoints, first match wins.

    `SMOLCOURSE_CHECKPOINTS` (one path, or several with the system's path separator) comes
    before the packaged ones.
    """
    extra = os.environ.get("SMOLCOURSE_CHECKPOINTS", "")
    return [Path(part).expanduser() for part in extra.split(os.pathsep) if part] + [PACKAGED]


def names() -> list[str]:
    """Names of all checkpoints that are there, sorted."""
    found = set()
    for folder in folders():
        if folder.is_dir():
            # Damaged ones count: any file of a checkpoint makes one.
            for file in ("config.json", "model.safetensors", MANIFEST):
                found |= {path.parent.name for path in folder.glob(f"*/{file}")}
    return sorted(found)


def path(name: str) -> Path:
    """The folder of a checkpoint; `CourseError` names those there are.

    A folder counts even if it is damaged, so that the damage is reported and not hidden.
    """
    for folder in folders():
        if name and (folder / name).is_dir():
            return folder / name
    if not names():
        raise CourseError(
            "No checkpoint named '{name}' is installed, nor any other; {REPAIR}, or build it with `smolcourse pretrain --checkpoint {name}`.",
            name=name,
            REPAIR=REPAIR,
        )
    raise one_of("checkpoint", name, names())


def sha256(file: Path) -> str:
    """Hex digest of a file, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: str | Path) -> dict[str, str]:
    """Write `manifest.json` for a finished checkpoint folder and return it.

    `pretrain` calls this last, so a folder with a manifest is a complete one. The file is
    put in place in one step: a reader sees the old manifest or the new one, never half.
    """
    folder = Path(folder)
    files = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.name != MANIFEST and not file.name.startswith(".")
    )
    manifest = {name: sha256(folder / name) for name in files}
    temporary = folder / f".{MANIFEST}.tmp"
    temporary.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(temporary, folder / MANIFEST)
    return manifest


def problems(folder: str | Path) -> list[str]:
    """What is wrong with a checkpoint folder, one phrase each; empty if nothing is.

    Checks that the manifest is there and readable, that each file exists and has its
    sha256, and that the files a model needs are among them. Costs about 10 ms per 10 MB.
    """
    folder = Path(folder)
    try:
        manifest = json.loads(read_text(folder / MANIFEST))
    except FileNotFoundError:
        return [f"{MANIFEST} is missing"]
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        return [f"{MANIFEST} is not readable"]
    found = [f"{name} is not listed in {MANIFEST}" for name in REQUIRED if name not in manifest]
    for name, expected in manifest.items():
        file = folder / name
        if not file.is_file():
            found.append(f"{name} is missing")
        elif file.stat().st_size == 0:
            found.append(f"{name} is empty")
        elif sha256(file) != expected:
            found.append(f"{name} is damaged or only half downloaded")
    return found


def verify(folder: str | Path) -> Path:
    """Return the folder if its checkpoint is whole; otherwise raise `CourseError`."""
    folder = Path(folder)
    if found := problems(folder):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise CourseError(
            "Checkpoint '{name}' can't be used: {found}{more}; {REPAIR}.",
            name=folder.name,
            found=found[0],
            more=more,
            REPAIR=REPAIR,
        )
    return folder


def resolve(source: Source | str | Path) -> tuple[str, dict]:
    """(name or path for `from_pretrained`, keyword arguments) of a source.

    Takes a `profiles.Source`, the name of a checkpoint, a folder with a model in it, or a
    Hub id with a slash. Packaged checkpoints are verified; folders of the learner's own
    (a trainer's output) have no manifest and are only checked for a `config.json`.
    """
    if isinstance(source, Source):
        if source.hub:
            prepare_hub()
            return source.hub, {"revision": source.revision}
        return str(verify(path(source.name))), {"local_files_only": True}
    text = str(source)
    folder = Path(text).expanduser()
    # A bare name means the checkpoint even if a folder of that name lies here.
    if os.sep not in text and "/" not in text and (text in names() or not folder.is_dir()):
        return str(verify(path(text))), {"local_files_only": True}
    if folder.is_dir():
        if (folder / MANIFEST).is_file():
            verify(folder)
        if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise CourseError(
                "There is no model in {folder}: it has no config.json; name the folder that a trainer's save_model() wrote.",
                folder=folder,
            )
        return str(folder), {"local_files_only": True}
    if text.count("/") == 1 and not text.startswith((".", "/", "~")):
        prepare_hub()
        return text, {}
    raise CourseError(
        "There is no folder {value}; give a checkpoint's name or an existing folder.", value=text
    )


def is_adapter(folder: str | Path) -> bool:
    """Whether a folder holds an adapter (PEFT's files), and not a whole model."""
    folder = Path(folder)
    return (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file()


def load_with(loader, source: Source | str | Path, **kwargs):
    """`loader(name or path, **kwargs)` of a source, a loader being some class's `from_pretrained`.

    Raises `CourseError` for a model that is not there, can't be fetched or is damaged. Damage is
    what safetensors calls so; an error in the code, a `TypeError` for instance, stays itself.
    """
    from safetensors import SafetensorError

    where, options = resolve(source)
    what = where  # as a reader knows it
    if isinstance(source, Source) and source.hub:
        # From its folder, for a model remembers what it was loaded by: TRL loads a reference model
        # by that name, and a Hub id alone would mean whatever is newest there.
        where, options = folder_of(source), {"local_files_only": True}
    try:
        # Most of this is importing the model's code, so the report counts it as import.
        with clock.current().timed("import"):
            return loader(where, **options, **kwargs)
    except CourseError:
        raise
    except SafetensorError as error:
        raise CourseError(
            "The weights in {where} are damaged or only half downloaded ({error}); fetch or train them again.",
            where=where,
            error=error,
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        folder = Path(where)
        if is_adapter(folder):
            raise CourseError(
                "'{name}' holds an adapter and not a whole model; load the model and the tokenizer of its base, then smolcourse.topics.adapters.load_adapter(model, folder).",
                name=folder.name,
            ) from error
        # transformers reports "not on disk and no network" as an OSError of many lines.
        if what == where and options.get("local_files_only"):
            raise CourseError(
                "The model in {where} can't be loaded ({error}).",
                where=where,
                error=first_line(error),
            ) from error
        if isinstance(error, OSError):
            raise unreachable(what, error) from error
        raise CourseError(
            "The model in {where} can't be loaded ({error}).", where=what, error=first_line(error)
        ) from error
    except Exception as error:
        if is_broken_connection(error):
            raise unreachable(what, error) from error
        raise


def is_broken_connection(error: Exception) -> bool:
    """Whether an exception is the Hub client's own for a transport that broke; those are no OSError."""
    return type(error).__module__.split(".")[0].startswith("httpx")


def unreachable(what: str, error: Exception) -> CourseError:
    """The sentence for something on the Hub that could not be fetched."""
    if any(kind.__name__ == "GatedRepoError" for kind in type(error).__mro__):
        return CourseError(
            "'{what}' is gated: ask for access on its page on the Hub and log in with `hf auth login`, or use the packaged models with SMOLCOURSE_PROFILE=tiny.",
            what=what,
        )
    return CourseError(
        "'{what}' can't be fetched from the Hub ({error}); check the name and the network, or use the packaged models with SMOLCOURSE_PROFILE=tiny.",
        what=what,
        error=first_line(error),
    )


def first_line(error: Exception) -> str:
    """What an exception says first, without its full stop; its class if it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__


def folder_of(source: Source) -> str:
    """The folder of a packaged checkpoint, or of a Hub model's pinned revision in the cache."""
    where, options = resolve(source)
    if not source.hub:
        return where
    from huggingface_hub import snapshot_download

    # SmolLM2's repositories also hold gigabytes for other programs (onnx, runs).
    wanted = ["*.json", "*.safetensors", "*.txt", "*.jinja"]
    try:
        return snapshot_download(where, **options, allow_patterns=wanted, ignore_patterns="*/*")
    except Exception as error:
        if not isinstance(error, (OSError, ValueError)) and not is_broken_connection(error):
            raise
        raise unreachable(where, error) from error


def load_tokenizer(source: Source | str | Path) -> Tokenizer:
    """A tokenizer, padding on the left (what generation needs; trainers set their own side).

    `source`: see `resolve`. One that knows ChatML's tokens and has no template, or a template
    without generation tags that writes ChatML, gets the course's. One that has no padding token is
    given an unused one (as has one that pads with the end of turn), with a warning if there is none
    but its end token. Its `apply_chat_template` takes chats as datasets and SDKs write them, see
    `chats.in_order`. Errors: `CourseError` for a missing or damaged checkpoint. Introduced in
    `1_instruction_tuning/chat_templates`.
    """
    with clock.current().timed("import"):
        from transformers import AutoTokenizer

    tokenizer = load_with(AutoTokenizer.from_pretrained, source)
    tokenizer.padding_side = "left"
    if END_OF_TURN in tokenizer.get_vocab():
        _give_template(tokenizer)
    if tokenizer.pad_token in (None, END_OF_TURN):  # the latter: SmolLM2's instruct models
        _give_pad(tokenizer, source)
    chats.put_in_order_first(tokenizer)
    return tokenizer


def _give_template(tokenizer: Tokenizer) -> None:
    """Let the template say which tokens the assistant writes: the loss is on those alone.

    SmolLM2's base models carry no template. That of its instruct models has no generation tags
    (TRL's `assistant_only_loss` refuses it) and shows no tools, but a system prompt of its own,
    which the models were trained with: it stays. A template that writes anything else stays whole.
    """
    theirs = tokenizer.chat_template
    if theirs is None:
        tokenizer.chat_template = CHAT_TEMPLATE
    if not isinstance(theirs, str) or re.search(r"\{%-?\s*generation\b", theirs):
        return
    turn = lambda role, content: {"role": role, "content": content}  # noqa: E731
    chats = [
        [turn("user", "a"), turn("assistant", "b"), turn("user", "c")],
        [turn("system", "s"), turn("user", "a"), turn("assistant", "b")],
    ]

    def written(template: str) -> list[str]:
        return [
            tokenizer.apply_chat_template(
                chat, chat_template=template, tokenize=False, add_generation_prompt=prompt
            )
            for chat in chats
            for prompt in (False, True)
        ]

    try:
        wanted = written(theirs)
    except Exception:  # a template may refuse such chats, in words of its own
        return
    # What stands before the user's first turn, if the chat names no system prompt.
    own = wanted[0].partition("<|im_start|>user")[0]
    ours = CHAT_TEMPLATE
    if own:
        start = "{%- if not tools and messages and messages[0]['role'] != 'system' -%}{{- "
        ours = start + json.dumps(own) + " -}}{%- endif -%}\n" + ours
    if written(ours) == wanted:
        tokenizer.chat_template = ours


def _give_pad(tokenizer: Tokenizer, source: Source | str | Path) -> None:
    """Let a token pad that ends no turn: where PAD is masked, the end would be masked with it."""
    words = tokenizer.get_vocab()
    # SmolLM2's base names <|endoftext|> as its end and has no pad; its turns end otherwise.
    end = END_OF_TURN if END_OF_TURN in words else tokenizer.eos_token
    for spare in (END_OF_TEXT, tokenizer.unk_token):
        if spare in words and spare != end:
            tokenizer.pad_token = spare
            return
    if tokenizer.pad_token is not None:
        return
    name = getattr(source, "name", None) or Path(str(source)).name
    advice = (
        'tokenizer.add_special_tokens({"pad_token": "<pad>"}), then '
        "model.resize_token_embeddings(len(tokenizer))"
    )
    if tokenizer.eos_token is None:
        raise CourseError(
            "The tokenizer of {name} has no padding token; give it one: {advice}.",
            name=name,
            advice=advice,
        )
    tokenizer.pad_token = tokenizer.eos_token
    warnings.warn(
        f"The tokenizer of {name} has no padding token, so {tokenizer.eos_token}, which ends its "
        f"texts, pads too; before you train, give it one of its own: {advice}.",
        stacklevel=3,
    )


def load_model(
    source: Source | str | Path, device: str = "cpu", dtype: torch.dtype | None = None
) -> PreTrainedModel:
    """A causal language model on `device` in eval mode; `dtype` defaults to float32.

    Packaged weights are stored in 16 bits to keep the wheel small and widened here, because
    training in float32 keeps updates that 16 bits would round away. `source`: see `resolve`.
    Errors: `CourseError` for a missing or damaged checkpoint. Introduced in
    `1_instruction_tuning/supervised_fine_tuning`.
    """
    with clock.current().timed("import"):
        import torch
        from transformers import AutoModelForCausalLM

    model = load_with(AutoModelForCausalLM.from_pretrained, source, dtype=dtype or torch.float32)
    return model.to(device).eval()


def load_vlm(
    source: Source | str | Path, device: str = "cpu", dtype: torch.dtype | None = None
) -> tuple[ProcessorMixin, PreTrainedModel]:
    """(processor, vision-language model in eval mode); arguments as in `load_model`.

    Introduced in `5_vision_language_models/vlm_usage`.
    """
    with clock.current().timed("import"):
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = load_with(AutoProcessor.from_pretrained, source)
    model = load_with(
        AutoModelForImageTextToText.from_pretrained, source, dtype=dtype or torch.float32
    )
    return processor, model.to(device).eval()
