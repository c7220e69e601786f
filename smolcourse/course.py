"""`setup(notebook)`: profile, seed, device, data type, models and a run folder for a notebook."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from smolcourse import clock, language, machine, places, profiles, quiet, translate
from smolcourse.errors import CourseError

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedModel, ProcessorMixin

    from smolcourse.models import Tokenizer


class Course:
    """What a notebook asks of its surroundings; made by `setup`."""

    def __init__(self, notebook: str, profile: profiles.Profile, seed: int):
        self.notebook = notebook
        self._profile = profile
        self.seed = seed
        self.lang = language.current_language()
        self.device, self.bf16 = machine.pick_device()
        self.last_report: dict | None = None

    @property
    def profile(self) -> str:
        """`"tiny"` or `"smol"`."""
        return self._profile.name

    @cached_property
    def dtype(self) -> torch.dtype:
        """The torch dtype of weights: float32, except the 1.7B model on a GPU with bf16.

        Small models are trained with float32 weights (16 bits round small updates away);
        pass `bf16=course.bf16` to a trainer to compute in bf16 where the GPU has it.
        """
        import torch

        half = self.source("base").half
        return torch.bfloat16 if half and self.bf16 else torch.float32

    @cached_property
    def run_dir(self) -> Path:
        """A fresh folder in `runs/` for this notebook's outputs, made on first use.

        Raises `CourseError` if it can't be made (`places.run_folder`).
        """
        return places.run_folder(self.notebook)

    def choose(self, tiny: dict, smol: dict, paper: dict | None = None):
        """The numbers of a lesson for this profile, shown as a table; `budget.steps` reads one.

        `tiny` and `smol` name the same settings; a value of `smol` may be a dict by model size.
        `paper` says what the paper took, where there is one. Introduced in
        `1_instruction_tuning/supervised_fine_tuning`.
        """
        from smolcourse import settings

        return settings.choose(self.profile, profiles.size(), tiny, smol, paper)

    def values(self, tiny: dict, smol: dict) -> dict:
        """As `choose`, for a script: nothing is shown, and nothing cut short."""
        from smolcourse import settings

        return settings.values(self.profile, profiles.size(), tiny, smol)

    def source(self, role: str = "base") -> profiles.Source:
        """Where a role's weights come from, for `smolcourse.models`; `CourseError` lists the roles.

        Introduced in `3_parameter_efficient_finetuning/resource_strategies`.
        """
        return self._profile.model(role)

    def tokenizer(self, role: str = "base") -> Tokenizer:
        """The tokenizer of a role (`base`, `instruct`), padding on the left."""
        from smolcourse import models

        return models.load_tokenizer(self.source(role))

    def model(self, role: str = "base") -> PreTrainedModel:
        """A fresh copy of a role's causal language model, on `device`, in eval mode.

        Each call loads the weights anew, so that two experiments never share them.
        """
        from smolcourse import models

        if role == "vlm":
            raise CourseError("A vision-language model comes with its processor: use course.vlm().")
        return models.load_model(self.source(role), self.device, self.dtype)

    def vlm(self) -> tuple[ProcessorMixin, PreTrainedModel]:
        """(processor, vision-language model), on `device`, in eval mode."""
        from smolcourse import models

        return models.load_vlm(self.source("vlm"), self.device, self.dtype)

    def model_id(self, role: str = "base") -> str:
        """What `from_pretrained` and trainers take: a folder with the role's pinned model.

        A Hub id alone would mean whatever is newest there, so that its files are fetched first.
        Raises `CourseError` for a damaged checkpoint and if the Hub can't be reached.
        """
        from smolcourse import models

        return models.folder_of(self.source(role))

    def dataset(self, name: str, split: str = "train") -> Dataset:
        """A `datasets.Dataset` of the course; see `smolcourse.data.load` for the names."""
        from smolcourse import data, profiles

        rows = data.load(name, split, self._profile)
        if split == "train":
            return rows
        return rows.select(range(int(profiles.quick("test", len(rows)))))  # all, but in tests

    def timed(self, section: str):
        """`with course.timed("train"): ...` counts the block's seconds in the report."""
        return clock.current().timed(section)

    def report(
        self,
        metric: str,
        before: float | None,
        after: float,
        bar: float,
        higher_is_better: bool = True,
        **extra,
    ) -> None:
        """Show what the notebook achieved, store it as data, and fail if the bar is missed.

        `before` and `after` are the metric without and with the lesson's work (fractions in
        [0, 1] are shown as percentages), `bar` what must be reached. `n=` (a sample size) adds
        a 95% interval to a fraction. It fails (`CourseError`) only where the notebook's code
        is the learner's or the solution's own: with an unsolved check, or in an exercise
        notebook, it reports and does not fail.
        """
        from smolcourse import report as reporting

        self.last_report = reporting.report(
            self, metric, before, after, bar, higher_is_better, extra
        )

    def __repr__(self) -> str:
        return f"<Course {self.notebook}, profile {self.profile}, {self.device}, seed {self.seed}>"


def setup(notebook: str, profile: str | None = None, seed: int = 42) -> Course:
    """Prepare a notebook: seeds, device, quiet libraries; the first cell of every notebook.

    `notebook` is `"<module>/<topic>"`, for instance
    `"1_instruction_tuning/supervised_fine_tuning"`. `profile` is `"tiny"` or `"smol"`
    (default: `SMOLCOURSE_PROFILE`, else tiny). Prints one line that is the same on every
    machine and one that names the device. Raises `CourseError` for an unknown profile.
    Introduced in `1_instruction_tuning/chat_templates`.
    """
    if not isinstance(notebook, str) or not notebook or ".." in notebook:
        raise CourseError("Name the notebook: setup('1_instruction_tuning/chat_templates').")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise CourseError("The seed must be a whole number from 0 to 4294967295.")
    chosen = profiles.get(profile)
    ticking = clock.restart()
    quiet.be_quiet(offline=chosen.offline)
    with ticking.timed("import"):  # torch
        seed_everything(seed)
        course = Course(notebook.strip("/"), chosen, seed)
    translate.speak_of(course.notebook.rpartition("/")[2])
    print(f"profile {chosen.name} · model {chosen.model('base').name} · seed {seed}")
    # On the same line: nbval passes over it.
    unused = machine.unusable_gpu() if course.device == "cpu" else ""
    print(f"device: {machine.device_name(course.device)}" + (f"; {unused}" if unused else ""))
    return course


def seed_everything(seed: int) -> None:
    """Seed random, numpy and torch (all devices), which is all that `transformers.set_seed` does.

    Called by hand because importing transformers for it takes seconds that a notebook
    without a model need not wait for.
    """
    import random

    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)  # CUDA and MPS as well
