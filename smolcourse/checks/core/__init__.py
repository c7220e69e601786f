"""The engine of the checks, and the few words with which an exercise is written.

    # smolcourse/checks/sft/mask.py
    def cases(rng):                        # inputs, drawn: `rng` is a random.Random
        return [([5, 6, 7], 1), ([1, 2], 0), ([rng.randrange(9) for _ in range(6)], 4)]

    def observe(answer, case):             # what can be seen of an answer on a case
        return expect_type(answer(*case), list)

    mistakes = {                           # wrong implementations, by the key of their message
        "prompt_carries_loss": lambda right, ids, start: ids,
    }

`observe` may be left out where it is `answer(*case)`. A mistake is given the right answer, to spoil
it; where the exercise asks for a class, it is given the class and returns another. `judge(seen,
wanted, case)` replaces the comparison where many answers are right. `pure = True`: the arguments
must be left alone. `tolerance`: for numbers, 1e-5 unless said.
"""

from smolcourse.checks.core.compare import Wrong, expect_shape, expect_type, kind_of, short
from smolcourse.checks.core.draw import integers, normal, seeded
from smolcourse.checks.core.observe import Seen, outcome
from smolcourse.checks.core.scalars import seen_loss

__all__ = [
    "Seen",
    "Wrong",
    "expect_shape",
    "expect_type",
    "integers",
    "kind_of",
    "normal",
    "outcome",
    "seeded",
    "seen_loss",
    "short",
]
