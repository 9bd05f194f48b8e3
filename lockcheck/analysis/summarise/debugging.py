"""What runs only while somebody debugs: the code behind `if logger.isEnabledFor(DEBUG):`."""

from __future__ import annotations

from lockcheck.analysis.summarise.engine import Engine
from lockcheck.model.expression import Attr, Call, Expr, last_word
from lockcheck.model.identity import FunctionId

_ASKS = "isEnabledFor"


def asks(engine: Engine, function: FunctionId) -> bool:
    """Whether a function may ask if it is being debugged, by itself or through a function that answers just that."""
    words = {_ASKS, *(f.qualname.rpartition(".")[2] for f in questions(engine))}
    return any(word in words for word in engine.program.functions[function].called)


def is_question(engine: Engine, function: FunctionId, test: Expr) -> bool:
    """Whether a test is true only where messages for debugging are wanted."""
    if not isinstance(test, Call):
        return False
    if _is_direct(test):
        return True
    wrappers = questions(engine)
    return bool(wrappers) and any(t.function in wrappers for t in engine.targets.of(test.func, function))


def _is_direct(expr: Expr) -> bool:
    match expr:
        case Call(func=Attr(name="isEnabledFor"), args=(level,)):
            return last_word(level) == "DEBUG"
        case _:
            return False


def questions(engine: Engine) -> frozenset[FunctionId]:
    """Functions that answer whether messages for debugging are wanted, and nothing else."""
    nothing: frozenset[FunctionId] = frozenset()
    return engine.types.memo.solve("questions for debugging", lambda: _found(engine), nothing)


def _found(engine: Engine) -> frozenset[FunctionId]:
    callers = engine.program.callers(_ASKS)
    return frozenset(f for f in callers if (said := engine.types.scope(f).returns) and all(map(_is_direct, said)))
