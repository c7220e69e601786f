"""The help and the complaints of the command line in the reader's language.

Ours are looked up by `tr`. typer's own ("Usage", "Options", "No such option: --x") come from typer
in English only: its titles are set here, and what it says of a mistyped command is told anew from
its sentence, one pattern each. A sentence that no pattern fits stays as typer says it.
"""

from __future__ import annotations

import re

from smolcourse.translate import tr

TITLES = {  # of typer.rich_utils
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "DEFAULT_STRING": "[default: {}]",
    "REQUIRED_LONG_STRING": "[required]",
    "ABORTED_TEXT": "Aborted.",
}
COMPLAINTS = (
    (
        r"No such command '(?P<name>.*)'\. Did you mean (?P<near>.*)\?",
        "There is no command '{name}'; did you mean {near}?",
    ),
    (r"No such command '(?P<name>.*)'\.", "There is no command '{name}'."),
    (
        r"No such option: (?P<name>\S+) \(Possible options: (?P<near>.*)\)",
        "There is no option {name}; did you mean {near}?",
    ),
    (r"No such option: (?P<name>\S+)", "There is no option {name}."),
    (r"Missing argument '(?P<name>.*)'\.", "Name the {name}."),
    (r"Missing (?:option|parameter) '?(?P<name>[^']*)'?\.", "Give the option {name}."),
    (r"Got unexpected extra argument\(s\) \((?P<rest>.*)\)", "Leave out: {rest}."),
    (r"Option '(?P<name>.*)' requires an argument\.", "The option {name} needs a value."),
    (r"Option '(?P<name>.*)' does not take a value\.", "The option {name} takes no value."),
    (
        r"Invalid value for '(?P<name>.*)': .*valid integer.*",
        "The value of {name} must be a whole number.",
    ),
    (
        r"Invalid value for '(?P<name>.*)': .*(?:greater|less) than.*",
        "The value of {name} is out of range; see the help.",
    ),
    (r"Invalid value for '(?P<name>.*)': (?P<why>.*)", "The value of {name} is wrong: {why}"),
)


def spoken(command):
    """A command of typer's with its help, that of its options and of its commands, translated."""
    command.help = "\n\n".join(
        tr(" ".join(part.split())) for part in (command.help or "").split("\n\n")
    )
    command.epilog = tr(command.epilog) if command.epilog else None
    if getattr(command, "rich_help_panel", None):
        command.rich_help_panel = tr(command.rich_help_panel)
    for option in command.params:
        if getattr(option, "help", None):
            option.help = tr(option.help)
    _help_option(command)
    usage = command.get_usage
    command.get_usage = lambda context: usage(context).replace("Usage: ", tr("Usage: "), 1)
    for inner in getattr(command, "commands", {}).values():
        spoken(inner)
    return command


def _help_option(command) -> None:
    """Its help says what --help does; typer makes it when it is asked for."""
    make = command.get_help_option

    def made(context):
        option = make(context)
        if option is not None:
            option.help = tr("Show this message and exit.")
        return option

    command.get_help_option = made


def speak() -> None:
    """Titles and complaints of typer, from here on in the reader's language."""
    from typer import rich_utils

    ours = {name: tr(english) for name, english in TITLES.items()}
    vars(rich_utils).update(ours, rich_format_error=complain)


def complain(error) -> None:
    """What was mistyped, on stderr: the usage, and one sentence."""
    from rich.console import Console

    if type(error).__name__ == "NoArgsIsHelpError":  # the help was shown
        return
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    context = getattr(error, "ctx", None)
    if context is not None:
        console.print(context.get_usage().strip())
        command = f"{context.command_path} {context.help_option_names[-1]}"
        console.print(tr("Help: {command}", command=command))
    console.print(sentence(error.format_message()))


def sentence(message: str) -> str:
    """typer's sentence, told anew."""
    message = " ".join(message.split())
    for pattern, english in COMPLAINTS:
        if match := re.fullmatch(pattern, message):
            return tr(english, **match.groupdict())
    return message
