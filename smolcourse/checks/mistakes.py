"""Which known mistake explains *everything* that an answer returned.

One result can fit several mistakes by chance (a perfect annotator's votes look the same in many
wrong formulas). A mistake is named only if it predicts the results of all cases.
"""

from collections.abc import Callable, Sequence

from smolcourse.checks.compare import Wrong, difference


def name_mistake(
    results: Sequence, wants: Sequence, predicted: Sequence[Sequence[tuple]], tol: float = 0.0
) -> None:
    """Raise Wrong with the key of the first mistake that predicts all results; else return.

    `predicted[i]` lists (key, result that this mistake gives) for case i, the same mistakes in the
    same order in every case. A mistake that agrees with what is right everywhere is passed over.
    """
    for mistake in zip(*predicted, strict=True):
        values = [value for _, value in mistake]
        if _all_same(results, values, tol) and not _all_same(wants, values, tol):
            raise Wrong(mistake[0][0])


def results_of(function: Callable, cases: Sequence[tuple]) -> list:
    """What a function returns for each case (a tuple of arguments)."""
    return [function(*case) for case in cases]


def _all_same(got: Sequence, want: Sequence, tol: float) -> bool:
    return not any(difference(g, w, tol) for g, w in zip(got, want, strict=True))
