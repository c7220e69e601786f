"""What `smolcourse lab` tells JupyterLab of a notebook's kernel; the browser test sees the effect."""

import asyncio

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from traitlets.config import Configurable

from smolcourse.programs.lab_files import notebooks


class Server(Configurable):
    """The part of a Jupyter server that is asked."""

    kernel_spec_manager = KernelSpecManager()


def read(folder, metadata: dict) -> dict:
    """The metadata that JupyterLab gets of a notebook with these; the file stays as it is."""
    file = folder / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(metadata=metadata), file)
    before = file.read_bytes()
    got = asyncio.run(notebooks()(root_dir=str(folder), parent=Server()).get("one.ipynb"))
    assert file.read_bytes() == before
    return got["content"]["metadata"]


@pytest.mark.parametrize("name", ["python3", None])
def test_the_running_python_is_named(tmp_path, name):
    stored = {"kernelspec": {"name": name, "display_name": "Python 3"}} if name else {}
    got = read(tmp_path, stored | {"mine": 1})
    assert got["mine"] == 1
    assert got["kernelspec"]["language"] == "python" and got["kernelspec"]["name"] == "python3"
    assert got["language_info"]["version"].startswith("3.")


def test_a_notebook_of_another_kernel_is_left_alone(tmp_path):
    stored = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    assert read(tmp_path, stored) == stored
