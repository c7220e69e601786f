"""The one exception of this course that is written for people."""


class CourseError(Exception):
    """Something a learner can put right; its text is one sentence that says how.

    Every part of the package raises this for bad input (an unknown profile, a damaged
    checkpoint, a missing column). The command line prints the sentence and exits with 1;
    in a notebook it is the last line of the traceback.
    """

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "Something went wrong, and nobody said what."

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the sentence is all a learner needs."""
        return [f"CourseError: {self}"]


def one_of(what: str, got: object, allowed) -> CourseError:
    """The error for a name that is not in a table, with the names that are.

    >>> str(one_of("profile", "huge", ["tiny", "smol"]))
    "There is no profile named 'huge'; use one of: tiny, smol."
    """
    import difflib

    names = sorted(map(str, allowed)) if isinstance(allowed, set) else list(map(str, allowed))
    close = difflib.get_close_matches(str(got), names, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return CourseError(f"There is no {what} named '{got}'{hint}; use one of: {', '.join(names)}.")
