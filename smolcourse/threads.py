"""Two notebooks at once: threads that wait for work go to sleep instead of spinning.

Between two operations of a model, the threads of the OpenMP library wait for the next one. By
default they burn a core while they wait, for milliseconds and more. Alone on a machine that is
fastest; but beside a second notebook those threads hold the cores that the other one computes on.
Milliseconds of the same training step on two cores, alone and in each of two notebooks at once:

    GOMP_SPINCOUNT   default   3000   1000    300   passive   one thread each
    alone                238    215    208    237       258               366
    two at once          871    520    438    401       403               372

(On a faster machine, by default: 175 and 1,500.) `smolcourse.authoring.two_at_once` measures it
anew.

The libraries read their settings once, when torch is loaded, so this must run before: importing
`smolcourse` does it, and what the `smolcourse` command starts (JupyterLab and its kernels) inherits
it. Nothing heavy is imported here.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# Each library reads its own name and passes over the others', so all of them are set everywhere.
SETTINGS = {
    "GOMP_SPINCOUNT": "1000",  # libgomp, in torch for Linux: rounds of a loop, under a millisecond
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
