"""What the stubs say that the type checkers bring along: those of typeshed, and those beside an installed package."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.knowledge_witnesses import Found, Signature, Witness


def stubs(package: str) -> Iterator[Witness]:
    """The stubs that know the package."""
    if _stubs().knows(package):
        yield _stubs()


def type_checkers() -> bool:
    """Whether the stubs of third parties are at hand, which come with basedpyright."""
    return importlib.util.find_spec("basedpyright") is not None


@dataclass(frozen=True)
class _Scope:
    """The names of a stub module or class, each with all its definitions (overloads, versions, platforms)."""

    module: str
    names: dict[str, list[ast.stmt]]
    stars: tuple[str, ...] = ()
    node: ast.ClassDef | None = None


class Stubs:
    """Reads the stubs that the type checkers bring along, and those that lie beside an installed package."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = roots
        self._scopes: dict[str, _Scope | None] = {}
        self._homes: dict[str, list[Path]] = {}

    def knows(self, package: str) -> bool:
        """Whether there are stubs of the whole package, not only of a part of a namespace."""
        return self._module(package) is not None

    def find(self, name: str) -> Found | None:
        words = name.split(".")
        for count in range(len(words) - 1, 0, -1):
            scope = self._module(".".join(words[:count]))
            found = None if scope is None else self._within(scope, words[count:], name)
            if found is not None:
                return found
        return None if self._module(name) is None else Found(name)

    def _within(self, scope: _Scope, words: list[str], name: str) -> Found | None:
        """The first word is a name of the module or class, the others lie in it."""
        home, nodes = self._look_up(scope, words[0], set())
        if home is None or not nodes:
            return None
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        if words[1:]:
            inner = (self._within(_class_scope(home.module, node), words[1:], name) for node in classes)
            return next((found for found in inner if found is not None), None)
        if classes:
            signatures = tuple(self._constructors(_class_scope(home.module, classes[0])))
            return Found(name, True, tuple(self._bases(home, classes[0])), signatures)
        functions = [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        method = scope.node is not None
        signatures = tuple(_stub_signature(node, method) for node in functions)
        return Found(name, False, (), signatures, _stub_coroutine(functions))

    def _look_up(self, scope: _Scope, word: str, seen: set[str]) -> tuple[_Scope | None, list[ast.stmt]]:
        """Where the name is defined, followed through imports, assignments of one name to another, and bases."""
        key = f"{scope.module}:{scope.node.name if scope.node else ''}:{word}"
        if key in seen:
            return None, []
        seen.add(key)
        nodes = scope.names.get(word, [])
        for node in nodes:
            target = _forwarded(node, scope.module, word)
            if target is not None:
                module, other = target
                home = self._module(f"{module}.{other}") if module else scope
                home = home if home is not None and module else self._module(module) if module else scope
                if home is not None:
                    return self._look_up(home, other, seen)
        if nodes:
            return scope, nodes
        for star in scope.stars:
            home = self._module(star)
            if home is not None:
                there, found = self._look_up(home, word, seen)
                if found:
                    return there, found
        return self._look_up_in_bases(scope, word, seen)

    def _look_up_in_bases(self, scope: _Scope, word: str, seen: set[str]) -> tuple[_Scope | None, list[ast.stmt]]:
        if scope.node is None:
            return None, []
        for base in scope.node.bases:
            text = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
            module = self._module(scope.module)
            parent, nodes = self._dotted(module, text) if module is not None else (None, [])
            for node in nodes:
                if parent is not None and isinstance(node, ast.ClassDef):
                    there, found = self._look_up(_class_scope(parent.module, node), word, seen)
                    if found:
                        return there, found
        return None, []

    def _dotted(self, module: _Scope, text: str) -> tuple[_Scope | None, list[ast.stmt]]:
        head, _, rest = text.partition(".")
        if not rest:
            return self._look_up(module, head, set())
        whole, _, last = text.rpartition(".")
        home = self._module(whole)
        return (None, []) if home is None else self._look_up(home, last, set())

    def _bases(self, scope: _Scope, node: ast.ClassDef) -> Iterator[str]:
        yield f"{scope.module}.{node.name}"
        module = self._module(scope.module)
        for base in node.bases:
            text = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
            parent, nodes = self._dotted(module, text) if module is not None else (None, [])
            for found in nodes:
                if parent is not None and isinstance(found, ast.ClassDef):
                    yield from self._bases(parent, found)

    def _constructors(self, scope: _Scope) -> Iterator[Signature]:
        for word in ("__init__", "__new__"):
            _, nodes = self._look_up(scope, word, set())
            for node in nodes:
                if isinstance(node, ast.FunctionDef):
                    yield _stub_signature(node, True)

    def _roots_of(self, package: str) -> list[Path]:
        if package not in self._homes:
            places = ((root, root / package, root / f"{package}.pyi") for root in self._roots)
            self._homes[package] = [root for root, folder, file in places if folder.is_dir() or file.is_file()]
        return self._homes[package]

    def _module(self, name: str) -> _Scope | None:
        if name not in self._scopes:
            paths = [root.joinpath(*name.split(".")) for root in self._roots_of(name.partition(".")[0])]
            files = (file for path in paths for file in (path / "__init__.pyi", path.with_name(f"{path.name}.pyi")))
            found = next((file for file in files if file.is_file()), None)
            self._scopes[name] = None if found is None else _read_stub(found, name)
        return self._scopes[name]


@functools.cache
def _stubs() -> Stubs:
    return Stubs(_stub_roots())


@functools.cache
def _stub_roots() -> tuple[Path, ...]:
    roots: list[Path] = []
    for checker, place in (("mypy", "typeshed"), ("basedpyright", "dist/typeshed-fallback")):
        spec = importlib.util.find_spec(checker)
        if spec is not None and spec.origin is not None:
            shed = Path(spec.origin).parent / place
            roots += [shed / "stdlib", *sorted(shed.glob("stubs/*"))]
    beside = Path(sysconfig.get_path("platlib"))
    return tuple(root for root in (*roots, beside) if root.is_dir())


def _read_stub(file: Path, name: str) -> _Scope:
    package = name if file.name == "__init__.pyi" else name.rpartition(".")[0]
    names: dict[str, list[ast.stmt]] = {}
    stars: list[str] = []
    for node in _flat(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.ImportFrom):
            node.module = _absolute(node, package)
            node.level = 0
            stars += [node.module for alias in node.names if alias.name == "*"]
        for word in _defined(node):
            names.setdefault(word, []).append(node)
    return _Scope(name, names, tuple(stars))


def _class_scope(module: str, node: ast.ClassDef) -> _Scope:
    names: dict[str, list[ast.stmt]] = {}
    for inner in _flat(node.body):
        for word in _defined(inner):
            names.setdefault(word, []).append(inner)
    return _Scope(module, names, (), node)


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, those under a test of the version or platform included, whatever it says."""
    for node in body:
        if isinstance(node, ast.If):
            yield from _flat(node.body)
            yield from _flat(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _flat(node.body)
            for handler in node.handlers:
                yield from _flat(handler.body)
        else:
            yield node


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    words = package.split(".")
    words = words[: len(words) - node.level + 1]
    return ".".join([*words, node.module] if node.module else words)


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    return []


def _forwarded(node: ast.stmt, module: str, word: str) -> tuple[str, str] | None:
    """Where a name comes from: a module and the name there; the module is empty for the same scope."""
    if isinstance(node, ast.ImportFrom):
        return next(((node.module or "", a.name) for a in node.names if (a.asname or a.name) == word), None)
    value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    return ("", value.id) if isinstance(value, ast.Name) else None


def _stub_coroutine(functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> bool | None:
    if any(isinstance(node, ast.AsyncFunctionDef) for node in functions):
        return True
    plain = {"None", "int", "float", "bool", "str", "bytes"}
    if functions and all(node.returns is not None and ast.unparse(node.returns) in plain for node in functions):
        return False
    return None


def _stub_signature(node: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> Signature:
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    given = dict(zip(reversed(positional), reversed(node.args.defaults), strict=False))
    given.update((a.arg, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None)
    defaults: dict[str, float] = {}
    for name, value in given.items():
        constant = value.value if isinstance(value, ast.Constant) else None
        if isinstance(constant, (int, float)) and not isinstance(constant, bool):
            defaults[name] = float(constant)
    return Signature(
        positional=tuple(positional[1 if method and "staticmethod" not in decorators else 0 :]),
        named=frozenset(argument.arg for argument in node.args.kwonlyargs),
        open_positional=node.args.vararg is not None,
        open_named=node.args.kwarg is not None,
        defaults=defaults,
    )
