"""A simulated crowd that compares answers: careful people, hasty people, people with a bias.

Real preference labels are noisy, and their noise is not fair: annotators like long answers, or the
one on the left. Here each of these habits has a number, so that a lesson can switch it on, measure
it and correct it. A vote is the same dict that the labelling panel writes (`smolcourse.topics.labelling`):

    {"pair": 17, "annotator": "Ada", "left": "rejected", "vote": "right"}

`left` says which of the two answers stood on the left, `vote` is left, right, tie or skip.
Introduced in `2_preference_alignment/human_feedback`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smolcourse.errors import CourseError
from smolcourse.topics.preference import text_of

VOTES = ("left", "right", "tie", "skip")
SIDES = ("chosen", "rejected")


@dataclass(frozen=True)
class Annotator:
    """One simulated person, by the habits that decide a vote. All but `haste` are log-odds.

    `care` is how clearly the better answer wins, `length` what ten more words are worth, `position`
    what standing on the left is worth. `haste` is the share of votes that are a coin toss, in
    [0, 1]. Below `indifference` (log-odds either way) the vote is a tie. With care alone this is
    the Bradley-Terry model (Bradley and Terry 1952, Biometrika 39).
    """

    name: str
    care: float = 3.0
    length: float = 0.0
    position: float = 0.0
    haste: float = 0.0
    indifference: float = 0.0

    def __post_init__(self):
        if not 0 <= self.haste <= 1:
            raise CourseError(
                "The haste of '{name}' is a share from 0 to 1, not {haste}.",
                name=self.name,
                haste=self.haste,
            )

    def log_odds(self, left: str, words_left: int, words_right: int) -> float:
        """How much this person leans to the left answer; 0 is undecided."""
        better = self.care if left == "chosen" else -self.care
        return better + self.length * (words_left - words_right) / 10 + self.position

    def vote(self, left: str, words_left: int, words_right: int, rng: random.Random) -> str:
        """One vote: left, right or tie."""
        if rng.random() < self.haste:
            return rng.choice(["left", "right"])
        lean = self.log_odds(left, words_left, words_right)
        if abs(lean) < self.indifference:
            return "tie"
        return "left" if rng.random() < 1 / (1 + math.exp(-lean)) else "right"


CROWD = (
    Annotator("Ada", care=3.0),
    Annotator("Ben", care=3.0, haste=0.1),
    Annotator("Cleo", care=2.0, haste=0.4),
    Annotator("Dan", care=2.5, position=2.0),
    Annotator("Eve", care=1.5, length=2.0, indifference=0.5),
)
# Everybody in a hurry: the longer answer looks like more work, so it looks better.
HURRIED_CROWD = tuple(Annotator(name, care=1.0, length=4.0) for name in ("Fay", "Gus", "Hal"))


def words(answer) -> int:
    """How many words an answer has (a string, or a list of messages)."""
    return len(text_of(answer).split())


def ask_crowd(
    rows: Sequence[Mapping],
    annotators: Sequence[Annotator] = CROWD,
    seed: int = 0,
    randomise: bool = True,
) -> list[dict]:
    """The votes of all annotators on all pairs, pair by pair.

    `rows`: preference rows; their chosen answer is taken to be the better one. With `randomise`
    each vote has its own random order of the answers; without, the chosen answer always stands on
    the left. A vote depends on seed, annotator and pair only, not on who else was asked.
    Introduced in `2_preference_alignment/human_feedback`.
    """
    names = [annotator.name for annotator in annotators]
    if not names or len(set(names)) < len(names):
        raise CourseError("A crowd needs at least one annotator, and each needs a name of its own.")
    votes = []
    for pair, row in enumerate(rows):
        lengths = {side: words(row[side]) for side in SIDES}
        for annotator in annotators:
            rng = random.Random(f"{seed}/{annotator.name}/{pair}")
            left = rng.choice(SIDES) if randomise else "chosen"
            right = SIDES[1 - SIDES.index(left)]
            vote = annotator.vote(left, lengths[left], lengths[right], rng)
            votes.append({"pair": pair, "annotator": annotator.name, "left": left, "vote": vote})
    return votes


def winner(vote: Mapping) -> str | None:
    """The answer that a vote prefers, "chosen" or "rejected"; None for a tie or a skip."""
    if vote.get("vote") not in VOTES or vote.get("left") not in SIDES:
        raise CourseError(
            "A vote has left = {SIDES} and vote = {VOTES}, not {vote}.",
            SIDES=" or ".join(SIDES),
            VOTES=", ".join(VOTES),
            vote=dict(vote),
        )
    if vote["vote"] in ("tie", "skip"):
        return None
    right = SIDES[1 - SIDES.index(vote["left"])]
    return vote["left"] if vote["vote"] == "left" else right


def label(dataset, winners: Mapping[int, str | None]):
    """The dataset with the crowd's opinion: its winner as chosen, the other answer as rejected.

    `winners` maps a row's number to "chosen" or "rejected"; rows that it maps to None or does not
    name are left out. Raises `CourseError` if nothing is left, or for another opinion.
    """
    decided = {pair: side for pair, side in winners.items() if side is not None}
    if unknown := set(decided.values()) - set(SIDES):
        raise CourseError(
            "A winner is 'chosen', 'rejected' or None, not {unknown!r}.", unknown=sorted(unknown)[0]
        )
    pairs = sorted(pair for pair in decided if 0 <= pair < len(dataset))
    if not pairs:
        raise CourseError("No pair has a winner: collect labels first.")

    def turned(row, at):
        if decided[pairs[at]] == "chosen":
            return {}
        return {"chosen": row["rejected"], "rejected": row["chosen"]}

    return dataset.select(pairs).map(turned, with_indices=True)


def share_right(winners: Mapping[int, str | None]) -> float:
    """How many of the decided labels name the better answer, in [0, 1]."""
    decided = [side for side in winners.values() if side is not None]
    if not decided:
        raise CourseError("No pair has a winner: collect labels first.")
    return sum(side == "chosen" for side in decided) / len(decided)
