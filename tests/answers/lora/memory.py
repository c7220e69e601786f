"""Wrong and right answers to lora.memory."""

from answers import answers

wrong, right, good = answers("lora.memory")


def memory(weights, gradients, optimizer):
    """An answer from three functions of (total, trained, size)."""

    def training_bytes(total, trained, size=4):
        formulas = {"weights": weights, "gradients": gradients, "optimizer": optimizer}
        return {name: formula(total, trained, size) for name, formula in formulas.items()}

    return training_bytes


def times(which: int, factor=1):
    return lambda *args: factor * args[which] * args[2]


ALL_OF, TRAINED = times(0), times(1)

wrong("value")(memory(ALL_OF, TRAINED, times(1, 3)))
wrong("not_integer")(memory(ALL_OF, TRAINED, lambda n, t, s: t * s / 0.5))
wrong("return_type")(lambda n, t, s=4: (n * s, t * s, 2 * t * s))
wrong("missing_key")(lambda n, t, s=4: {"weights": n * s, "gradients": t * s})
wrong("none")(lambda n, t, s=4: print(n * s))
wrong("exception")(lambda n, t: {"weights": 4 * n, "gradients": 4 * t, "optimizer": 8 * t})
right(lambda n, t, s=4: {"optimizer": t * s * 2, "gradients": t * s, "weights": n * s})
right(
    lambda n, t, size=4: {
        "weights": n * size,
        "gradients": t * size,
        "optimizer": t * size + t * size,
    }
)
