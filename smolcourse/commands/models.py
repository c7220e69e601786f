"""Commands about models: `chat` talks to one, `pretrain` builds one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def chat(
    model: Annotated[
        str,
        typer.Option(
            help="base, instruct, a checkpoint's name, a folder (a model's or an adapter's), or a Hub id."
        ),
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
    from smolcourse.recipes import pretrain as module

    module.main(checkpoint=checkpoint, out=out, resume=resume, device=device or None)
