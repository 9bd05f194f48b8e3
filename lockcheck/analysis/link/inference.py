"""Inference by astroid over texts: nothing of what is analysed is imported or run, and neither is anything else.

astroid by itself resolves imports through `sys.path`, loads extension modules and has plug-ins that import packages in
order to inspect them. None of that takes part here: while a question is answered, modules come as texts, out of the
program and of the configured folders; what the tables of libraries know are empty classes; nothing else exists. Only
plug-ins that work on syntax alone are at hand. Between two questions astroid is as everybody else in the process
knows it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any, Final, TypeAlias

from astroid import bases, nodes, util
from astroid.brain import (
    brain_attrs,
    brain_builtin_inference,
    brain_dataclasses,
    brain_functools,
    brain_type,
)
from astroid.builder import AstroidBuilder
from astroid.exceptions import AstroidError, AstroidImportError, InferenceError
from astroid.manager import AstroidManager
from astroid.transforms import TransformVisitor

from lockcheck.analysis.link.builtins import order
from lockcheck.analysis.link.outside import Answer, Find, Question, Source, Text
from lockcheck.analysis.link.program import Program
from lockcheck.analysis.link.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    External,
    FunctionValue,
    Instance,
    LibraryInstance,
    ModuleValue,
    Value,
)
from lockcheck.model.facts import Unit
from lockcheck.model.identity import ClassId, FunctionId
from lockcheck.model.source import Span

MAX_TEXT: Final = 300_000
"""Characters of the longest module that is looked at."""
MAX_TEXTS: Final = 10_000_000
"""Characters of all modules that are looked at in one run. In ray that are 2.4 million, of 27 million in all."""
MAX_TREES: Final = 2_000_000
"""Characters of modules whose trees are kept at once: some 80 MB."""
MAX_VALUES: Final = 20
"""Alternatives that astroid follows for one expression."""

_SYNTACTIC: Final = (
    brain_attrs,
    brain_builtin_inference,
    brain_dataclasses,
    brain_functools,
    brain_type,
)
"""Plug-ins that import nothing. Those of gi and numpy, for instance, would."""

_FAULTS: Final = (
    AstroidError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,  # RecursionError is one
    TypeError,
    ValueError,
)
"""What astroid raises where it knows no answer, and what it is known to raise by mistake on unusual code."""

_Node: TypeAlias = nodes.NodeNG
_Corner: TypeAlias = tuple[int, int, int, int]
"""Where `ast` sees an expression: rows from 1, offsets in UTF-8 from 0."""


class _Builder(AstroidBuilder):
    """Builds a module's tree and changes no other: an answer must not depend on which modules have been looked at."""

    def delayed_assattr(self, node: nodes.AssignAttr) -> None:
        """Have classes know the attributes that are set from outside, those of this module."""
        try:
            given = [_proxied(one) or one for one in node.expr.infer()]
        except InferenceError:
            return
        own = node.root()
        if all(one.root() is own for one in given if isinstance(one, nodes.NodeNG)):
            super().delayed_assattr(node)


