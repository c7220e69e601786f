"""sft.labels: ids where the assistant writes, -100 elsewhere, in any number of turns."""

from smolcourse.checks.core import Wrong, expect_type

IGNORE = -100
pure = True


def cases(rng):
    drawn = [[rng.randrange(9) for _ in range(7)] for _ in range(2)]
    return [
        ([5, 6, 7, 8], [0, 0, 1, 1]),
        (drawn[0], [0, 0, 1, 1, 0, 1, 1]),  # a second turn
        ([3, 0, 3], [1, 1, 0]),  # 0 is a token like any other
        ([4, 4], [0, 0]),
        (drawn[1], [rng.randrange(2) for _ in range(7)]),
    ]


def observe(answer, case):
    labels = expect_type(answer(*case), list)
    for item in labels:
        if not isinstance(item, int):
            raise Wrong("not_integers", item=item, kind=type(item).__name__)
    if len(labels) != len(case[0]):
        raise Wrong("length", got=len(labels), want=len(case[0]))
    return labels


def judge(seen, wanted, case):
    ids, mask = case
    if seen == wanted:
        return
    if all(got == token for got, token, on in zip(seen, ids, mask, strict=True) if on):
        raise Wrong("not_minus_100")
    raise Wrong("value", got=seen, expected=wanted)


def _from_first_turn(right, ids, mask):
    start = mask.index(1) if 1 in mask else len(ids)
    return [IGNORE] * start + ids[start:]


mistakes = {
    "prompt_carries_loss": lambda right, ids, mask: ids,
    "inverted": lambda right, ids, mask: right(ids, [1 - on for on in mask]),
    "shifted": [
        lambda right, ids, mask: right(ids, mask)[1:] + [IGNORE],
        lambda right, ids, mask: [IGNORE, *right(ids, mask)[:-1]],
    ],
    "token_zero": lambda right, ids, mask: [label or IGNORE for label in right(ids, mask)],
    "later_turns": _from_first_turn,
    "not_minus_100": lambda right, ids, mask: [max(label, 0) for label in right(ids, mask)],
    "length": lambda right, ids, mask: [label for label in right(ids, mask) if label != IGNORE],
}
