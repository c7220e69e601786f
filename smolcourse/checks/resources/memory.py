"""resources.memory: what is held for each weight, frozen and trained, in bytes."""

from smolcourse.checks.core import Wrong, expect_type

pure = True
STATES = {"sgd": 0, "momentum": 4, "adamw": 8, "adamw_8bit": 2}
PARTS = ("weights", "gradients", "optimizer")


def cases(rng):
    drawn = (64 * rng.randrange(10, 900), rng.randrange(10, 9000), rng.choice([4, 8, 16]), "adamw")
    return [
        (0, 1000, 32, "adamw"),
        (3000, 1000, 32, "adamw"),
        (7000, 40, 16, "sgd"),
        (640, 3, 4.5, "adamw_8bit"),
        (8000, 200, 4, "momentum"),
        (0, 500, 16, "momentum"),
        (1600, 500, 8, "adamw"),
        drawn,
    ]


def observe(answer, case):
    found = expect_type(answer(*case), dict)
    for part in PARTS:
        if part not in found:
            raise Wrong("missing_part", part=part)
        expect_type(found[part], (int, float))
    return {part: found[part] for part in PARTS}


def judge(seen, wanted, case):
    for part in PARTS:
        got, want = seen[part], wanted[part]
        if abs(got - want) > 1e-6 * max(want, 1):
            key = _known(case, part, got, want) or "bytes"
            raise Wrong(key, part=part, args=case, got=got, want=want)


def _known(case, part, got, want) -> str | None:
    """The key of the mistake that gives `got` bytes for a part, if it is a known one."""
    frozen, trained, bits, optimizer = case
    everything, adam = frozen + trained, "adamw" in optimizer
    known = {
        "weights": [
            ("bits_not_bytes", frozen * bits + 4 * trained),
            ("bits_not_bytes", frozen * bits + 32 * trained),
            ("frozen_forgotten", 4 * trained),
            ("frozen_bits_ignored", 4 * everything),
            ("trained_in_few_bits", everything * bits / 8),
        ],
        "gradients": [
            ("frozen_has_gradients", 4 * everything),
            ("gradients_in_few_bits", trained * bits / 8),
            ("bits_not_bytes", 32 * trained),
        ],
        "optimizer": [
            ("sgd_has_no_state", 4 * trained if optimizer == "sgd" else -1),
            ("one_state", STATES[optimizer] // 2 * trained if adam else -1),
            ("eight_bits", 8 * trained if optimizer == "adamw_8bit" else -1),
            ("frozen_has_states", STATES[optimizer] * everything),
        ],
    }
    close = (key for key, value in known[part] if abs(got - value) < 1e-6 * max(value, 1))
    return next(close, None)


def _but(**changed):
    """A mistake: some parts by another formula of (frozen, trained, bits, optimiser)."""

    def wrong(right, *case):
        return right(*case) | {part: formula(*case) for part, formula in changed.items()}

    return wrong


def _states(**states):
    return _but(optimizer=lambda f, t, b, o: (STATES | states)[o] * t)


mistakes = {
    "bits_not_bytes": [
        _but(weights=lambda f, t, b, o: f * b + 32 * t),
        _but(weights=lambda f, t, b, o: f * b + 4 * t),
        _but(gradients=lambda f, t, b, o: 32 * t),
    ],
    "frozen_forgotten": [
        _but(weights=lambda f, t, b, o: 4 * t),
        _but(weights=lambda f, t, b, o: f * int(b // 8) + 4 * t),
    ],
    "frozen_bits_ignored": _but(weights=lambda f, t, b, o: 4 * (f + t)),
    "trained_in_few_bits": _but(weights=lambda f, t, b, o: (f + t) * b / 8),
    "frozen_has_gradients": _but(gradients=lambda f, t, b, o: 4 * (f + t)),
    "gradients_in_few_bits": _but(gradients=lambda f, t, b, o: t * b / 8),
    "frozen_has_states": lambda right, f, t, *rest: (
        right(f, t, *rest) | {"optimizer": right(0, f + t, *rest)["optimizer"]}
    ),
    "one_state": [_states(adamw=4), _states(adamw_8bit=1)],
    "eight_bits": _states(adamw_8bit=8),
    "sgd_has_no_state": _states(sgd=4),
    "bytes": [_states(momentum=12), _but(weights=lambda f, t, b, o: f * b / 8 + 8 * t)],
}
