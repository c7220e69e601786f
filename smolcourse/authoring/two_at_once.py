"""Two notebooks at once on one machine: milliseconds of a training step, alone and side by side.

Learners open two notebooks, and a class shares a server. For each way in which threads may wait,
processes train the tiny model on a batch of module 1's shape: one alone, then two together. The
course's own way is in smolcourse/threads.py, with the reason. On an idle machine, two minutes:

    uv run python -c "from smolcourse.authoring import two_at_once; two_at_once.show()"
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

from smolcourse import threads
from smolcourse.errors import CourseError, one_of

COURSE, DEFAULT = "the course's", "the library's default"
WAYS = {
    COURSE: threads.SETTINGS,
    DEFAULT: {},
    "spin 3000": {"GOMP_SPINCOUNT": "3000"},
    "spin 300": {"GOMP_SPINCOUNT": "300"},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
AIM = 2.5  # a step beside a second process takes at most so many times a step alone
WARM_UP = 2  # steps that are not timed
BATCH, LENGTH = 32, 48  # rows and tokens: questions about facts, as module 1 trains on them

# torch comes first: its threads are set by the environment alone, not by importing the course.
CHILD = "import torch; from smolcourse.authoring.two_at_once import train; train({}, {!r})"


def measure(
    ways: list[str] | None = None,
    counts: tuple[int, ...] = (1, 2),
    steps: int = 20,
    checkpoint: str = "smollm2-tiny",
) -> dict[str, dict[int, float]]:
    """{way: {processes at once: ms of a step}} for `ways`, keys of `WAYS` (default: all).

    Raises `CourseError` for a way that there is not, and if a process fails.
    """
    for way in ways or []:
        if way not in WAYS:
            raise one_of("way of waiting", way, WAYS)
    if steps < 1 or not counts or min(counts) < 1:
        raise CourseError("Count at least one step and one process.")
    return {
        way: {count: side_by_side(WAYS[way], count, steps, checkpoint) for count in counts}
        for way in ways or WAYS
    }


def show(**options) -> None:
    """Print what `measure(**options)` finds, a line as soon as it is there."""
    for way in options.pop("ways", None) or WAYS:
        found = measure(ways=[way], **options)[way]
        times = " · ".join(f"{count} at once {ms:6.0f} ms" for count, ms in found.items())
        print(
            f"{way:22} {times} · {max(found.values()) / min(found.values()):.1f} times", flush=True
        )


def typical(repeats: int, checkpoint: str = "smollm2-tiny") -> dict[str, dict[int, float]]:
    """What `measure` finds of the course's way: of `repeats` runs the one with the median ratio."""
    runs = [measure([COURSE], checkpoint=checkpoint) for _ in range(repeats)]
    runs.sort(key=lambda found: found[COURSE][2] / found[COURSE][1])
    return runs[(repeats - 1) // 2]


def rows(measured: dict[str, dict[int, float]]) -> list[dict]:
    """Rows of measured/benchmark.json for what `measure` found of the course's way."""
    alone, together = measured[COURSE][1], measured[COURSE][2]
    return [
        {"name": "A training step, one notebook / two at once",
         "name_zh": "一步训练：一个 notebook / 两个同时运行",
         "value": f"{alone:.0f} / {together:.0f}", "unit": "ms"},
        {"name": f"Two at once / one (aim: at most {AIM})",
         "name_zh": f"两个同时运行 / 一个（目标：不超过 {AIM}）",
         "value": float(f"{together / alone:.3g}"), "unit": ""},
    ]  # fmt: skip


def side_by_side(settings: dict[str, str], count: int, steps: int, checkpoint: str) -> float:
    """Milliseconds of a step in the slowest of `count` processes that train at the same time.

    All start together and go on until the last one has its time, so none is ever alone.
    """
    unset = {"OMP_NUM_THREADS", *threads.DECIDED}
    environment = {k: v for k, v in os.environ.items() if k not in unset} | settings
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD.format(steps, checkpoint)],
            env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(count)
    ]  # fmt: skip
    try:
        for process in running:
            _line(process)  # ready
        for process in running:
            assert process.stdin, "it was started with pipes"
            process.stdin.write("go\n")
            process.stdin.flush()
        return max(json.loads(_line(process)) for process in running)
    finally:
        for process in running:
            process.kill()
            process.communicate()


def _line(process: subprocess.Popen) -> str:
    assert process.stdout and process.stderr, "it was started with pipes"
    line = process.stdout.readline()
    if not line:
        error = process.stderr.read().strip().rsplit("\n", 1)[-1]
        raise CourseError(f"A process that trains beside others ended early: {error}")
    return line


def train(steps: int, checkpoint: str) -> None:
    """The child: train, on a word from the parent time `steps`, go on until the parent ends.

    Writes "ready" and then the median milliseconds of a step.
    """
    import threading

    import torch

    from smolcourse import models

    model = models.load_model(checkpoint, "cpu").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    torch.manual_seed(0)
    ids = torch.randint(model.config.vocab_size, (BATCH, LENGTH))

    def step() -> float:
        started = time.perf_counter()
        model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return 1000 * (time.perf_counter() - started)

    for _ in range(WARM_UP):
        step()
    print("ready", flush=True)
    if not sys.stdin.readline():
        return
    # The rest of the input has no end while the parent lives; then this process ends as well.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(json.dumps(statistics.median(step() for _ in range(steps))), flush=True)
    while True:
        step()
