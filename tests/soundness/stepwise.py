"""Turns a program's functions into generators that yield each operation on a lock to whoever runs them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Generator
from types import GeneratorType
from typing import Any

_CALL = "step_through"
_MAIN = "run_main"


def step_through(function: Callable[..., Any], *args: object, **keywords: object) -> Generator[Any, Any, Any]:
    """Call whatever is called: what turns out to be a generator is followed to its end."""
    result = function(*args, **keywords)
    if isinstance(result, GeneratorType):
        result = yield from result
    return result


def stepwise(tree: ast.Module) -> ast.Module:
    """The program with functions that can be stopped, its `if __name__ == "__main__"` block as a function `run_main`.

    The rest of the module's body makes locks and objects only, and stays as it is.
    """
    body: list[ast.stmt] = []
    for statement in tree.body:
        match statement:
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), body=block):
                main = ast.parse(f"def {_MAIN}(): pass").body[0]
                assert isinstance(main, ast.FunctionDef)
                main.body = block
                body.append(_function(main))
            case ast.FunctionDef():
                body.append(_function(statement))
            case ast.ClassDef(body=members):
                statement.body = [
                    _function(m) if isinstance(m, ast.FunctionDef) and m.name != "__init__" else m for m in members
                ]
                body.append(statement)
            case _:
                body.append(statement)
    return ast.fix_missing_locations(ast.Module(body, []))


def _function(node: ast.FunctionDef) -> ast.FunctionDef:
    node.body = [*_Steps().many(node.body), *ast.parse("if False:\n    yield").body]
    return node


class _Steps(ast.NodeTransformer):
    def __init__(self) -> None:
        self._numbers = itertools.count()

    def many(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Each statement, with what it becomes."""
        found: list[ast.stmt] = []
        for statement in statements:
            new = self.visit(statement)
            found += new if isinstance(new, list) else [new]
        return found

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        call = ast.Call(ast.Name(_CALL, ast.Load()), [node.func, *node.args], node.keywords)
        return ast.YieldFrom(call)

    def visit_With(self, node: ast.With) -> list[ast.stmt]:
        body = self.many(node.body)
        for item in reversed(node.items):
            name = f"manager_{next(self._numbers)}"
            begin = ast.Assign([ast.Name(name, ast.Store())], self.visit(item.context_expr))
            enter = ast.parse(f"yield from {_CALL}({name}.__enter__)").body
            leave = ast.parse(f"yield from {_CALL}({name}.__exit__, None, None, None)").body
            body = [begin, *enter, *self._finally(body, leave)]
        return body

    def visit_Try(self, node: ast.Try) -> list[ast.stmt]:
        assert not node.handlers
        assert not node.orelse
        return self._finally(self.many(node.body), self.many(node.finalbody))

    def _finally(self, body: list[ast.stmt], last: list[ast.stmt]) -> list[ast.stmt]:
        """A `finally` that does nothing where the generator is thrown away in its middle: it could not yield then."""
        name = f"dropped_{next(self._numbers)}"
        whole = ast.parse(
            f"{name} = False\ntry:\n    pass\nexcept GeneratorExit:\n    {name} = True\n    raise\n"
            f"finally:\n    if not {name}:\n        pass"
        ).body
        attempt, check = whole[1], whole[1].finalbody[0]  # type: ignore[attr-defined]
        assert isinstance(attempt, ast.Try)
        attempt.body, check.body = body, last
        return whole