class Inference:
    """Trees of the modules that questions have led to, and what expressions in them are."""

    def __init__(self, program: Program, text: Text, find: Find, *, is_ours: bool) -> None:
        """Begin with astroid's built-ins and nothing else: those that it has, if nobody else in the process uses it."""
        self._order = order() if is_ours else None
        self.program = program
        self.library = program.library
        self.failed = 0
        self.modules = 0
        self.characters = 0
        self._text = text
        self._find = find
        self._inputs: dict[str, str | None] = {}
        self._rows: dict[str, dict[int, ClassId | FunctionId]] = {}
        self._absent: set[str] = set()
        self._reckoned: frozenset[str] = frozenset()
        self.is_full = False
        """A module was not looked at since there was no room for it."""
        self._begin()

    def reckon(self, modules: Sequence[str], characters: int) -> None:
        """Count modules as looked at, of so many characters in all: they were, for answers that are known."""
        self._reckoned = frozenset(modules)
        self.characters += characters

    def _begin(self) -> None:
        """Have a world of our own in astroid, with its built-ins and nothing else."""
        self._nodes: dict[str, dict[_Corner, _Node]] = {}
        self._kept = 0
        self._world: dict[str, Any] = {
            **AstroidManager.brain,
            "astroid_cache": {} if self._order is None else {"builtins": self._order.tree},
            "_mod_file_cache": {},
            "_failed_import_hooks": [],
            "_transform": TransformVisitor(),
            "always_load_extensions": False,
            "extension_package_whitelist": set(),
            "module_denylist": set(),
            "max_inferable_values": MAX_VALUES,
        }
        with self._alone() as manager:
            if self._order is None:
                manager.bootstrap()
            for plugin in _SYNTACTIC:
                plugin.register(manager)

    def rest(self) -> None:
        """Let all trees go, which take much memory; those that are asked for again are made anew."""
        self.close()
        self._begin()

    def close(self) -> None:
        """Make astroid forget all trees; its built-ins are put in order, or made anew where others have theirs."""
        if self._order is None:
            AstroidManager().clear_cache()
            return
        bootstrap = AstroidManager.bootstrap
        with self._alone() as manager:
            setattr(AstroidManager, "bootstrap", _leave)  # noqa: B010 - the built-ins stay
            try:
                manager.clear_cache()
            finally:
                setattr(AstroidManager, "bootstrap", bootstrap)  # noqa: B010
        self._order.restore()

    def inputs(self) -> tuple[tuple[str, str | None], ...]:
        """The modules that were looked up, each with its text, None where there was none."""
        return tuple(sorted(self._inputs.items()))

    def ask(self, question: Question) -> Answer:
        """What an expression is; unknown where astroid can't tell or sees several possibilities."""
        if self._kept > MAX_TREES:
            self.rest()
        with self._alone() as manager:
            try:
                node = self._node(manager, question)
                found = list(node.infer()) if node is not None else []
                return self._answer(found, question.member)
            except _FAULTS:
                self.failed += 1
                return Answer()

    @contextlib.contextmanager
    def _alone(self) -> Generator[AstroidManager, None, None]:
        """Let astroid see this program and nothing else for a while."""
        before = dict(AstroidManager.brain)
        original = AstroidManager.ast_from_module_name

        def resolve(manager: AstroidManager, modname: str | None, *_: object, **__: object) -> nodes.Module:
            return self._module(manager, modname or "")

        setattr(AstroidManager, "ast_from_module_name", resolve)  # noqa: B010 - a method is replaced on purpose
        AstroidManager.brain.update(self._world)  # type: ignore[typeddict-item]
        try:
            yield AstroidManager()
        finally:
            AstroidManager.brain.update(before)  # type: ignore[typeddict-item]
            setattr(AstroidManager, "ast_from_module_name", original)  # noqa: B010

    def _module(self, manager: AstroidManager, name: str) -> nodes.Module:
        """The tree of a module of the program, of a configured folder, or of what the tables know of one."""
        known: nodes.Module | None = manager.astroid_cache.get(name)
        if known is not None:
            return known
        if name in self._absent:
            raise AstroidImportError("there is no module {modname}", modname=name)
        is_new = name not in self._inputs and name not in self._reckoned
        source = self._source(name)
        self._inputs[name] = source.text if source is not None else None
        if source is None:
            source = self._stand_in(name)
        size = len(source.text) if source is not None else 0
        if source is None or size > MAX_TEXT or self.characters + size * is_new > MAX_TEXTS:
            self.is_full = self.is_full or (source is not None and size <= MAX_TEXT)
            self._absent.add(name)
            raise AstroidImportError("there is no module {modname}", modname=name)
        self.modules += is_new
        self.characters += size * is_new
        self._kept += size
        return _Builder(manager).string_build(source.text, name, source.path)

    def _source(self, name: str) -> Source | None:
        unit = self.program.units.get(name)
        if unit is not None:
            return Source(unit.path, unit.is_package, self._text(unit))
        if name in self.program.namespaces:
            return Source(f"{name}/__init__.py", True, "")
        return self._find(name)

    def _stand_in(self, name: str) -> Source | None:
        """An outline of a library's module: its classes that the tables know, without contents."""
        classes = self.library.classes(name)
        if not classes and not self.library.speaks_of(name):
            return None
        text = "".join(f"class {word}:\n    pass\n" for word in classes)
        return Source(f"{name}/__init__.py", True, text)

    def _node(self, manager: AstroidManager, question: Question) -> _Node | None:
        unit = self.program.units[question.module]
        found = self._nodes.get(unit.module)
        if found is None:
            found = self._nodes[unit.module] = _corners(self._module(manager, unit.module))
        node = found.get(self._corner(unit, question.span))
        if question.member is None or node is None:
            return node
        return node.expr if isinstance(node, nodes.Attribute) and node.attrname == question.member else None

    def _corner(self, unit: Unit, span: Span) -> _Corner:
        """Where `ast` sees a span: it counts bytes."""
        text = self._inputs[unit.module] or ""
        if text.isascii():
            return span.row, span.column - 1, span.end_row, span.end_column - 1
        lines = text.split("\n")
        first, last = lines[span.row - 1][: span.column - 1], lines[span.end_row - 1][: span.end_column - 1]
        return span.row, _width(first), span.end_row, _width(last)

    def _answer(self, found: Sequence[object], member: str | None) -> Answer:
        """One answer for all that astroid holds possible: None beside something else is left out."""
        answers = dict.fromkeys(
            Answer(self._value(one, member), self._heir(one, member) if member is not None else None) for one in found
        )
        if len(answers) > 1:
            answers.pop(Answer(NOTHING), None)
        return next(iter(answers)) if len(answers) == 1 else Answer()

    def _value(self, inferred: object, member: str | None = None) -> Value:
        match inferred:
            case util.UninferableBase():
                return UNKNOWN
            case bases.UnboundMethod():  # a bound method is one, too
                function = self._function(_proxied(inferred))
                receiver = self._value(inferred.bound) if isinstance(inferred, bases.BoundMethod) else None
                return FunctionValue(function, receiver) if function is not None else UNKNOWN
            case nodes.FunctionDef() | nodes.Lambda():
                function = self._function(inferred)
                return FunctionValue(function) if function is not None else UNKNOWN
            case nodes.ClassDef():
                cls = self._class(inferred)
                return ClassValue(cls) if cls is not None else External(inferred.qname())
            case nodes.Const(value=None):
                return NOTHING
            case nodes.Module(name=name):
                return ModuleValue(name) if name in self.program.units else External(name)
            case bases.Instance() if type(inferred) is bases.Instance:
                return self._instance(_proxied(inferred), member)
            case _:
                return UNKNOWN

    def _instance(self, made: object, member: str | None) -> Value:
        """An object of the nearest class that has a name here: one made by `type()` may add what it is not asked for."""
        if not isinstance(made, nodes.ClassDef):
            return UNKNOWN
        for cls in (made, *made.ancestors()):
            own = self._class(cls)
            if own is not None:
                return Instance(own)
            name = cls.qname()
            if self.library.type(name) is not None:
                return LibraryInstance(self.library.canonical(name))
            if cls.root().name not in self.program.units or member is None or member in cls.locals:
                break
        name = made.qname()
        return UNKNOWN if name.startswith("builtins.") else LibraryInstance(name)

    def _class(self, made: nodes.ClassDef) -> ClassId | None:
        found = self._definition(made)
        return found if isinstance(found, ClassId) else None

    def _function(self, made: object) -> FunctionId | None:
        found = self._definition(made) if isinstance(made, nodes.FunctionDef) else None
        return found if isinstance(found, FunctionId) else None

    def _definition(self, made: nodes.ClassDef | nodes.FunctionDef) -> ClassId | FunctionId | None:
        """The class or function of the program that astroid found: at the same row of the same module."""
        module = made.root().name
        unit = self.program.units.get(module)
        if unit is None:
            return None
        rows = self._rows.get(module)
        if rows is None:
            rows = self._rows[module] = {}
            for cls in unit.facts.classes:
                rows[cls.span.row] = ClassId(module, cls.qualname)
            for function in self.program.functions_of(module):
                facts = self.program.functions[function]
                if facts.name.isidentifier():
                    rows[facts.in_file.row] = function
        found = rows.get((made.position.lineno if made.position is not None else made.lineno) or 0)
        return found if found is not None and _word(found) == made.name else None

    def _heir(self, inferred: object, member: str) -> str | None:
        """The library's class that gives an object a member; None where a class with a source gives it."""
        made = _proxied(inferred)
        if not isinstance(made, nodes.ClassDef):
            return None
        for cls in (made, *made.ancestors()):
            name = cls.qname()
            if self.library.type(name) is not None:
                if self.library.method(name, member) is not None or self.library.attribute(name, member) is not None:
                    return self.library.canonical(name)
            elif member in cls.locals or member in cls.instance_attrs:
                return None
        return None


def _leave(_manager: object) -> None:
    """Make no built-ins."""


def _proxied(inferred: object) -> object:
    """The class of an instance, the function of a method."""
    return getattr(inferred, "_proxied", None)


def _word(identity: ClassId | FunctionId) -> str:
    return identity.qualname.rpartition(".")[2].partition("@")[0]


def _width(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _corners(module: nodes.Module) -> dict[_Corner, _Node]:
    """The expressions of a module by where they lie; of several in one place the outermost."""
    found: dict[_Corner, _Node] = {}
    waiting: list[_Node] = [module]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Attribute | nodes.Call | nodes.Name | nodes.Subscript):
            first, last = (node.lineno or 0, node.col_offset or 0), (node.end_lineno or 0, node.end_col_offset or 0)
            found.setdefault((*first, *last), node)
        waiting.extend(node.get_children())  # pyright: ignore[reportUnknownArgumentType] - of astroid's making
    return found
