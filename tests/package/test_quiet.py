"""Each switch of `quiet` has the effect that it is there for; without it, the library behaves otherwise."""

import json
import logging
import os
import subprocess
import sys
import warnings

import pytest

from smolcourse import quiet

# What the libraries made of the environment, in a process of its own: they read it once.
REPORT = """
import json, os, sys
{prepare}
import datasets, huggingface_hub.constants as hub, transformers
from datasets.utils.logging import get_verbosity
from transformers.utils import logging as noise

said = []
noise.get_logger("transformers").warning = lambda *text, **_: said.append(text)
noise.get_logger("transformers").warning_advice("advice")
transformers_bar = noise.is_progress_bar_enabled()
print(json.dumps(dict(
    HF_HUB_OFFLINE=hub.HF_HUB_OFFLINE,
    HF_DATASETS_OFFLINE=datasets.config.HF_HUB_OFFLINE,
    HF_HUB_DISABLE_TELEMETRY=hub.HF_HUB_DISABLE_TELEMETRY,
    HF_UPDATE_DOWNLOAD_COUNTS=not datasets.config.HF_UPDATE_DOWNLOAD_COUNTS,
    HF_HUB_DISABLE_PROGRESS_BARS=bool(hub.HF_HUB_DISABLE_PROGRESS_BARS),
    TRANSFORMERS_NO_ADVISORY_WARNINGS=not said,
    TRANSFORMERS_VERBOSITY=noise.get_verbosity() >= 40,
    DATASETS_VERBOSITY=get_verbosity() >= 40,
    HF_DATASETS_DISABLE_PROGRESS_BARS=datasets.are_progress_bars_disabled(),
)))
"""


def child(prepare: str, **variables) -> dict:
    keep = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("HF_", "TRANSFORMERS_", "DATASETS_"))
    }
    keep |= {"HF_HUB_OFFLINE": "0"} | variables
    run = subprocess.run(
        [sys.executable, "-c", REPORT.format(prepare=prepare)],
        env=keep, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def reports():
    """What the libraries say of themselves: with nothing set, and after `be_quiet`."""
    loud = child("")
    still = child(
        "os.environ.pop('HF_HUB_OFFLINE'); from smolcourse.quiet import be_quiet; be_quiet(True)"
    )
    return loud, still


@pytest.mark.parametrize(
    "switch",
    [*quiet.OFFLINE, "HF_DATASETS_DISABLE_PROGRESS_BARS", *quiet.SWITCHES],
)
def test_a_switch_is_read_by_its_library(reports, switch):
    loud, still = reports
    assert (loud[switch], still[switch]) == (False, True)


@pytest.mark.parametrize("name", (*quiet.LOGGERS, "bitsandbytes"))
def test_a_librarys_logger_says_errors_only(name, monkeypatch):
    monkeypatch.setattr(logging.getLogger(name), "level", logging.WARNING)
    quiet.be_quiet(offline=True)
    assert logging.getLogger(name).level == logging.ERROR


@pytest.mark.parametrize(
    ("module", "category", "text", "shown"),
    [
        ("transformers.modeling_utils", FutureWarning, "is_gradient_checkpointing goes", False),
        ("torch.utils.data", UserWarning, "'pin_memory' is set and there is no accelerator", False),
        ("__main__", FutureWarning, "the learner's own", True),
        ("transformers.x", UserWarning, "something to act on", True),
    ],
)
def test_warnings_that_nobody_can_act_on_are_not_shown(module, category, text, shown):
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("always")
        quiet.be_quiet(offline=True)
        warnings.warn_explicit(text, category, "file.py", 1, module=module)
    assert bool(caught) is shown


def test_libraries_that_were_imported_first_hear_of_it_too():
    report = child(
        "import datasets, transformers, huggingface_hub\n"
        "from smolcourse.quiet import be_quiet; be_quiet(True)"
    )
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_VERBOSITY"):
        assert report[name], name
    assert report["HF_DATASETS_DISABLE_PROGRESS_BARS"]


def test_what_the_reader_has_set_stays():
    assert child("from smolcourse.quiet import be_quiet; be_quiet(False)",
                 TRANSFORMERS_VERBOSITY="info")["TRANSFORMERS_VERBOSITY"] is False  # fmt: skip
