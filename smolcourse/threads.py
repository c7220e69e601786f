"""Two notebooks at once: threads that wait for work go to sleep instead of spinning.

Between two operations of a model, the threads of the OpenMP library wait for the next one. By
default they burn a core while they wait, for milliseconds and more. Alone on a machine that is
fastest; but beside a second notebook those threads hold the cores that the other one computes on:
on two cores, the same training step took 175 ms alone and 1,500 ms in each of two notebooks.
Threads that spin for a moment only and then sleep took 202 and 404 ms (GOMP_SPINCOUNT=3000). One
thread each took 290 to 330 and 296 ms. `smolcourse.authoring.two_at_once` measures it anew.

The libraries read their settings once, when torch is loaded, so this must run before: importing
`smolcourse` does it, and what the `smolcourse` command starts (JupyterLab and its kernels) inherits
it. Nothing heavy is imported here.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# Each library reads its own name and passes over the others', so all of them are set everywhere.
SETTINGS = {
    "GOMP_SPINCOUNT": "3000",  # libgomp, in torch for Linux: rounds of a loop, under a millisecond
    "KMP_BLOCKTIME": "1",  # libomp (macOS) and libiomp5 (Windows): milliseconds; default 200
}
# Whoever set one of these has decided how threads wait: it stays.
DECIDED = ("OMP_WAIT_POLICY", *SETTINGS)


def rest_between_operations(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let waiting threads sleep after a moment, in this process and those that it starts.

    Works if torch is not loaded yet. Changes nothing where the environment says how threads wait.
    """
    if not any(name in environment for name in DECIDED):
        environment.update(SETTINGS)
