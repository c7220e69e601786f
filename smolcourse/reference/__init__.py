"""The reference answers, generated from the solution cells of the notebooks by `smolcourse build`.

One module an exercise (`sft.mask` -> `sft__mask`), each importable on its own; its `answer` is the
function or class that the exercise asks for. Never edit these files: edit the notebook's source.
"""


def load(exercise: str):
    """The reference function or class of an exercise, for example `load("sft.mask")`.

    Raises CourseError if `smolcourse build` has not generated it.
    """
    import importlib

    from smolcourse.errors import CourseError

    name = f"{__name__}.{exercise.replace('.', '__').replace('-', '_')}"
    try:
        return importlib.import_module(name).answer
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise CourseError(
            f"There is no reference answer for {exercise!r}; run `smolcourse build`."
        ) from None
