"""The guard that keeps the tests off the network is itself tested."""

import os
import socket
import subprocess
import sys

import pytest


def test_other_machines_are_out_of_reach(forget_attempts):
    with pytest.raises(forget_attempts.NetworkBlocked):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OSError):
        socket.getaddrinfo("example.org", 443)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(OSError):
        udp.sendto(b"x", ("192.0.2.1", 9))
    assert len(forget_attempts.attempts) == 3


def test_this_machine_is_in_reach():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()
    assert socket.getaddrinfo("localhost", 80)


def test_names_under_localhost_are_this_machines_own(no_network):
    assert no_network.is_local("datasets-server.localhost")  # datasets asks this of a local hub
    assert not no_network.is_local("localhost.example.org")


def test_child_processes_are_guarded_and_leave_a_trace(forget_attempts):
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "NetworkBlocked" in done.stderr
    with open(os.environ["SMOLCOURSE_NETWORK_LOG"], encoding="utf-8") as log:
        assert "192.0.2.1" in log.read()


def test_notebook_kernels_are_guarded(forget_attempts):
    """nbval starts kernels as this does: with the environment of the test run."""
    import nbformat
    from nbclient import NotebookClient

    source = (
        "import socket\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
        "except OSError as error:\n    print(type(error).__name__)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    assert notebook.cells[0].outputs[0].text.strip() == "NetworkBlocked"
