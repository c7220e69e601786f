"""What an author of the course types: `build`, `benchmark`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def build(
    topics: Annotated[
        list[str] | None,
        typer.Argument(help="What --execute, --restamp and --force are about (default: all)."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; name every file that is out of date.")
    ] = False,
    execute: Annotated[
        bool, typer.Option("--execute", help="Run the solutions whose code or package changed.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="With --execute: run the unchanged ones as well.")
    ] = False,
    restamp: Annotated[
        bool, typer.Option("--restamp", help="Accept the Chinese cells as up to date.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite generated notebooks that were edited.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Ask the packaged models what the README shows.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure this environment for the README's costs.")
    ] = False,
) -> None:
    """Write every generated file: notebooks, references, results, tables and blocks of pages.

    Example: [cyan]smolcourse build --execute dpo[/cyan]
    """
    from smolcourse.authoring.build import main_build

    made = main_build(
        topics or (),
        check=check,
        execute=execute,
        every=every,
        restamp=restamp,
        force=force,
        sample=sample,
        measure=measure,
    )
    for message in made.messages:
        print(message)
    for problem in made.problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(made.exit_status)


def benchmark(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("measured/benchmark.json"),
    checkpoint: Annotated[str, typer.Option(help="A name or a folder.")] = "smollm2-tiny",
    steps: Annotated[int, typer.Option(help="Timed steps a run.", min=1)] = 40,
    repeats: Annotated[int, typer.Option(help="Runs of each loop.", min=1)] = 3,
) -> None:
    """Measure TRL's training loop and a bare one against this machine's limit.

    On an idle machine; `smolcourse build` then makes the table of the results page.

    Example: [cyan]smolcourse benchmark --repeats 5[/cyan]
    """
    from smolcourse.authoring import benchmark as module

    for row in module.run(out, checkpoint, steps, repeats):
        print(f"{row['name']}: {row['value']} {row['unit']}".rstrip())
    print(f"written to {out}")
