"""How `smolcourse lab` hands a notebook to JupyterLab: already naming the Python that will run it.

JupyterLab writes the kernel's name and version into a notebook as soon as it is opened. The course's
notebooks name neither, so that they are the same for everybody: each one would be marked as changed,
and closing it would ask whether to save, before a learner had touched it.

Jupyter imports `Notebooks` by its name; it is made then, since the installed package works without
JupyterLab (in Colab, for instance).
"""

from __future__ import annotations

from functools import cache

OURS = "python3"  # the kernel of the environment that JupyterLab itself runs in


@cache
def notebooks() -> type:
    """The server's own files; only what is read of a notebook gets the kernel's description."""
    from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

    class Notebooks(AsyncLargeFileManager):
        async def get(self, path, content=True, type=None, format=None, require_hash=False):
            model = await super().get(path, content, type, format, require_hash)
            if model["type"] == "notebook" and content:
                describe(model["content"]["metadata"], self.parent)
            return model

    return Notebooks


def describe(metadata: dict, server) -> None:
    """Fill in what JupyterLab would: nothing for a kernel of another environment or language."""
    from ipykernel.ipkernel import IPythonKernel

    if metadata.get("kernelspec", {}).get("name", OURS) != OURS:
        return
    manager = getattr(server, "kernel_spec_manager", None)
    if manager is None or OURS not in manager.find_kernel_specs():
        return
    spec = manager.get_kernel_spec(OURS)
    metadata["kernelspec"] = {
        "name": OURS,
        "display_name": spec.display_name,
        "language": spec.language,
    }
    metadata["language_info"] = dict(IPythonKernel.language_info)


def __getattr__(name: str):
    if name == "Notebooks":
        return notebooks()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
