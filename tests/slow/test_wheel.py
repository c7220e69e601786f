"""The wheel alone is enough: a clean environment, no repository, a notebook in an empty folder.

This is what happens on Colab, where a notebook's first cell installs the package. The environment
has the locked versions of the declared dependencies and a Jupyter kernel, nothing else. uv takes
them from its cache, without a network, if they are there; otherwise from the index in use.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from clean import environment, needs_uv, uv

ROOT = Path(__file__).parent.parent.parent
NOTEBOOK = ROOT / "1_instruction_tuning/notebooks/chat_templates_solution.ipynb"
CHECKPOINTS = ("smollm2-tiny", "smollm2-tiny-instruct")
SIZE_LIMIT = 35_000_000  # bytes: 30 MB of checkpoints and the code
REPORT = "application/vnd.smolcourse.report+json"
BIN = "Scripts" if sys.platform == "win32" else "bin"

pytestmark = needs_uv


def run(python: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [python, *arguments], cwd=cwd, env=environment(), capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", out, ROOT, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def python(tmp_path_factory, wheel) -> Iterator[Path]:
    """The interpreter of a clean environment with the wheel; it links uv's cache, so it is cheap."""
    project = tmp_path_factory.mktemp("clean")
    for name in ("pyproject.toml", "uv.lock"):  # copies: uv completes the lock file it finds
        shutil.copy(ROOT / name, project)
    uv("sync", "--no-dev", "--no-install-project", "--python", sys.executable, cwd=project)
    interpreter = project / ".venv" / BIN / "python"
    kernel = f"ipykernel=={version('ipykernel')}"
    uv("pip", "install", "--python", interpreter, kernel, cwd=project)
    uv("pip", "install", "--python", interpreter, "--no-deps", wheel, cwd=project)
    for name in ("pyproject.toml", "uv.lock"):  # the environment must not look like the course
        (project / name).unlink()
    yield interpreter
    shutil.rmtree(project)  # pytest keeps the folders of three runs, and this one has gigabytes


@pytest.fixture
def names(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_the_packages_files_and_no_others(names):
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "smolcourse"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("not a git checkout")
    wanted = {name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()}
    packed = {name for name in names if name.startswith("smolcourse/")}
    assert packed == wanted, sorted(packed ^ wanted)
    others = {name.split("/")[0] for name in names - packed}
    assert len(others) == 1 and others.pop().endswith(".dist-info")


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_the_wheel_carries_the_checkpoints(names, checkpoint):
    files = ("config.json", "model.safetensors", "tokenizer.json", "manifest.json", "README.md")
    missing = {f"smolcourse/checkpoints/{checkpoint}/{file}" for file in files} - names
    assert not missing, sorted(missing)


def test_the_wheel_carries_world_checks_messages_and_references(names):
    from smolcourse.authoring.build import find_sources
    from smolcourse.authoring.source import read_source

    sources = [read_source(path, ROOT) for path in find_sources(ROOT)]
    exercises = {cell.id for source in sources for cell in source.exercises()}
    assert exercises, "no exercise found in the sources"
    addresses = [name.replace(".", "/") for name in exercises]
    wanted = {f"smolcourse/reference/{address}.py" for address in addresses}
    wanted |= {
        f"smolcourse/checks/{address}.{kind}" for address in addresses for kind in ("py", "toml")
    }
    wanted |= {"smolcourse/checks/core/generic.toml", "smolcourse/words/package/errors.toml"}
    wanted |= {f"smolcourse/words/topics/{source.topic}.toml" for source in sources}
    wanted |= {"smolcourse/world/facts.py"}
    assert wanted <= names, sorted(wanted - names)


def test_the_wheel_is_small(wheel, record_property):
    size = wheel.stat().st_size
    record_property("bytes", size)
    print(f"{wheel.name}: {size / 1e6:.1f} MB")
    assert size < SIZE_LIMIT


def test_every_module_imports_with_the_declared_dependencies_alone(python, tmp_path):
    code = (
        "import importlib, pkgutil, smolcourse\n"
        "for module in pkgutil.walk_packages(smolcourse.__path__, 'smolcourse.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(smolcourse.__file__)"
    )
    where = run(python, "-c", code, cwd=tmp_path).strip()
    assert Path(where).is_relative_to(python.parent.parent), where


def test_the_command_line_works_without_the_repository(python, tmp_path):
    command = python.parent / "smolcourse"
    text = run(python, str(command), "--help", cwd=tmp_path)
    assert "lab" in text and "chat" in text
    assert run(python, str(command), "--version", cwd=tmp_path).startswith("smolcourse ")


def test_a_solution_notebook_runs_in_an_empty_folder(python, tmp_path):
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    folder = tmp_path / "jupyter" / "kernels" / "clean"
    folder.mkdir(parents=True)
    about = {"display_name": "clean", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec | about))
    empty = tmp_path / "empty"
    empty.mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # A last cell says where the package really came from.
    notebook.cells.append(nbformat.v4.new_code_cell("import smolcourse; smolcourse.__file__"))
    kernel_environment = environment() | {"PYTHONFAULTHANDLER": "1"}
    kernel_environment.pop("MPLBACKEND", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        client = NotebookClient(
            notebook,
            kernel_name="clean",
            timeout=600,
            startup_timeout=180,
            resources={"metadata": {"path": str(empty)}},
        )
        with open(tmp_path / "kernel.log", "w") as log:  # says why, if the kernel dies
            try:
                client.execute(env=kernel_environment, stderr=log)
            except DeadKernelError:
                pytest.fail(f"the kernel died: {(tmp_path / 'kernel.log').read_text()[-3000:]}")
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    where = outputs[-1]["data"]["text/plain"].strip("'")
    assert Path(where).is_relative_to(python.parent.parent), where
    reports = [o["data"][REPORT] for o in outputs if REPORT in o.get("data", {})]
    assert len(reports) == 1 and reports[0]["met"], reports
