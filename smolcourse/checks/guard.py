"""Run a learner's code so that nothing it does outlives the check.

A time limit, prints swallowed, random generators put back, arguments copied.
"""

import contextlib
import io
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

from smolcourse.checks.compare import Wrong, described, difference, plain

SECONDS = 20.0


class TimeLimit(BaseException):
    """Not an Exception, so that a learner's `except Exception` in a loop does not swallow it."""


@contextlib.contextmanager
def guarded(seconds: float = SECONDS) -> Iterator[None]:
    """Everything below, around one check."""
    quiet = io.StringIO()
    streams = contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet)
    with streams[0], streams[1], random_state(), time_limit(seconds):
        yield


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimit after `seconds`, where signals allow it (main thread; not on Windows).

    The alarm repeats, in case a bare `except:` caught the first. A handler and a timer that were
    there before (pytest-timeout has one) are put back, the timer with what is left of it.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(number, frame):
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


def wrapped(function: Callable, pure: bool = False) -> Callable:
    """A learner's function as a checker sees it: gets copies, returns `plain` values.

    `pure`: raise Wrong "mutated" if the call changed its arguments. `call.unwrapped` is the
    function itself, for a checker that has to see whether a gradient flows through what it returns.
    """
    if isinstance(function, type):
        return function  # the checker makes instances and looks at them itself

    def call(*args, **kwargs):
        own_args, own_kwargs = copied(args), copied(kwargs)
        try:
            value = function(*own_args, **own_kwargs)
        except Exception as error:
            error.smolcourse_call = described(args, kwargs)  # for the message "exception"
            raise
        value = value if _has_graph(value) else plain(value)
        if pure and difference(plain([list(own_args), own_kwargs]), plain([list(args), kwargs])):
            raise Wrong("mutated")
        return value

    call.unwrapped = function
    return call


def _has_graph(value) -> bool:
    """A loss that a checker wants to call backward() on must keep its graph."""
    torch = sys.modules.get("torch")
    return bool(torch) and type(value) is torch.Tensor and value.grad_fn is not None
