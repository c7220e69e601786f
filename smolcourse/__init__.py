"""smolcourse: what the notebooks of the course need, and nothing a lesson should teach.

Names are resolved on first use, because a learner who types `import smolcourse` should not
wait for torch; `smolcourse doctor` must even run where torch is broken. One thing is done at once,
since it is too late when torch is loaded: the environment says how torch's threads wait.
"""

import importlib
import sys
from types import ModuleType

from smolcourse.threads import rest_between_operations

rest_between_operations()

# name -> (module, attribute or None for the module itself)
_LAZY = {
    "setup": ("smolcourse.course", "setup"),
    "Course": ("smolcourse.course", "Course"),
    "check": ("smolcourse.check", None),
    "show": ("smolcourse.show", None),
    "generate": ("smolcourse.generate", None),
    "metrics": ("smolcourse.metrics", None),
    "data": ("smolcourse.data", None),
    "models": ("smolcourse.models", None),
    "CourseError": ("smolcourse.errors", "CourseError"),
}
__all__ = [*_LAZY, "__version__"]


class _CheckModule(ModuleType):
    """`smolcourse.check` is a module and the function a notebook calls; this lets it be both."""

    def __call__(self, *args, **kwargs):
        return self.check(*args, **kwargs)


class _Package(ModuleType):
    def __setattr__(self, name, value):
        # Importing a submodule binds it here and would hide a function of the same name.
        if name == "check" and isinstance(value, ModuleType):
            value.__class__ = _CheckModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str):
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
