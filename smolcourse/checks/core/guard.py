"""Run a learner's code so that little of what it does outlives the check.

Covered: a time limit (where signals allow it: main thread, not on Windows), prints swallowed,
random generators put back, arguments copied, environment variables and the working folder put back.
Not covered: what the code does to imported modules, to files, or to the notebook's variables.
"""

import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

SECONDS = 20.0
IMPORT_ROUNDS = 6  # two minutes of imports: seen when four notebooks start at once


class TimeLimit(BaseException):
    """Not an Exception, so that a learner's `except Exception` in a loop does not swallow it."""


@contextlib.contextmanager
def guarded(seconds: float = SECONDS) -> Iterator[None]:
    """Everything below, around one check."""
    quiet = io.StringIO()
    streams = contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet)
    with streams[0], streams[1], random_state(), surroundings(), time_limit(seconds):
        yield


@contextlib.contextmanager
def surroundings() -> Iterator[None]:
    """Put environment variables and the working folder back."""
    variables, folder = dict(os.environ), os.getcwd()
    try:
        yield
    finally:
        os.chdir(folder)
        if variables != dict(os.environ):
            os.environ.clear()
            os.environ.update(variables)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimit after `seconds`, where signals allow it (main thread; not on Windows).

    Imports are not held against the answer: the first of a library takes seconds, on a busy machine
    many, and an import that is broken off leaves half a module behind. While one runs, or if modules
    came since the last alarm, the limit starts anew, at most `IMPORT_ROUNDS` times. The alarm
    repeats, in case a bare `except:` caught the first. A handler and a timer that were there before
    (pytest-timeout has one) are put back, the timer with what is left of it.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    loaded, rounds = len(sys.modules), 0

    def stop(number, frame):
        nonlocal loaded, rounds
        if rounds < IMPORT_ROUNDS and (_importing(frame) or len(sys.modules) > loaded):
            loaded, rounds = len(sys.modules), rounds + 1
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
            return
        raise TimeLimit

    start = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            rest = max(0.001, left - (time.monotonic() - start))
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


def _importing(frame) -> bool:
    """Is an import under way in this frame or one that called it?"""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def random_state(seed: int = 0) -> Iterator[None]:
    """Seed the loaded random generators, and put their states back afterwards.

    So a check says the same every time, and does not change what the notebook draws after it.
    """
    import random

    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    python_state = random.getstate()
    numpy_state = numpy.random.get_state() if numpy else None
    torch_state = torch.get_rng_state() if torch else None
    cuda = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_initialized() else None
    random.seed(seed)
    if numpy:
        numpy.random.seed(seed)
    if torch:
        # Not torch.manual_seed: it seeds the GPUs as well, later if they have not started yet.
        torch.default_generator.manual_seed(seed)
    if cuda is not None:
        torch.cuda.manual_seed_all(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        if numpy:
            numpy.random.set_state(numpy_state)
        if torch:
            torch.set_rng_state(torch_state)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def copied(value):
    """A copy of plain containers and tensors, for a learner's function to do with as it likes.

    Passed through as they are: models, tokenizers and the like, and tensors that require a
    gradient (a checker may call backward() and look at theirs).
    """
    if type(value) in (list, tuple, set):
        return type(value)(copied(item) for item in value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch and type(value) is torch.Tensor:
        return value if value.requires_grad else value.clone()
    if numpy and type(value) is numpy.ndarray:
        return value.copy()
    return value
