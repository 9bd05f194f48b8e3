"""Where a second opinion is worth its price: under a held lock, about an object whose type decides what happens."""

from __future__ import annotations

from lockcheck.analysis.link import attributes
from lockcheck.analysis.link.bodies import expressions, put_on_stack, steps, walk
from lockcheck.analysis.link.outside import Outside, Question
from lockcheck.analysis.link.values import UNKNOWN, External, Instance, LibraryInstance, LibraryMethod, Value, options
from lockcheck.analysis.summarise.engine import Engine
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
    _hear_of_callee(frame.engine, outside, function, expr, func)


def entered(frame: Frame, item: Enter, state: State) -> None:
    """Ask what is entered by `with`, where that is not known."""
    outside, types, function = frame.engine.outside, frame.engine.types, frame.function
    if outside is None or not _holds(state) or types.evaluate(item.value, function) != UNKNOWN:
        return
    if not _hopeless(frame, outside, item.value):
        _hear_of_entered(frame.engine, outside, function, item)


def hear_again(engine: Engine, function: FunctionId) -> None:
    """Hear once more what was said of a function that is not followed in this run: whoever asks about it goes by that."""
    outside = engine.outside
    assert outside is not None, "somebody has said it"
    for step in steps(engine.program.body(function)):
        calls = [inner for expr in expressions(step) for inner in walk(expr) if isinstance(inner, Call)]
        for call in calls:
            if isinstance(call.func, Attr) and outside.knows(_of_callee(engine, function, call.func)):
                _hear_of_callee(engine, outside, function, call, call.func)
        for item in (step, *map(put_on_stack, calls)):
            if isinstance(item, Enter) and outside.knows(_of_entered(engine, function, item)):
                _hear_of_entered(engine, outside, function, item)


def _of_callee(engine: Engine, function: FunctionId, func: Attr) -> Question:
    return Question(function.module, func.span.below(engine.program.functions[function].above), func.name)


def _of_entered(engine: Engine, function: FunctionId, item: Enter) -> Question:
    return Question(function.module, item.span.below(engine.program.functions[function].above))


def _hear_of_callee(engine: Engine, outside: Outside, function: FunctionId, expr: Call, func: Attr) -> None:
    types = engine.types
    place = expr.span.below(engine.program.functions[function].above)
    answer = outside.ask(engine.program, _of_callee(engine, function, func), place)
    if answer.value == UNKNOWN:
        return
    method: Value = attributes.attribute(types, answer.value, func.name)
    if answer.heir is not None:
        method = LibraryMethod(LibraryInstance(answer.heir), func.name)
    if method != UNKNOWN:
        types.told[function, id(func.value)] = answer.value
        types.told[function, id(func)] = method


def _hear_of_entered(engine: Engine, outside: Outside, function: FunctionId, item: Enter) -> None:
    question = _of_entered(engine, function, item)
    answer = outside.ask(engine.program, question, question.span)
    if answer.value != UNKNOWN:
        engine.types.told[function, id(item.value)] = answer.value


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
