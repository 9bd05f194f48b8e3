"""Where a second opinion is worth its price: under a held lock, about an object whose type decides what happens."""

from __future__ import annotations

from lockcheck.analysis.link import attributes
from lockcheck.analysis.link.outside import Outside, Question
from lockcheck.analysis.link.values import UNKNOWN, External, Instance, LibraryInstance, LibraryMethod, Value, options
from lockcheck.analysis.summarise.frame import Frame
from lockcheck.analysis.summarise.state import State
from lockcheck.model.expression import Attr, Await, Call, Expr, Item, Name
from lockcheck.model.flow import Enter
from lockcheck.model.identity import ClassId, FunctionId

MAX_DEPTH = 4
"""Local names behind one another that are followed in order to see whether a question has any prospect."""


def callee(frame: Frame, expr: Call, state: State) -> None:
    """Ask what a method is called on, where that is not known, and take the answer for the callee's from now on."""
    outside, func = frame.engine.outside, expr.func
    if outside is None or not isinstance(func, Attr) or not _holds(state):
        return
    types, program, function = frame.engine.types, frame.engine.program, frame.function
    method, receiver = types.evaluate(func, function), types.evaluate(func.value, function)
    if not (method == UNKNOWN or isinstance(method, LibraryMethod)) or not outside.matters(program, func.name):
        return
    if not _is_open(frame, outside, receiver) or _hopeless(frame, outside, func.value):
        return
    above = frame.facts.above
    question = Question(function.module, func.span.below(above), func.name)
    answer = outside.ask(program, question, expr.span.below(above))
    if answer.heir is not None:
        method = LibraryMethod(LibraryInstance(answer.heir), func.name)
    elif answer.value != UNKNOWN:
        method = attributes.attribute(types, answer.value, func.name)
    if method != UNKNOWN and answer.value != UNKNOWN:
        types.told[function, id(func.value)] = answer.value
        types.told[function, id(func)] = method


def entered(frame: Frame, item: Enter, state: State) -> None:
    """Ask what is entered by `with`, where that is not known."""
    outside, types, function = frame.engine.outside, frame.engine.types, frame.function
    if outside is None or not _holds(state) or types.evaluate(item.value, function) != UNKNOWN:
        return
    if not _hopeless(frame, outside, item.value):
        span = item.span.below(frame.facts.above)
        answer = outside.ask(frame.engine.program, Question(function.module, span), span)
        if answer.value != UNKNOWN:
            types.told[function, id(item.value)] = answer.value


def _holds(state: State) -> bool:
    return bool(state.held) and any(held.lock.id is not None for held in state.held)


def _is_open(frame: Frame, outside: Outside, receiver: Value) -> bool:
    """Whether an object's type is not known, or derives from what nothing is known of and a source could tell."""
    library = frame.engine.library

    def is_open(option: Value) -> bool:
        match option:
            case LibraryInstance(type=name):
                return library.type(name) is None and outside.finds(name)
            case Instance(id=cls):
                return any(_has_open_base(frame, outside, one) for one in frame.engine.hierarchy.mro(cls))
            case _:
                return option == UNKNOWN

    return any(is_open(option) for option in options(receiver))


def _has_open_base(frame: Frame, outside: Outside, cls: ClassId) -> bool:
    bases = frame.engine.hierarchy.bases(cls)
    if len(bases) < len(frame.engine.program.classes[cls].bases):
        return True  # one is an expression
    names = [base.name for base in bases if isinstance(base, External)]
    return any(frame.engine.library.type(name) is None and outside.finds(name) for name in names)


def _hopeless(frame: Frame, outside: Outside, expr: Expr, depth: int = MAX_DEPTH) -> bool:
    """Whether only a caller can know an object, or a library whose source nobody has."""
    while isinstance(expr, Attr | Item | Await):
        expr = expr.value
    if isinstance(expr, Call):
        return _is_foreign(frame, outside, frame.function, expr) or _hopeless(frame, outside, expr.func, depth)
    if not isinstance(expr, Name) or _is_self(frame, expr) or depth == 0:
        return False
    if frame.scope.binds(expr.id):
        bindings = frame.scope.bindings.get(expr.id, ())
        if any(binding.how not in ("value", "element", "entered") for binding in bindings):
            return False
        sources = [binding.expr for binding in bindings if binding.expr is not None]
        return all(_hopeless(frame, outside, source, depth - 1) for source in sources)
    program = frame.engine.program
    home = program.home(frame.function.module, expr.id)
    values = program.global_values(*home) if home is not None else ()
    return bool(values) and all(isinstance(v, Call) and _is_foreign(frame, outside, where, v) for where, v in values)


def _is_self(frame: Frame, expr: Expr) -> bool:
    return frame.scope.facts.owner is not None and expr == Name(frame.scope.first or "")


def _is_foreign(frame: Frame, outside: Outside, where: FunctionId, call: Call) -> bool:
    """Whether a call is of something that is neither the program's nor built in nor found in a configured folder."""
    made = frame.engine.types.evaluate(call.func, where)
    return isinstance(made, External) and not made.name.startswith("builtins.") and not outside.finds(made.name)
