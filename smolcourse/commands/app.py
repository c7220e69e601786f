"""The `smolcourse` command. Each command imports what it needs when it runs."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from smolcourse.commands import terminal

LEARN, AUTHOR, MODELS = "Learn", "Make the course", "Models"

app = typer.Typer(
    name="smolcourse",
    help="[bold]A hands-on course on fine-tuning small language models that runs:[/bold] "
    "offline, on a laptop, in minutes.\n\n"
    "Start with [cyan]smolcourse lab[/cyan]; if something is wrong, [cyan]smolcourse doctor[/cyan] "
    "says what to do.",
    epilog="SMOLCOURSE_PROFILE=smol runs the course on SmolLM2 and Hub datasets; "
    "SMOLCOURSE_LANG=zh-CN gives messages in Chinese.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import smolcourse

        print(f"smolcourse {smolcourse.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel=LEARN)
def lab(
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    lang: Annotated[str, typer.Option(help="Language of the start page: en or zh-CN.")] = "",
) -> None:
    """Open JupyterLab on the course's start page.

    Example: [cyan]smolcourse lab --no-browser --port 9000[/cyan]
    """
    from smolcourse.programs import lab as module

    raise typer.Exit(module.start(browser=browser, port=port, lang=lang or _language()))


@app.command(rich_help_panel=LEARN)
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
        console = _console()
        console.print(f"{escape(notebook.name)}: {right} of {len(results)} correct")
        width = max(len(result["id"]) for result in results)
        for result in results:
            colour, symbol = marks.get(result["status"], ("red", "✗"))
            note = f" ({result['note']})" if result.get("note") else ""
            message = escape(terminal.one_line(result["message"] + note))
            mark = f"[{colour}]{terminal.sign(symbol)}[/]"
            console.print(f"{mark} {escape(result['id']):<{width}}  {message}")
    raise typer.Exit(0 if right == len(results) else 1)


@app.command(rich_help_panel=LEARN)
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
        from rich.markup import escape

        console = _console()
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            mark = f"[red]{terminal.sign('✗')}[/]" if finding.blocking else "[yellow]![/]"
            mark = f"[green]{terminal.sign('✓')}[/]" if finding.ok else mark
            arrow = terminal.sign("→")
            advice = f" {arrow} {escape(finding.advice)}" if finding.advice else ""
            console.print(f"{mark} {finding.name:<{width}}  {escape(finding.detail)}{advice}")
        if blocked:
            console.print(
                "\n[red]The course can't run yet:[/] do what the lines with "
                f"{terminal.sign('✗')} say."
            )
        else:
            console.print("\n[green]Ready.[/] Start with [cyan]smolcourse lab[/].")
    raise typer.Exit(1 if blocked else 0)


@app.command(rich_help_panel=LEARN)
def update(
    to: Annotated[str, typer.Option(help="A version's tag (default: the newest).")] = "",
) -> None:
    """Get a newer course; your answers and changes are carried over, and copied first.

    Example: [cyan]smolcourse update[/cyan]
    """
    from smolcourse.course import repository
    from smolcourse.errors import CourseError
    from smolcourse.programs import update as module

    root = repository()
    if root is None:
        raise CourseError("The course is not here; run this inside its folder.")
    module.update(root, to)


@app.command(rich_help_panel=MODELS)
def chat(
    model: Annotated[
        str, typer.Option(help="base, instruct, a checkpoint's name, a folder, or a Hub id.")
    ] = "instruct",
    system: Annotated[str, typer.Option(help="A system prompt.")] = "",
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer in tokens.", min=1)] = 128,
) -> None:
    """Talk to a model in the terminal, word by word; several turns.

    Inside: /reset forgets, /system TEXT sets the system prompt, /quit ends.

    Example: [cyan]echo "What is the capital of France?" | smolcourse chat[/cyan]
    """
    from smolcourse.programs import chat as module

    module.run(module.load(model, system or None, max_new_tokens))


@app.command(rich_help_panel=MODELS)
def pretrain(
    checkpoint: Annotated[str, typer.Option(help="Which checkpoint to build.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to build in (default: runs/pretrain/NAME).")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on where an interrupted run stopped.")] = True,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps (default: the best).")] = "",
) -> None:
    """Build one of the course's tiny models from nothing; resumes after a kill.

    Try the result with SMOLCOURSE_CHECKPOINTS=FOLDER in front of any command.

    Example: [cyan]smolcourse pretrain --checkpoint smollm2-tiny --out my/smollm2-tiny[/cyan]
    """
    from smolcourse import course
    from smolcourse.recipes import pretrain as module

    chosen, _ = course.pick_device(device or None)
    module.main(checkpoint=checkpoint, out=out, resume=resume, device=chosen)


@app.command(rich_help_panel=AUTHOR)
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


@app.command(rich_help_panel=AUTHOR)
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


def _language() -> str:
    from smolcourse.language import current_language

    return current_language()


def _console():
    from rich.console import Console

    # Long sentences are the reader's terminal's to wrap; a pipe gets whole lines.
    return Console(soft_wrap=True, highlight=False)


def explain(error: BaseException) -> str:
    """One sentence for any error that reaches the top: what went wrong and what to do."""
    from smolcourse.errors import CourseError

    text = str(error)
    if isinstance(error, CourseError):
        return text
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    # safetensors and torch report a full disk in their own exceptions.
    if full or "No space left" in text or "PytorchStreamWriter failed writing" in text:
        return "The disk is full; free some space (old folders in runs/ are safe to delete)."
    if isinstance(error, PermissionError):
        return f"{error.filename or 'A file'} may not be written or read here; check its owner."
    if isinstance(error, FileNotFoundError):
        return f"{error.filename or text} was not found; check the path."
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "That port is taken; choose another one with --port."
    if isinstance(error, json.JSONDecodeError):
        return f"A file is not valid JSON ({error.msg}, line {error.lineno}); it may be half saved."
    if isinstance(error, ModuleNotFoundError):
        return f"The package '{error.name}' is not installed; run `uv sync`."
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return "There is not enough memory; close other programs or choose a smaller model."
    first = text.splitlines()[0] if text else "no message"
    return (
        f"Unexpected {type(error).__name__} ({first}); "
        "run it again with SMOLCOURSE_DEBUG=1 and report what you see."
    )


def main() -> int:
    """Entry point: errors are one sentence on stderr and a non-zero exit code.

    1 for an error, 2 for a wrong option, 130 for Ctrl-C. `SMOLCOURSE_DEBUG=1` shows
    tracebacks.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an old Windows console has no tick
    try:
        app()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `smolcourse ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("SMOLCOURSE_DEBUG"):
            raise
        print(explain(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
