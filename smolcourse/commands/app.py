"""The `smolcourse` command. Each command imports what it needs when it runs."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Annotated

import typer

from smolcourse import language
from smolcourse.commands import author, learn, models, speech
from smolcourse.translate import tr

# What `smolcourse --help` lists: the words above each group, and its commands.
GROUPS = {
    "Learn": (learn.lab, learn.check, learn.doctor, learn.update),
    "Models": (models.chat, models.pretrain),
    "Make the course": (author.build, author.benchmark),
}

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


for _group, _commands in GROUPS.items():
    for _command in _commands:
        app.command(rich_help_panel=_group)(_command)


def explain(error: BaseException) -> str:
    """One sentence for any error that reaches the top: what went wrong and what to do."""
    from smolcourse.errors import CourseError

    text = str(error)
    if isinstance(error, CourseError):
        return text
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    # safetensors and torch report a full disk in their own exceptions.
    if full or "No space left" in text or "PytorchStreamWriter failed writing" in text:
        return tr("The disk is full; free some space (old folders in runs/ are safe to delete).")
    if isinstance(error, PermissionError):
        return tr(
            "{filename} may not be written or read here; check its owner.",
            filename=error.filename or "A file",
        )
    if isinstance(error, FileNotFoundError):
        return tr("{value} was not found; check the path.", value=error.filename or text)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return tr("That port is taken; choose another one with --port.")
    if isinstance(error, json.JSONDecodeError):
        return tr(
            "A file is not valid JSON ({msg}, line {lineno}); it may be half saved.",
            msg=error.msg,
            lineno=error.lineno,
        )
    if isinstance(error, ModuleNotFoundError):
        return tr("The package '{name}' is not installed; run `uv sync`.", name=error.name)
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return tr("There is not enough memory; close other programs or choose a smaller model.")
    first = text.splitlines()[0] if text else "no message"
    return tr(
        "Unexpected {error} ({first}); run it again with SMOLCOURSE_DEBUG=1 and report what you see.",
        error=type(error).__name__,
        first=first,
    )


def main() -> int:
    """Entry point: errors are one sentence on stderr and a non-zero exit code.

    1 for an error, 2 for a wrong option, 130 for Ctrl-C. `SMOLCOURSE_DEBUG=1` shows
    tracebacks.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an old Windows console has no tick
    language.fallback = language.of_locale()
    try:
        speech.speak()
        speech.spoken(typer.main.get_command(app))()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        print(tr("\nStopped."), file=sys.stderr)
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
