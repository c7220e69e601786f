"""What the exercises on LoRA share."""

from smolcourse.checks.core import Wrong, outcome


def refuses_ranks(make) -> None:
    """`make(r)` raises ValueError with a sentence for r = 0 and r = -2, or Wrong."""
    for r in (0, -2):
        found = outcome(make, r)
        if "returned" in found:
            raise Wrong("rank_accepted", r=r)
        if found["raised"] != "ValueError":
            raise Wrong("rank_error", r=r, got=found["raised"])
        if found["words"] < 3:
            raise Wrong("rank_sentence", r=r)
