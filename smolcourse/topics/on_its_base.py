"""An adapter from a folder, on the base that it was trained on: the base is found by its name.

Introduced in lesson 3_parameter_efficient_finetuning/adapters.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from smolcourse import models
from smolcourse.errors import CourseError
from smolcourse.profiles import SIZES, Source, smol
from smolcourse.topics.adapters import load_adapter, written_bases
from smolcourse.topics.bases import called, same_base

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer

TOKENIZERS = ("tokenizer.json", "tokenizer_config.json")


def load(folder: str | Path, device: str = "cpu") -> tuple[Model, Tokenizer]:
    """(PEFT model, tokenizer) of the adapter in a folder, on its base, in float32 and eval mode.

    The base is looked for where it was, beside the folder, among the course's checkpoints and on the
    Hub (in its cache, where the Hub is out of reach). The tokenizer is the adapter's own, if it
    brings one. Raises `CourseError` that names the base if it is not there, and as `load_adapter`.
    """
    folder = Path(folder)
    written = written_bases(folder)
    for source in [source for where in written for source in sources(where, folder)]:
        try:
            model = models.load_model(source, device)
        except CourseError:
            if not _on_hub(source):
                raise  # it is here, and damaged
            continue
        model = load_adapter(model, folder)
        own = any((folder / name).is_file() for name in TOKENIZERS)
        return model, models.load_tokenizer(folder if own else source)
    raise _missing(folder, [called(where) for where in written])


def sources(where: str, folder: Path) -> list[Source | str]:
    """What `models.load_model` may take for the base that an adapter's files call `where`.

    Best first: that very folder, or one of its name beside the adapter's `folder`; a checkpoint of
    the course; the Hub, in the course's revision if it has one. Nothing is fetched. Empty if there
    is no such folder or checkpoint and the name is no id.
    """
    name = called(where)
    if not name:
        return []
    folders = [Path(where), folder.parent / name.rpartition("/")[2]]
    found: list[Source | str] = [str(f) for f in folders if (f / "config.json").is_file()]
    found += [checkpoint for checkpoint in models.names() if same_base(checkpoint, name)]
    if "/" in name:
        ours = [source for size in SIZES for source in smol(size).models.values()]
        found += [s for s in ours if s.hub and s.hub.casefold() == name.casefold()]
        found.append(name)
    return found


def _on_hub(source: Source | str) -> bool:
    if isinstance(source, Source):
        return source.hub is not None
    return "/" in source and not Path(source).is_dir()


def _missing(folder: Path, names: list[str]) -> CourseError:
    if not names:
        return CourseError(
            "The adapter in '{name}' does not say which base it was trained on; load it in Python, with load_adapter(model, folder).",
            name=folder.name,
        )
    ids = [name for name in names if "/" in name]
    if ids:
        return CourseError(
            "The adapter in '{name}' needs its base, {base}, which is not on this machine; fetch it once with `smolcourse chat --model {base}`, then try again.",
            name=folder.name,
            base=ids[0],
        )
    return CourseError(
        "The adapter in '{name}' needs its base, {base}, which is not on this machine; put the folder with that model beside the adapter's, under that name.",
        name=folder.name,
        base=names[0],
    )
