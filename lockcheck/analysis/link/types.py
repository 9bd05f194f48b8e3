"""Inference: what an expression in a function denotes, over the whole program and on demand."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import cast

from lockcheck.analysis.link import annotated, arguments, attributes, defaults, locks, results
from lockcheck.analysis.link.handing import Handing
from lockcheck.analysis.link.hierarchy import Hierarchy
from lockcheck.analysis.link.locks import hold, one_of
from lockcheck.analysis.link.memo import Memo
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.reads import NOTHING as UNREAD
from lockcheck.analysis.link.scope import Binding, Scope
from lockcheck.analysis.link.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Container,
    CoroutineValue,
    External,
    FunctionValue,
    Instance,
    LibraryInstance,
    QueueValue,
    TupleValue,
    Value,
    join,
    options,
)
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Comprehension,
    Const,
    Expr,
    Group,
    IfElse,
    Item,
    Lambda,
    Logic,
    Name,
    Star,
    Walrus,
)
from lockcheck.model.facts import MODULE, Parameter
from lockcheck.model.identity import AttributeLock, ClassId, FunctionId, GlobalLock, LocalLock, LockId


class Types:
    """Answers what expressions denote. Every answer is a function of the program alone."""

    def __init__(self, program: Program, hierarchy: Hierarchy) -> None:
        """Nothing is computed before it is asked for."""
        self.program = program
        self.hierarchy = hierarchy
        self.library = program.library
        self.memo = Memo(program.reads)
        self.handing = Handing(self)
        self._reads = program.reads
        self._values = cast("dict[Hashable, Value]", self.memo.known)
        self._read = self.memo.read
        """The kept answers once more, for questions about values: asked so often that a call and a closure count."""
        self.told: dict[tuple[FunctionId, int], Value] = {}
        """Expressions that a second opinion was had on: for who asks about them, not for what follows from them."""
        self.listener: FunctionId | None = None
        """While functions are followed, the one that is: others go by its second opinions afterwards only."""
        self._scopes: dict[FunctionId, Scope] = {}
        self._owners: dict[FunctionId, ClassId | None] = {}
        self._binders: dict[FunctionId, dict[str, FunctionId | None]] = {}
        """Of nested functions: whose local each name is."""
        self._around: dict[FunctionId, int] = {}
        """The code of a function and of those around it, as what is read."""

    def solve(self, question: Hashable, compute: Callable[[], Value]) -> Value:
        """The value that answers a question; unknown where it depends on itself."""
        nothing: Value = UNKNOWN
        return self.memo.solve(question, compute, nothing)

    def scope(self, function: FunctionId) -> Scope:
        """The names that a function binds."""
        self._reads.note_code(function)
        found = self._scopes.get(function)
        if found is None:
            found = self._scopes[function] = Scope(self.program, function)
        return found

    def enclosing(self, function: FunctionId) -> FunctionId | None:
        """The function around a nested one; None at the top level of a module."""
        outer = function.qualname.rpartition(".<locals>.")[0]
        while outer:
            identity = FunctionId(function.module, outer)
            if identity in self.program.functions:
                return identity
            outer = outer.rpartition(".<locals>.")[0]
        return None

    def owner(self, function: FunctionId) -> ClassId | None:
        """The class whose method a function is."""
        if function.qualname == MODULE:
            return None
        self._reads.note_code(function)
        try:
            return self._owners[function]
        except KeyError:
            owner = self.program.functions[function].owner
        found = self._owners[function] = ClassId(function.module, owner) if owner is not None else None
        return found

    def evaluate(self, expr: Expr, function: FunctionId) -> Value:
        """What an expression in the body of `function` denotes."""
        if self.told and (told := self._told(expr, function)) is not None:
            return told
        match expr:
            case Name(id=name):
                return self.name(name, function)
            case Attr(value=value, name=name):  # not kept: there are so many, and what it rests on is
                return attributes.attribute(self, self.evaluate(value, function), name)
            case Call() | Item():
                question = (function, id(expr))
                known = self._values.get(question)
                if known is not None:
                    self._reads.now.add(self._read.get(question, UNREAD))
                    return known
                return self.solve(question, lambda: self._compound(expr, function))
            case Await(value=value):
                return awaited(self, self.evaluate(value, function))
            case Const():
                return NOTHING
            case Logic() | IfElse():
                given = defaults.given_lock(self, expr, function)
                chosen = expr.values if isinstance(expr, Logic) else (expr.then, expr.orelse)
                return given if given is not None else join(self.evaluate(one, function) for one in chosen)
            case Group(kind="tuple", items=items):
                return TupleValue(tuple(self.evaluate(i, function) for i in items))
            case Group(items=items):
                return Container(join(self.evaluate(i, function) for i in items))
            case Comprehension(kind=kind, element=element):
                if kind == "dict" and isinstance(element, Group):
                    element = element.items[-1]
                return Container(self.evaluate(element, function))
            case Walrus(value=value) | Star(value=value):
                return self.evaluate(value, function)
            case Lambda(qualname=qualname):
                return FunctionValue(FunctionId(function.module, qualname))
            case _:
                return UNKNOWN

    def _told(self, expr: Expr, function: FunctionId) -> Value | None:
        if self.memo.busy or self.listener not in (None, function):
            return None
        return self.told.get((function, id(expr)))

    def _compound(self, expr: Expr, function: FunctionId) -> Value:
        match expr:
            case Item(value=value, key=key):
                return results.element(self, self.evaluate(value, function), key)
            case Call():
                return results.call(self, expr, function)
            case _:
                return UNKNOWN

    def name(self, name: str, function: FunctionId) -> Value:
        """What a name denotes in a function: local, enclosing, global or built in."""
        binder = self.binder(name, function)
        if binder is None:
            return self.global_name(function.module, name)
        question = ("local", binder, name)
        known = self._values.get(question)
        if known is not None:
            self._reads.now.add(self._read.get(question, UNREAD))
            return known
        return self.solve(question, lambda: self._local(self.scope(binder), name))

    def binder(self, name: str, function: FunctionId) -> FunctionId | None:
        """The function whose local a name is; None where it is global or built in."""
        if ".<locals>." not in function.qualname:
            is_local = function.qualname != MODULE and self.scope(function).binds(name)
            return function if is_local else None
        known = self._binders.get(function)
        if known is None:
            known = self._binders[function] = {}
            self._around[function] = self._read_around(function)
        self._reads.now.add(self._around[function])
        try:
            return known[name]
        except KeyError:
            current: FunctionId | None = function
        while current is not None and (current.qualname == MODULE or not self.scope(current).binds(name)):
            current = self.enclosing(current)
        known[name] = current
        return current

    def _read_around(self, function: FunctionId) -> int:
        before = self._reads.begin()
        current = function if function.qualname != MODULE else None  # its names are no locals, whatever it says
        while current is not None:
            self._reads.note_code(current)
            current = self.enclosing(current)
        return self._reads.end(before)

    def global_name(self, module: str, name: str) -> Value:
        """What a name at the top level of a module denotes."""
        question = ("global", module, name)
        known = self._values.get(question)
        if known is not None:
            self._reads.now.add(self._read.get(question, UNREAD))
            return known
        return self.solve(question, lambda: self._global(module, name))

    def _global(self, module: str, name: str) -> Value:
        linked = self.program.attribute(module, name) if self.program.has(module) else UNKNOWN
        home = self.program.home(module, name)
        if home is None:
            if linked != UNKNOWN or self._bound(module, name):
                return linked
            return External(f"builtins.{name}")
        values = [linked]
        holder = GlobalLock(*home)
        for scope, expr in self.program.global_values(*home):
            values.append(hold(self, self.evaluate(expr, scope), holder))
        found = join(values)
        if found in (UNKNOWN, NOTHING, Container(UNKNOWN)):
            for fact in self.program.declared(*home):
                if fact.annotation is not None:
                    declared = annotated.instance(self, fact.annotation, FunctionId(home[0], MODULE))
                    found = hold(self, declared, holder) if declared != UNKNOWN else found
        return results.fill(self, found, holder)

    def _bound(self, module: str, name: str) -> bool:
        if not self.program.has(module):
            return True
        names = self.program.names(module, name)
        return name in names.imports or name in names.classes or name in names.functions

    def _local(self, scope: Scope, name: str) -> Value:
        values: list[Value] = []
        parameter = scope.parameters.get(name)
        bindings = scope.bindings.get(name, ())
        holder = self.holder(scope.id, name)
        if parameter is not None:
            values.append(hold(self, self.parameter(scope, parameter), holder))
        values += [hold(self, self.binding(b, scope.id), holder) for b in bindings if b.how != "annotation"]
        found = one_of(join(values), holder)
        if found in (UNKNOWN, NOTHING):
            declared = [b.expr for b in bindings if b.how == "annotation" and b.expr is not None]
            if declared:
                return join(annotated.instance(self, e, scope.id) for e in declared)
        return found

    def holder(self, function: FunctionId, name: str) -> LockId:
        """The identity of a lock that a local name holds; in the body of a class it is the class's attribute."""
        if function.qualname.endswith(".<body>"):
            return AttributeLock(ClassId(function.module, function.qualname.removesuffix(".<body>")), name)
        return LocalLock(function, name)

    def parameter(self, scope: Scope, parameter: Parameter) -> Value:
        """What a parameter denotes: the object of a method, its annotation, else what callers pass."""
        owner = self.owner(scope.id)
        decorators = {
            d.name if isinstance(d, Attr) else d.id if isinstance(d, Name) else "" for d in scope.facts.decorators
        }
        if owner is not None and parameter.name == scope.first and "staticmethod" not in decorators:
            if "classmethod" in decorators or scope.facts.name in ("__new__", "__init_subclass__", "__class_getitem__"):
                return ClassValue(owner)
            return Instance(owner)
        if parameter.kind in ("*", "**"):
            return Container(UNKNOWN)
        declared: Value = UNKNOWN
        if parameter.annotation is not None:
            outer = self.enclosing(scope.id) or FunctionId(scope.id.module, MODULE)
            declared = annotated.instance(self, parameter.annotation, outer)
            if not _vague(declared) and not self._is_primitive(declared):
                return declared
        passed = arguments.passed(self, scope.id, parameter)
        if parameter.default is not None:
            outer = self.enclosing(scope.id) or FunctionId(scope.id.module, MODULE)
            passed = join((passed, self.evaluate(parameter.default, outer)))
        if _vague(passed) and _vague(declared):
            return self._narrowed(scope, parameter.name)
        handed_on = locks.known(passed) is not None or any(isinstance(o, QueueValue) for o in options(passed))
        return passed if handed_on or _vague(declared) else declared

    def _narrowed(self, scope: Scope, name: str) -> Value:
        """`if not isinstance(other, Bag): return …`: what a parameter of unknown type is where it is used."""
        found: list[Value] = []
        for test in scope.calls.get("isinstance", ()):
            match test:
                case Call(func=Name(), args=(Name(id=tested), cls)) if tested == name:
                    found.append(annotated.instance(self, cls, scope.id))
                case _:
                    pass
        own = list(dict.fromkeys(v for v in found if isinstance(v, Instance)))
        return own[0] if len(own) == 1 else UNKNOWN

    def _is_primitive(self, value: Value) -> bool:
        """Whether an annotation promises a lock or queue: which one, only callers can tell."""
        for option in options(value):
            if isinstance(option, LibraryInstance):
                described = self.library.type(option.type)
                if described is not None and (described.lock is not None or described.queue is not None):
                    return True
        return False

    def binding(self, binding: Binding, function: FunctionId) -> Value:
        """What one binding gives to its name."""
        match binding.how:
            case "value":
                assert binding.expr is not None
                return results.unpacked(self.evaluate(binding.expr, function), binding.place)
            case "element":
                assert binding.expr is not None
                value = results.iterated(self, self.evaluate(binding.expr, function))
                return results.unpacked(value, binding.place)
            case "entered":
                assert binding.expr is not None
                value = self.evaluate(binding.expr, function)
                return results.unpacked(results.entered(self, value, binding.is_async), binding.place)
            case "import":
                assert binding.imported is not None
                return self.imported(function.module, binding)
            case "function":
                return FunctionValue(FunctionId(function.module, binding.qualname))
            case "class":
                return ClassValue(ClassId(function.module, binding.qualname))
            case _:
                return UNKNOWN

    def imported(self, module: str, binding: Binding) -> Value:
        """What an import inside a function binds."""
        item = binding.imported
        assert item is not None
        found = self.program.import_target(module, item)
        if found == UNKNOWN and item.attribute is not None:
            base = self.program.import_target(module, type(item)(item.bound, item.module, None, item.level))
            return attributes.attribute(self, base, item.attribute)
        return found


def awaited(types: Types, value: Value) -> Value:
    """What awaiting a value gives."""
    found: list[Value] = []
    for option in options(value):
        match option:
            case CoroutineValue(result=result):
                found.append(result)
            case Instance(id=id):
                method = types.hierarchy.method(id, "__await__")
                found.append(UNKNOWN if method is not None else option)
            case LibraryInstance():
                found.append(option)
            case _:
                found.append(UNKNOWN)
    return join(found)


def _vague(value: Value) -> bool:
    return value in (UNKNOWN, NOTHING)
