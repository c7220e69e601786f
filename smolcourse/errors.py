"""The one exception of this course that is written for people."""


class CourseError(Exception):
    """Something a learner can put right; its text is one sentence that says how.

    Every part of the package raises this for bad input (an unknown profile, a damaged
    checkpoint, a missing column): `CourseError("There is no notebook {path}; ...", path=path)`. The
    English text is the key of its translation, filled in when it is read. The command line prints
    the sentence and exits with 1; in a notebook it is the last line of the traceback.
    """

    def __init__(self, text: str = "Something went wrong, and nobody said what.", **facts) -> None:
        super().__init__(text)
        self.text, self.facts = text, facts

    def __str__(self) -> str:
        from smolcourse.translate import tr

        return tr(self.text, **self.facts)

    def __reduce__(self):
        return _rebuilt, (self.text, self.facts)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback: the sentence is all a learner needs."""
        return [f"CourseError: {self}"]


def one_of(what: str, got: object, allowed) -> CourseError:
    """The error for a name that is not in a table, with the names that are.

    >>> str(one_of("profile", "huge", ["tiny", "smol"]))
    "There is no profile named 'huge'; use one of: tiny, smol."
    """
    import difflib

    from smolcourse.translate import tr

    names = sorted(map(str, allowed)) if isinstance(allowed, set) else list(map(str, allowed))
    close = difflib.get_close_matches(str(got), names, n=1)
    return CourseError(
        "There is no {what} named '{got}'{hint}; use one of: {names}.",
        what=tr(what),
        got=got,
        hint=tr(" (did you mean '{close}'?)", close=close[0]) if close else "",
        names=", ".join(names),
    )


def _rebuilt(text: str, facts: dict) -> CourseError:
    return CourseError(text, **facts)
