"""What the checks have found in this process, and the learner's own record of it.

Nothing heavy is imported: the report reads `RESULTS` without loading the engine of the checks.
"""

import json
import os
from datetime import UTC, datetime

from smolcourse import places

RESULTS: dict[str, str] = {}  # id -> "correct", "not_attempted" or "wrong", of the last check


def record(id: str, status: str, key: str) -> None:
    """Remember a verdict, and append it to ~/.smolcourse/progress.jsonl.

    A full disk must not stop a lesson. `SMOLCOURSE_HOME` names another folder,
    `SMOLCOURSE_PROGRESS=0` keeps nothing on disk.
    """
    RESULTS[id] = status
    if os.environ.get("SMOLCOURSE_PROGRESS") == "0":
        return
    time = datetime.now(UTC).isoformat(timespec="seconds")
    row = {"time": time, "id": id, "status": status, "message_key": key}
    try:
        home = places.home()
        home.mkdir(parents=True, exist_ok=True)
        with (home / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except (OSError, RuntimeError):
        pass
