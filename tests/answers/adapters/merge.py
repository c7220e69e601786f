"""Wrong and right answers to adapters.merge."""

from answers import answers

wrong, right, good = answers("adapters.merge")

wrong("mutated")(lambda w, a, b, alpha: w.add_(b @ a, alpha=alpha / len(a)))
wrong("exception")(lambda w, a, b, alpha: w + alpha / len(a) * a @ b)
wrong("return_type")(lambda w, a, b, alpha: (w + b @ a).tolist())
right(lambda w, a, b, alpha: w + alpha / len(a) * b @ a)
right(lambda w, a, b, alpha: w.addmm(b, a, alpha=alpha / b.shape[1]))
right(lambda w, a, b, alpha: (w.T + a.T @ (b.T * (alpha / len(a)))).T)
