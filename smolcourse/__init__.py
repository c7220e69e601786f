"""smolcourse: what the notebooks of the course need, and nothing a lesson should teach.

Names are resolved on first use, because a learner who types `import smolcourse` should not
wait for torch; `smolcourse doctor` must even run where torch is broken. One thing is done at once,
since it is too late when torch is loaded: the environment says how torch's threads wait.
"""

import importlib
from typing import TYPE_CHECKING, Any

from smolcourse.threads import rest_between_operations

if TYPE_CHECKING:  # for editors and type checkers: the same names
    from smolcourse import data, generate, metrics, models, show
    from smolcourse.checks.core.check import check
    from smolcourse.course import Course, setup
    from smolcourse.errors import CourseError

    __version__: str

rest_between_operations()

# name -> (module, attribute or None for the module itself)
_LAZY = {
    "setup": ("smolcourse.course", "setup"),
    "Course": ("smolcourse.course", "Course"),
    "check": ("smolcourse.checks.core.check", "check"),
    "show": ("smolcourse.show", None),
    "generate": ("smolcourse.generate", None),
    "metrics": ("smolcourse.metrics", None),
    "data": ("smolcourse.data", None),
    "models": ("smolcourse.models", None),
    "CourseError": ("smolcourse.errors", "CourseError"),
}
__all__ = [
    "Course",
    "CourseError",
    "__version__",
    "check",
    "data",
    "generate",
    "metrics",
    "models",
    "setup",
    "show",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("smolcourse")
        except PackageNotFoundError:  # a plain copy of the folder on sys.path
            return "0+unknown"
    if name in _LAZY:
        module_name, attribute = _LAZY[name]
        module = importlib.import_module(module_name)
        return module if attribute is None else getattr(module, attribute)
    raise AttributeError(f"module 'smolcourse' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
