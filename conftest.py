"""For every test of the repository, notebooks included: offline, quiet, network closed.

It lies at the top and not in tests/, because nbval's notebooks lie in the modules' folders.
Everything is in the environment before any library is imported: kernels inherit it.
"""

import os
import sys
import tempfile
from pathlib import Path

import smolcourse  # noqa: F401  (light; it sets how torch's threads wait, see smolcourse/threads.py)

GUARD = Path(__file__).parent / "tests" / "support" / "network_guard"
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "SMOLCOURSE_PROGRESS": "0",  # a test run is no learner's progress
}
for _name in ("PROFILE", "LANG", "SIZE", "DEBUG", "QUICK"):
    os.environ.pop(f"SMOLCOURSE_{_name}", None)
os.environ.update(ENVIRONMENT)
# Some machines forbid Python to keep bytecode. Then every kernel compiles torch and transformers
# from their sources again: 14 seconds of imports instead of 5, for each notebook.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Workers of pytest-xdist inherit the first process's file; that process reads it at the end.
_FIRST = "SMOLCOURSE_NETWORK_LOG" not in os.environ
if _FIRST:
    _handle, os.environ["SMOLCOURSE_NETWORK_LOG"] = tempfile.mkstemp(prefix="smolcourse-net-")
    os.close(_handle)
_paths = [str(GUARD), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(_paths))


def load_guard():
    """The guard as a module named `network_guard`, the same object for every caller."""
    import importlib.util

    # A worker of pytest-xdist inherits PYTHONPATH and so has loaded the guard already.
    loaded = sys.modules.get("sitecustomize")
    if loaded and getattr(loaded, "__file__", None) == str(GUARD / "sitecustomize.py"):
        sys.modules["network_guard"] = loaded
    if "network_guard" not in sys.modules:
        spec = importlib.util.spec_from_file_location("network_guard", GUARD / "sitecustomize.py")
        sys.modules["network_guard"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["network_guard"])
    return sys.modules["network_guard"]


load_guard().install()
# tests/support/notebook_rules.py: how nbval runs the notebooks; run_times.py: what took how long
pytest_plugins = ["notebook_rules", "run_times"]


def pytest_sessionfinish(session, exitstatus):
    """Fail the run if any process of it, a kernel for instance, tried to reach the network."""
    if not _FIRST:
        return
    log = Path(os.environ["SMOLCOURSE_NETWORK_LOG"])
    attempts = sorted(set(log.read_text(encoding="utf-8").splitlines()))
    log.unlink()
    if attempts:
        print("\nThe network was used, which the tiny profile must not do:", file=sys.stderr)
        print("\n".join(attempts), file=sys.stderr)
        session.exitstatus = session.exitstatus or 1
