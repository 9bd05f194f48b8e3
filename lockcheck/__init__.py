"""A whole-program static analyser for lock and await hazards in Python.

`lockcheck.check(paths, config)` does what the command does and gives a `Report`; `docs/api.md` shows how. What is named
here is loaded when it is first used, so importing this package costs next to nothing.
"""

TYPE_CHECKING = False  # importing it from `typing` would cost more than all the rest here
if TYPE_CHECKING:
    from lockcheck.api import (
        Analysis,
        Confidence,
        Config,
        ConfigError,
        Edit,
        Failure,
        Finding,
        Fix,
        LockcheckError,
        LockNote,
        Place,
        Related,
        Report,
        RuleError,
        Span,
        check,
        rule,
    )

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "Confidence",
    "Config",
    "ConfigError",
    "Edit",
    "Failure",
    "Finding",
    "Fix",
    "LockNote",
    "LockcheckError",
    "Place",
    "Related",
    "Report",
    "RuleError",
    "Span",
    "__version__",
    "check",
    "rule",
]


def __getattr__(name: str) -> object:
    """Load what is used of the interface."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module("lockcheck.api"), name)
    return value


def __dir__() -> list[str]:
    """Name what there is, loaded or not."""
    return sorted({*globals(), *__all__})
