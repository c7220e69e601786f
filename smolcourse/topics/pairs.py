"""Rows of preference datasets: which are valid, their tokens, what a trainer's max_length leaves.

Introduced in lesson 2_preference_alignment/dpo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smolcourse import show
from smolcourse.chats import in_order, text_of_content
from smolcourse.data.schema import require_columns
from smolcourse.errors import CourseError

if TYPE_CHECKING:
    from smolcourse.models import Tokenizer

COLUMNS = ("prompt", "chosen", "rejected")


def validate(dataset):
    """The dataset itself, if every row holds a prompt and two different answers.

    Raises `CourseError`, one sentence, for a missing column, an empty dataset, an empty answer, and
    for a row whose two answers are the same: its DPO loss is log 2 whatever the model does, so the
    trainer would count it and learn nothing from it. Introduced in `2_preference_alignment/dpo`.
    """
    require_columns(dataset, COLUMNS, "The preference dataset")
    if len(dataset) == 0:
        raise CourseError("The preference dataset has no rows; give at least one pair of answers.")
    pairs = zip(dataset["chosen"], dataset["rejected"], strict=True)
    for number, (chosen, rejected) in enumerate(pairs):
        chosen, rejected = text_of(chosen), text_of(rejected)
        if not chosen or not rejected:
            side = "rejected" if chosen else "chosen"
            raise CourseError(
                "Row {number} of the preference dataset has an empty '{side}' answer; drop the row.",
                number=number,
                side=side,
            )
        if chosen == rejected:
            raise CourseError(
                "Row {number} of the preference dataset has the same text as 'chosen' and as 'rejected'; drop the row, for equal answers show no preference.",
                number=number,
            )
    return dataset


def text_of(answer) -> str:
    """The words of an answer, given as a string or as a list of messages.

    Content may be a list of parts. Raises `CourseError` for content that is no text.
    """
    if isinstance(answer, str):
        return answer.strip()
    texts = [
        text_of_content(message.get("content"), at, str(message.get("role")))
        for at, message in enumerate(answer)
    ]
    return "\n".join(texts).strip()


def token_ids(tokenizer: Tokenizer, prompt, answer) -> tuple[list[int], list[int]]:
    """(prompt ids, answer ids) of one row.

    `prompt` and `answer` are lists of messages (a string stands for one turn). The prompt ends with
    the generation prompt; the answer is its words and the end of turn. The line break that ChatML
    templates put behind the end of turn is left out: no answer ever contains it, since generation
    stops before, and no SFT taught it, so that its probability says nothing about the answer.
    """
    opened, written = _texts(tokenizer, prompt, answer)
    whole = tokenizer(opened + written, add_special_tokens=False)["input_ids"]
    start = 0
    prompt = tokenizer(opened, add_special_tokens=False)["input_ids"]
    while start < min(len(prompt), len(whole)) and prompt[start] == whole[start]:
        start += 1
    return whole[:start], whole[start:]


def as_text(dataset, tokenizer: Tokenizer, max_length: int | None = None):
    """The rows with prompt, chosen and rejected as strings, as the chat template writes them.

    For trainers: TRL takes rows of messages too, but then trains on whatever the template writes
    behind the end of turn as well; see `token_ids`. The strings end with the end of turn (TRL adds
    `tokenizer.eos_token` to an answer that does not end with it).

    With `max_length`, in tokens, pairs whose prompt alone fills it are left out, as `DPOTrainer`
    would without a word, and a sentence says how many those are and how many the trainer will cut;
    see `fit`. Introduced in `2_preference_alignment/dpo`.
    """
    validate(dataset)
    dataset = dataset.select_columns(list(COLUMNS))
    if max_length is not None:
        fits = fit(dataset, tokenizer, max_length)
        fits.say()
        dataset = dataset.select(fits.kept)

    def written(row: dict) -> dict:
        prompt, chosen = _texts(tokenizer, row["prompt"], row["chosen"])
        _, rejected = _texts(tokenizer, row["prompt"], row["rejected"])
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected}

    # A new dataset from strings: map would keep the old columns' types.
    return type(dataset).from_list([written(row) for row in dataset])


@dataclass(frozen=True)
class Fit:
    """Which rows a trainer's `max_length` keeps, cuts and leaves out, by number.

    `cut` are among the kept: one answer at least loses its end.
    """

    max_length: int
    kept: list[int]
    cut: list[int]
    left_out: list[int]

    def say(self) -> None:
        """One sentence if pairs are cut or left out; nothing if all fit."""
        if self.cut or self.left_out:
            show.say(
                "Of {n} pairs, {cut} are longer than {max_length} tokens and lose the end of an answer; {left_out} more have a prompt that long and are left out.",
                n=len(self.kept) + len(self.left_out),
                cut=len(self.cut),
                max_length=self.max_length,
                left_out=len(self.left_out),
            )


def fit(dataset, tokenizer: Tokenizer, max_length: int) -> Fit:
    """What TRL's `DPOTrainer` does to the rows of a preference dataset with this `max_length`.

    A pair whose prompt alone has `max_length` tokens or more has no answer left to learn from and is
    left out. A longer prompt with its answer is cut behind `max_length` tokens, each answer by
    itself. Raises `CourseError` if no pair is left. Source: TRL 1.16, `DPOTrainer` with
    `truncation_mode="keep_start"`, its default.
    """
    kept, cut, left_out = [], [], []
    for number, row in enumerate(dataset.select_columns(list(COLUMNS))):
        pairs = [token_ids(tokenizer, row["prompt"], row[side]) for side in COLUMNS[1:]]
        if min(len(prompt) for prompt, _ in pairs) >= max_length:
            left_out.append(number)
            continue
        kept.append(number)
        if max(len(prompt) + len(answer) for prompt, answer in pairs) > max_length:
            cut.append(number)
    if not kept:
        raise CourseError(
            "No pair fits: each prompt alone fills max_length={max_length}; raise it.",
            max_length=max_length,
        )
    return Fit(max_length, kept, cut, left_out)


def _texts(tokenizer: Tokenizer, prompt, answer) -> tuple[str, str]:
    """(prompt with the generation prompt, answer with its end of turn), as the template writes them."""
    if tokenizer.chat_template is None:
        raise CourseError("This tokenizer has no chat template; set tokenizer.chat_template first.")
    prompt = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    if isinstance(answer, str):
        answer = [{"role": "assistant", "content": answer}]
    chat = in_order(prompt + list(answer))  # the tokenizer may be a learner's own
    opened = tokenizer.apply_chat_template(
        chat[: len(prompt)], tokenize=False, add_generation_prompt=True
    )
    whole = tokenizer.apply_chat_template(chat, tokenize=False)
    written = whole[len(opened) :].rstrip()
    if not whole.startswith(opened) or not written:
        raise CourseError(
            "The chat template writes a prompt differently once an answer follows; use one that "
            "writes both alike."
        )
    return opened, written
