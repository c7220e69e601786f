"""`smolcourse chat`: talk to a local model in the terminal, word by word.

Reads lines from standard input, so a script can be piped in. Commands: `/reset` forgets the
conversation, `/system TEXT` sets the system prompt (and forgets), `/quit` ends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from smolcourse.errors import CourseError
from smolcourse.textfiles import whole
from smolcourse.translate import tr

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer

HELP = "/reset forgets the conversation, /system TEXT sets the system prompt, /quit ends"
NO_INPUT = (
    "There is no input to read: start `smolcourse chat` in a terminal, or pipe a text file into it."
)
REPLACED = "(Bytes of that line are no {encoding} text and were replaced; save the file as UTF-8.)"


class Conversation:
    """A multi-turn conversation with one model; `reply` streams the answer."""

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        system: str | None = None,
        max_new_tokens: int = 128,
    ):
        if tokenizer.chat_template is None:
            raise CourseError(
                "This model has no chat template, so it can't hold a conversation; "
                "use an instruct model, for instance `smolcourse chat --model instruct`."
            )
        self.model, self.tokenizer = model, tokenizer
        self.max_new_tokens = max_new_tokens
        self.system = whole(system) if system else None
        self.reset()

    def reset(self) -> None:
        """Forget all turns; keep the system prompt."""
        self.messages = [{"role": "system", "content": self.system}] if self.system else []

    def _prompt(self) -> list[int]:
        text = self.tokenizer.apply_chat_template(
            self.messages, add_generation_prompt=True, tokenize=False
        )
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _fitting_prompt(self) -> list[int]:
        """The prompt's ids, with the oldest turns dropped until an answer fits as well."""
        limit = getattr(self.model.config, "max_position_embeddings", None) or 2048
        room = limit - min(self.max_new_tokens, limit // 2)
        before = list(self.messages)
        ids = self._prompt()
        first = 1 if self.system else 0
        while len(ids) > room and len(self.messages) > first + 1:
            del self.messages[first : first + 2]
            ids = self._prompt()
        if len(ids) > room:
            self.messages = before[:-1]  # the message is refused, the conversation stays
            raise CourseError(
                "That message is too long for this model ({ids} tokens, there is room for {room}); shorten it.",
                ids=len(ids),
                room=room,
            )
        return ids

    def reply(self, text: str) -> Iterator[str]:
        """Yield the answer to `text` piece by piece and remember both."""
        import threading

        import torch
        from transformers import TextIteratorStreamer

        from smolcourse.generate import turn_end_ids

        self.messages.append({"role": "user", "content": whole(text)})
        ids = torch.tensor([self._fitting_prompt()], device=self.model.device)
        streamer = TextIteratorStreamer(
            self.tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=None
        )
        failure: list[BaseException] = []

        def work():
            try:
                self.model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    streamer=streamer,
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    max_new_tokens=self.max_new_tokens,
                    eos_token_id=turn_end_ids(self.model, self.tokenizer) or None,
                    pad_token_id=self.tokenizer.pad_token_id,
                )
            except BaseException as error:  # handed to the reader, who would wait for ever
                failure.append(error)
                streamer.end()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        pieces = []
        for piece in streamer:
            if piece:
                pieces.append(piece)
                yield piece
        thread.join()
        if failure:
            self.messages.pop()
            raise failure[0]
        self.messages.append({"role": "assistant", "content": "".join(pieces).strip()})


def load(name: str, system: str | None = None, max_new_tokens: int = 128) -> Conversation:
    """A conversation with a role of the profile, a packaged checkpoint, a folder or a Hub id.

    A folder may hold a whole model or an adapter, which is put on its base. Raises `CourseError` for
    what can't be loaded, naming the base that is missing.
    """
    from smolcourse import models, profiles
    from smolcourse.machine import pick_device
    from smolcourse.quiet import be_quiet

    profile = profiles.get()
    source = profile.models.get(name, name)
    # A Hub id given by hand may be fetched; all else stays on this machine.
    by_hand = source == name and name.count("/") == 1 and not Path(name).expanduser().is_dir()
    be_quiet(offline=profile.offline and not by_hand)
    device, _ = pick_device()
    if source == name and models.is_adapter(folder := Path(name).expanduser()):
        from smolcourse.topics import on_its_base

        model, tokenizer = on_its_base.load(folder, device)
        return Conversation(model, tokenizer, system, max_new_tokens)
    tokenizer = models.load_tokenizer(source)
    return Conversation(models.load_model(source, device), tokenizer, system, max_new_tokens)


def run(conversation: Conversation, stdin=None, stdout=None) -> None:
    """Read messages line by line until `/quit` or the end of input, and print the answers.

    Bytes that are no text in the input's encoding are replaced, with a note on standard error.
    Raises `CourseError` if there is no input that can be read.
    """
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    if stdin is None:  # Python's word for a standard input that was closed
        raise CourseError(NO_INPUT)
    if hasattr(stdin, "reconfigure"):
        stdin.reconfigure(errors="replace")
    interactive = stdin.isatty()

    def say(text: str, end: str = "\n") -> None:
        print(text, end=end, file=stdout, flush=True)

    if interactive:
        say(tr(HELP))
    while True:
        if interactive:
            say(tr("\nyou> "), end="")
        try:
            line = stdin.readline()
        except (OSError, ValueError) as error:  # a folder, a terminal that has gone, a closed file
            raise CourseError(NO_INPUT) from error
        if not line:
            return
        text = whole(line).lstrip("\ufeff").strip()  # a piped file may begin with a mark
        if "\ufffd" in text:
            encoding = getattr(stdin, "encoding", None) or "utf-8"
            print(tr(REPLACED, encoding=encoding), file=sys.stderr, flush=True)
        command, _, rest = text.partition(" ")
        if not text:
            continue
        if command in ("/quit", "/exit"):
            return
        if command == "/reset":
            conversation.reset()
            say(tr("(forgotten)"))
        elif command == "/system":
            conversation.system = rest.strip() or None
            conversation.reset()
            say(tr("(system prompt: {prompt})", prompt=conversation.system or tr("none")))
        elif command.startswith("/"):
            say(tr(HELP))
        else:
            say(tr("model> ") if interactive else "", end="")
            try:
                for piece in conversation.reply(text):
                    say(piece, end="")
            except CourseError as error:
                say(str(error), end="")
            say("")
