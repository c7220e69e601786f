# generated from 2_preference_alignment/notebooks/source/human_feedback.py by smolcourse build; do not edit
"""Reference answer of exercise feedback.position."""
# ruff: noqa

def position_bias(votes: list[dict]) -> float:
    """How much standing on the left helps an answer.

    >>> position_bias([{"pair": 0, "left": "chosen", "vote": "left"}, {"pair": 1, "left": "rejected", "vote": "left"}])
    0.5
    """
    shares = []
    for order in ("chosen", "rejected"):
        clicks = [v["vote"] for v in votes if v["left"] == order and v["vote"] in ("left", "right")]
        if not clicks:
            raise ValueError(f"no decided vote with the {order} answer on the left")
        shares.append(clicks.count("left") / len(clicks))
    return sum(shares) / 2 - 0.5

answer = position_bias
