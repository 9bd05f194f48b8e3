"""Classes whose objects are threads or processes: their `run` is what a worker lives for."""

from __future__ import annotations

from lockcheck.analysis.summarise.engine import Engine
from lockcheck.model.identity import ClassId, FunctionId

_RUNNERS = ("threading.Thread", "multiprocessing.process.BaseProcess")


def is_runner(engine: Engine, cls: ClassId) -> bool:
    """Whether the objects of a class are threads or processes."""
    bases = engine.hierarchy.library_bases(cls)
    return any(engine.library.is_subtype(base, runner) for base in bases for runner in _RUNNERS)


def is_run(engine: Engine, function: FunctionId) -> bool:
    """Whether a function is the `run` of such a class."""
    if engine.program.functions[function].name != "run":
        return False
    owner = engine.types.owner(function)
    return owner is not None and is_runner(engine, owner)
