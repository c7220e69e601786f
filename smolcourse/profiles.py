"""The one table of what a profile means: model ids and dataset ids.

`tiny` is packaged with the course and runs on a laptop CPU without a network. `smol` is the
same course on SmolLM2, SmolVLM and Hub datasets. Notebook code reads them through
`course`, and a lesson's own numbers stand in its notebook (`course.choose`), so that no notebook
has an `if profile == ...`.

This file imports nothing heavy: it is a table.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from smolcourse.errors import CourseError, one_of

DEFAULT = "tiny"
SIZES = ("135M", "360M", "1.7B")


QUICK = "SMOLCOURSE_QUICK"  # the tests set it for notebooks whose results nobody compares
# Fewer steps would end before the first loss is logged: with 2, three notebooks could plot nothing.
# Fewer rows would not fill a batch; of held-out rows a lesson takes up to 64 by number.
QUICK_LEAST = {"steps": 5, "rows": 32, "pairs": 32, "tokens": 32, "test": 64}
REHEARSAL_LEAST = QUICK_LEAST | {"steps": 2, "batch": 8, "length": 128}  # a group of GRPO is 8


def quick(name: str, value: int | float) -> int | float:
    """The budget `value`, or with `SMOLCOURSE_QUICK=1` about a tenth of it if it costs time.

    By the last word of its name: steps (at least 5, or as many as there were), rows or pairs, to
    train or to evaluate on, the rows of a test set (at least 64), and tokens to write (at least
    32). Sizes, rates and everything else stay. A larger number is the divisor: 100 leaves a hundredth, for the rehearsal of `smol`, and
    of batches (at least 8) and lengths (at least 128) as well.
    """
    if not is_quick():
        return value
    divisor = int(os.environ[QUICK])
    least = (REHEARSAL_LEAST if divisor > 1 else QUICK_LEAST).get(name.split("_")[-1])
    if least is None:
        return value
    return max(min(least, value), value // (10 if divisor == 1 else divisor))


def is_quick() -> bool:
    """Whether budgets are cut short (`SMOLCOURSE_QUICK`), so that no score means anything."""
    return os.environ.get(QUICK, "0") not in ("", "0")


@dataclass(frozen=True)
class Source:
    """Where a model comes from: a packaged checkpoint (`hub=None`) or a Hub repository.

    `half`: its weights take 16 bits where the device computes in bf16, being too many for 32.
    """

    name: str
    hub: str | None = None
    revision: str | None = None  # a Hub repository's commit; a packaged checkpoint has none
    half: bool = False

    def __post_init__(self):
        if (self.hub is None) != (self.revision is None):
            raise TypeError("A Hub repository has a revision, a packaged checkpoint has none.")


@dataclass(frozen=True)
class HubDataset:
    """A Hub dataset and the columns of its raw schema that the course's adaptors read.

    `splits` maps the course's split names (train, test) to those of the repository.
    """

    hub: str
    config: str | None
    splits: dict[str, str]
    columns: tuple[str, ...]
    revision: str


@dataclass(frozen=True)
class Profile:
    """One profile: `models` by role, `datasets` by course name."""

    name: str
    models: dict[str, Source]
    datasets: dict[str, HubDataset] = field(default_factory=dict)
    offline: bool = False

    def model(self, role: str) -> Source:
        """The source for a role; `CourseError` names the roles there are."""
        if role not in self.models:
            raise one_of("model role", role, self.models)
        return self.models[role]

    def dataset(self, name: str) -> HubDataset:
        """The Hub dataset behind a course dataset name (empty for `tiny`)."""
        if name not in self.datasets:
            raise one_of("Hub dataset", name, self.datasets)
        return self.datasets[name]


_TINY = Profile(
    name="tiny",
    offline=True,
    models={
        "base": Source("smollm2-tiny"),
        "instruct": Source("smollm2-tiny-instruct"),
        "vlm": Source("smolvlm-tiny"),
    },
)

# Revisions are pinned, so that a lesson does not change under a learner.
_PINNED = {
    "HuggingFaceTB/SmolLM2-135M": "93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
    "HuggingFaceTB/SmolLM2-135M-Instruct": "12fd25f77366fa6b3b4b768ec3050bf629380bac",
    "HuggingFaceTB/SmolLM2-360M": "f8027fd0eaeea54caa13c31d31b9fdc459c38b49",
    "HuggingFaceTB/SmolLM2-360M-Instruct": "a10cc1512eabd3dde888204e902eca88bddb4951",
    "HuggingFaceTB/SmolLM2-1.7B": "effd688a12921b4cc83e3312b6feb579f70f9c71",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": "31b70e2e869a7173562077fd711b654946d38674",
    "HuggingFaceTB/SmolVLM-256M-Instruct": "7e3e67edbbed1bf9888184d9df282b700a323964",
}


def _hub(repo: str, half: bool = False) -> Source:
    return Source(repo.split("/")[1], repo, _PINNED[repo], half)


def smol(size: str) -> Profile:
    """The profile `smol` with models of a size: 135M, 360M or 1.7B."""
    return Profile(
        name="smol",
        models={
            "base": _hub(f"HuggingFaceTB/SmolLM2-{size}", size == "1.7B"),
            "instruct": _hub(f"HuggingFaceTB/SmolLM2-{size}-Instruct", size == "1.7B"),
            "vlm": _hub("HuggingFaceTB/SmolVLM-256M-Instruct"),
        },
        datasets={
            "conversations": HubDataset(
                "HuggingFaceTB/smoltalk",
                "everyday-conversations",
                {"train": "train", "test": "test"},
                ("full_topic", "messages"),
                revision="5feaf2fd3ffca7c237fc38d1861bc30365d48ffa",
            ),
            "math": HubDataset(
                "openai/gsm8k",
                "main",
                {"train": "train", "test": "test"},
                ("question", "answer"),
                revision="740312add88f781978c0658806c59bc2815b9866",
            ),
            "facts": HubDataset(
                "allenai/sciq",
                None,
                {"train": "train", "new_phrasing": "validation", "test": "test"},
                (
                    "question",
                    "distractor3",
                    "distractor1",
                    "distractor2",
                    "correct_answer",
                    "support",
                ),
                revision="2c94ad3e1aafab77146f384e23536f97a4849815",
            ),
            "preferences": HubDataset(
                "trl-lib/ultrafeedback_binarized",
                None,
                {"train": "train", "test": "test"},
                ("chosen", "rejected", "score_chosen", "score_rejected"),
                revision="47124cb5778f5d50de1c7676a412828f3ea7c555",
            ),
            "stories": HubDataset(
                "roneneldan/TinyStories",
                None,
                {"train": "train", "test": "validation"},
                ("text",),
                revision="f54c09fd23315a6f9c86f9dc80f725de7d8f9c64",
            ),
        },
    )


NAMES = ("tiny", "smol")


def size() -> str:
    """The size of the `smol` models, `SMOLCOURSE_SIZE`: 135M (default), 360M or 1.7B.

    Raises `CourseError` for another one.
    """
    asked = os.environ.get("SMOLCOURSE_SIZE") or SIZES[0]
    if asked not in SIZES:
        raise CourseError(
            "SMOLCOURSE_SIZE is '{size}'; set it to one of: {SIZES}.",
            size=asked,
            SIZES=", ".join(SIZES),
        )
    return asked


def get(name: str | None = None) -> Profile:
    """The profile `name`, or that of `SMOLCOURSE_PROFILE`, or `tiny`.

    The size of the `smol` models is `SMOLCOURSE_SIZE`: 135M (default), 360M or 1.7B.
    Raises `CourseError` for any other name, listing the ones there are. Introduced in
    `1_instruction_tuning/chat_templates`.
    """
    name = name or os.environ.get("SMOLCOURSE_PROFILE") or DEFAULT
    if name == "tiny":
        return _TINY
    if name == "smol":
        return smol(size())
    raise one_of("profile", name, NAMES)
