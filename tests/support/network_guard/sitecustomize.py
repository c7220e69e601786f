"""No connection leaves this machine: loaded into every Python that the tests start.

The root conftest.py puts this folder on PYTHONPATH, so notebook kernels and other child
processes import this file when they start. An attempt fails as on a machine without a
network (an OSError), because the course must work there; and it is recorded, so that the
test run fails even if a library swallowed the error.
"""

import ipaddress
import os
import socket
import sys

LOG = "SMOLCOURSE_NETWORK_LOG"  # a file that collects the attempts of all processes
attempts: list[str] = []
_NAMES = ("socket.connect", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname")


class NetworkBlocked(OSError):
    """Raised for a connection to, or a look-up of, any other machine."""


def is_local(host) -> bool:
    """Whether a host name or address is this machine's own."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not host or host in ("localhost", socket.gethostname()) or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(event: str, arguments: tuple) -> None:
    if event in _NAMES:
        if arguments[0].family == getattr(socket, "AF_UNIX", None):
            return
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in _LOOKUPS:
        host = arguments[0]
    else:
        return
    if is_local(host):
        return
    attempt = f"{event} {host} by {os.path.basename(sys.argv[0] or 'python')}"
    attempts.append(attempt)
    if log := os.environ.get(LOG):
        with open(log, "a", encoding="utf-8") as file:
            file.write(attempt + "\n")
    raise NetworkBlocked(f"The tests have no network: {attempt}.")


def install() -> None:
    """Guard this process, once, for as long as it lives."""
    if not getattr(sys, "_smolcourse_network_guard", False):
        sys._smolcourse_network_guard = True
        sys.addaudithook(_guard)


if __name__ == "sitecustomize":
    install()
