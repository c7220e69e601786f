"""What the exercises on human feedback share: votes, written briefly."""


def votes(*triples) -> list[dict]:
    """Votes from (pair, "c" or "r" for what stood left, "l", "r", "t" or "s" for the click)."""
    sides = {"c": "chosen", "r": "rejected"}
    clicks = {"l": "left", "r": "right", "t": "tie", "s": "skip"}
    return [
        {"pair": pair, "annotator": "Ada", "left": sides[left], "vote": clicks[click]}
        for pair, left, click in triples
    ]


def decided(some: list[dict]) -> list[dict]:
    """The votes that are for one side."""
    return [vote for vote in some if vote["vote"] in ("left", "right")]
