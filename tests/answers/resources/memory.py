"""Wrong and right answers to resources.memory."""

from answers import answers

wrong, right, good = answers("resources.memory")

STATES = {"sgd": 0, "momentum": 4, "adamw": 8, "adamw_8bit": 2}


def bytes_of(
    weights=lambda f, t, b: f * b / 8 + 4 * t,
    gradients=lambda f, t, b: 4 * t,
    states=STATES,
    states_of=lambda f, t: t,
):
    """A parametrised answer; right as it stands."""

    def answer(frozen, trained, bits, optimizer):
        return {
            "weights": weights(frozen, trained, bits),
            "gradients": gradients(frozen, trained, bits),
            "optimizer": states[optimizer] * states_of(frozen, trained),
        }

    return answer


wrong("missing_part")(lambda f, t, b, o: {"weights": 4 * t, "gradients": 4 * t})
wrong("return_type")(lambda f, t, b, o: 16 * t)
right(bytes_of())
right(
    bytes_of(weights=lambda f, t, b: int(f * b) // 8 + t * 4, gradients=lambda f, t, b: t * 32 // 8)
)
right(lambda *args: bytes_of()(*args) | {"total": 0})
