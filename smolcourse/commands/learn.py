"""What a learner types: `lab`, `check`, `doctor`, `update`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from smolcourse import language, places
from smolcourse.commands import terminal
from smolcourse.translate import tr


def lab(
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    lang: Annotated[str, typer.Option(help="Language of the start page: en or zh-CN.")] = "",
) -> None:
    """Open JupyterLab on the course's start page.

    Example: [cyan]smolcourse lab --no-browser --port 9000[/cyan]
    """
    from smolcourse.programs import lab as module

    raise typer.Exit(
        module.start(browser=browser, port=port, lang=lang or language.current_language())
    )


def check(
    notebook: Annotated[Path, typer.Argument(help="An exercise notebook with your answers.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Run the checks of your notebook and show what is right.

    The exit code is 0 only if every exercise is there, checked and right.

    Example: [cyan]smolcourse check
    1_instruction_tuning/notebooks/chat_templates_exercise.ipynb[/cyan]
    """
    from smolcourse.programs.check_notebook import run_checks_in_notebook

    results = run_checks_in_notebook(notebook)
    right = sum(result["status"] == "correct" for result in results)
    if as_json:
        terminal.print_json(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        from rich.markup import escape

        marks = {"correct": ("green", "✓"), "not_attempted": ("yellow", "…")}
        console = terminal.console()
        title = tr(
            "{name}: {right} of {n} correct", name=notebook.name, right=right, n=len(results)
        )
        console.print(escape(title))
        width = max(len(result["id"]) for result in results)
        for result in results:
            colour, symbol = marks.get(result["status"], ("red", "✗"))
            note = f" ({result['note']})" if result.get("note") else ""
            message = escape(terminal.one_line(result["message"] + note))
            mark = f"[{colour}]{terminal.sign(symbol)}[/]"
            console.print(f"{mark} {escape(result['id']):<{width}}  {message}")
    raise typer.Exit(0 if right == len(results) else 1)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Look over this machine: each line is a tick, or one sentence that says what to do.

    The exit code is 1 only if something stops the course from running.

    Example: [cyan]smolcourse doctor --json[/cyan]
    """
    from smolcourse.programs import doctor as module

    findings = module.examine()
    blocked = any(finding.blocking for finding in findings)
    if as_json:
        terminal.print_json(module.as_json(findings))
    else:
        from rich.cells import cell_len
        from rich.markup import escape

        console = terminal.console()
        names = [tr(finding.name) for finding in findings]
        width = max(map(cell_len, names))
        for finding, name in zip(findings, names, strict=True):
            mark = f"[red]{terminal.sign('✗')}[/]" if finding.blocking else "[yellow]![/]"
            mark = f"[green]{terminal.sign('✓')}[/]" if finding.ok else mark
            arrow = terminal.sign("→")
            advice = f" {arrow} {escape(finding.advice)}" if finding.advice else ""
            name += " " * (width - cell_len(name))
            console.print(f"{mark} {name}  {escape(finding.detail)}{advice}")
        if blocked:
            text = "[red]The course can't run yet:[/] do what the lines with {sign} say."
        else:
            text = "[green]Ready.[/] Start with [cyan]smolcourse lab[/]."
        console.print("\n" + tr(text, sign=terminal.sign("✗")))
    raise typer.Exit(1 if blocked else 0)


def update(
    to: Annotated[str, typer.Option(help="A version's tag (default: the newest).")] = "",
) -> None:
    """Get a newer course; your answers and changes are carried over, and copied first.

    Example: [cyan]smolcourse update[/cyan]
    """
    from smolcourse.programs import update as module

    module.update(places.course_folder(), to)
