"""Keep libraries off the network (tiny profile) and out of the notebook's output.

The Hub libraries read their switches from the environment when they are imported; where a notebook
imported them first, the switch is set in the imported module as well. Each switch here has a test
that fails without it (tests/package/test_quiet.py), so that one which a newer library no longer
reads is found.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
SWITCHES = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # datasets would count each load at another address
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "DATASETS_VERBOSITY": "error",
}
LOGGERS = ("transformers", "datasets", "trl", "peft", "accelerate", "huggingface_hub")
_we_went_offline = False


def be_quiet(offline: bool) -> None:
    """Set all switches; what the reader has set in the environment stays, but for the network.

    `offline`: whether the Hub may not be asked. Going back to online undoes only what an earlier
    call did.
    """
    global _we_went_offline
    if offline:
        _we_went_offline = _we_went_offline or os.environ.get("HF_HUB_OFFLINE") != "1"
        _set_offline("1")
    elif _we_went_offline:  # tiny was set up first in this process, now smol is wanted
        _set_offline("0")
        _we_went_offline = False
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    # It asks the Hub for a kernel on import, and says that the library for that is missing.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # What a learner can do nothing about; warnings about their own code stay.
    ours = r"(transformers|trl|torch|peft).*"
    warnings.filterwarnings("ignore", category=FutureWarning, module=ours)
    warnings.filterwarnings("ignore", message=".*pin_memory.*")
    if "datasets" in sys.modules:
        sys.modules["datasets"].disable_progress_bars()
    else:
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if "transformers" in sys.modules:
        noise = importlib.import_module("transformers.utils.logging")
        noise.set_verbosity_error()
        noise.disable_progress_bar()


def _set_offline(value: str) -> None:
    for name in OFFLINE:
        os.environ[name] = value
    on = value == "1"
    for module in ("huggingface_hub.constants", "datasets.config"):
        if module in sys.modules:
            vars(sys.modules[module])["HF_HUB_OFFLINE"] = on
