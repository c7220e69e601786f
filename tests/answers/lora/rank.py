"""Wrong and right answers to lora.rank."""

import torch
from answers import answers

wrong, right, good = answers("lora.rank")


def spectrum(change, enough=lambda kept, share: kept < share, more=1):
    """An answer that counts where `enough` holds of the summed shares of `change(values)`."""

    def rank_needed(matrix, share):
        values = change(torch.linalg.svdvals(matrix))
        kept = values.cumsum(0) / values.sum()
        return int(enough(kept, share).sum()) + more

    return rank_needed


wrong("value")(lambda m, share: min(m.shape))
wrong("return_type")(lambda m, share: float((torch.linalg.svdvals(m).cumsum(0) < share).sum()))
wrong("none")(lambda m, share: print(torch.linalg.svdvals(m)))
wrong("exception")(lambda m, share: torch.linalg.eigvals(m[:2]).abs())
wrong("mutated")(lambda m, share: m.zero_().numel())


@right
def _(matrix, share):
    _, values, _ = torch.linalg.svd(matrix, full_matrices=False)
    total, kept = float((values**2).sum()), 0.0
    for r, value in enumerate(values.tolist(), start=1):
        kept += value**2
        if kept >= share * total:
            return r
    return len(values)


@right
def _(matrix, share):  # by the eigenvalues of the Gram matrix
    energy = torch.linalg.eigvalsh(matrix.double() @ matrix.double().T).flip(0).clamp(min=0)
    return int((energy.cumsum(0) / energy.sum() < share).sum()) + 1


@right
def _(matrix, share):  # by what is left over
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    for r in range(1, len(s) + 1):
        left = matrix - (u[:, :r] * s[:r]) @ v[:r]
        if left.norm() ** 2 <= (1 - share) * matrix.norm() ** 2:
            return r
