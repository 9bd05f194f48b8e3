"""A task is kept in a set until it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.effects import assigned
from lockcheck.fixes.names import fresh
from lockcheck.fixes.parts import statement
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Statement, Tree, UnfixableError
from lockcheck.model.repairs import KeepTask

_SET = "background_tasks"
_NAME = f"_{_SET}"
_TYPED, _COMMENTED = ": set[object] = set()", " = set()  # type: set[object]"
_SUBSCRIPTS = (3, 9)
"""Since when `set[object]` can be evaluated."""

_MADE = re.compile(rf"({_NAME}(?:_\d+)?)(?:{re.escape(_TYPED)}|{re.escape(_COMMENTED)})")


def propose(tree: Tree, repair: KeepTask, target: tuple[int, int]) -> Proposal:
    """Put the task into a set of the module, from which a done callback takes it."""
    call = tree.call(repair.place.span)
    line = tree.statement(call)
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]) if value is call:
            pass
        case _:
            raise UnfixableError("starting the task is not a statement of its own")
    if isinstance(tree.parent(tree.block(line)), cst.ClassDef):
        raise UnfixableError("a variable would become an attribute of the class")
    name, changes = _set(tree, line, target)
    task = fresh(tree, "task", line)
    new: list[Statement] = [
        line.with_changes(body=[cst.Assign([cst.AssignTarget(cst.Name(task))], call)]),
        statement(f"{name}.add({task})"),
        statement(f"{task}.add_done_callback({name}.discard)"),
    ]
    return Proposal("safe", f"keep the task in `{name}` until it is done", {**changes, line: new})


def _set(tree: Tree, line: Statement, target: tuple[int, int]) -> tuple[str, dict[cst.CSTNode, Sequence[cst.CSTNode]]]:
    """The set of tasks that the module has, or a new one behind its imports."""
    form = _TYPED if target >= _SUBSCRIPTS else _COMMENTED
    for each in tree.module.body:
        found = _MADE.fullmatch(tree.code(each).strip()) if isinstance(each, cst.SimpleStatementLine) else None
        if found is not None and not _is_bound(tree, line, found[1]):
            return found[1], {}
    name = fresh(tree, _NAME)
    new = statement(f"{name}{form}")
    empty = cst.EmptyLine(indent=False)
    anchor: cst.CSTNode | None = None
    for each in tree.module.body:
        if not _is_head(each):
            break
        anchor = each
    if anchor is not None:
        return name, {anchor: [anchor, new.with_changes(leading_lines=[empty])]}
    first = tree.module.body[0]
    lines: Sequence[cst.EmptyLine] = getattr(first, "leading_lines", ())
    return name, {first: [new, first.with_changes(leading_lines=[empty, empty, *lines])]}


def _is_head(each: cst.CSTNode) -> bool:
    """Whether this is a docstring or an import."""
    match each:
        case cst.SimpleStatementLine(body=[cst.Import() | cst.ImportFrom()]):
            return True
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString())]):
            return True
        case cst.Try(body=cst.IndentedBlock(body=body), finalbody=None) | cst.If(body=cst.IndentedBlock(body=body)):
            return all(_is_head(inner) for inner in body)
        case _:
            return False


def _is_bound(tree: Tree, line: Statement, name: str) -> bool:
    """Whether a function around a line means something of its own by a name."""
    functions = [each for each in tree.around(line) if isinstance(each, cst.FunctionDef)]
    return any(
        name in assigned(each) or (isinstance(each, cst.Param) and each.name.value == name)
        for function in functions
        for each in tree.inside(function)
    )
