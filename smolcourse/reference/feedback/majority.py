# generated from 2_preference_alignment/notebooks/source/human_feedback.py by smolcourse build; do not edit
"""Reference answer of exercise feedback.majority."""
# ruff: noqa

def majority(votes: list[dict]) -> dict:
    """The winner of each pair.

    >>> majority([{"pair": 7, "left": "rejected", "vote": "right"}, {"pair": 8, "left": "chosen", "vote": "tie"}])
    {7: 'chosen', 8: None}
    """
    balance = {}
    for vote in votes:
        balance.setdefault(vote["pair"], 0)
        if vote["vote"] in ("left", "right"):
            for_chosen = (vote["vote"] == "left") == (vote["left"] == "chosen")
            balance[vote["pair"]] += 1 if for_chosen else -1
    return {
        pair: None if sum == 0 else "chosen" if sum > 0 else "rejected"
        for pair, sum in balance.items()
    }

answer = majority
