"""Imports that a fix needs: found where the file has them, else added as the file does it, once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import libcst as cst

from lockcheck.fixes.effects import assigned
from lockcheck.fixes.names import dotted, fresh
from lockcheck.fixes.tree import Statement, Tree, UnfixableError


class Import:
    """How a file names something of a module: `text` is the expression, `changes` what makes it right."""

    def __init__(self, text: str, changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] | None = None) -> None:
        """Tell how a name is spelled, and which statements change for it."""
        self.text = text
        self.changes = changes or {}


def need(tree: Tree, module: str, name: str) -> Import:
    """`name` of a module with no dots in its name, spelled as the file would; imported if it is not yet."""
    found = _needed(tree, module, name)
    _refuse_bound(tree, found.text.partition(".")[0])
    return found


def _needed(tree: Tree, module: str, name: str) -> Import:
    whole: str | None = None
    for _, small in _imports(tree.module.body):
        if isinstance(small, cst.Import):
            for alias in small.names:
                if dotted(alias.name) == module:
                    whole = alias.asname.name.value if _is_named(alias) else module  # type: ignore[union-attr]
        elif _source(small) == module and not isinstance(small.names, cst.ImportStar):
            for alias in small.names:
                if alias.name.value == name:
                    return Import(alias.asname.name.value if _is_named(alias) else name)  # type: ignore[union-attr]
    if whole is not None:
        return Import(f"{whole}.{name}")
    return _added(tree, module, name)


def source(tree: Tree, name: str) -> str | None:
    """The module that a name is imported from by `from … import …` at the top level."""
    for _, small in _imports(tree.module.body):
        if isinstance(small, cst.ImportFrom) and not isinstance(small.names, cst.ImportStar):
            if any(alias.name.value == name and alias.asname is None for alias in small.names):
                return _source(small)
    return None


def _added(tree: Tree, module: str, name: str) -> Import:
    """Extend the `from module import …` that there is, or add `import module`."""
    for statement, small in _imports(tree.module.body):
        if isinstance(small, cst.ImportFrom) and _source(small) == module and isinstance(small.names, Sequence):
            _refuse_taken(tree, name)
            return Import(name, {statement: [_extended(statement, small, name)]})
    _refuse_taken(tree, module)
    line = cst.SimpleStatementLine([cst.Import([cst.ImportAlias(cst.Name(module))])])
    anchor, before = _anchor(tree, module)
    if anchor is None:
        return Import(f"{module}.{name}", _first(tree, line))
    if before:
        old = anchor.with_changes(leading_lines=())
        new = line.with_changes(leading_lines=anchor.leading_lines)  # type: ignore[attr-defined]
        return Import(f"{module}.{name}", {anchor: [new, old]})
    return Import(f"{module}.{name}", {anchor: [anchor, line]})


def _extended(statement: Statement, small: cst.ImportFrom, name: str) -> Statement:
    names = list(small.names) if not isinstance(small.names, cst.ImportStar) else []
    last = names[-1]
    place = _place(names, name)
    if place is not None:
        names.insert(place, cst.ImportAlias(cst.Name(name), comma=_comma(names, place)))
        return statement.with_changes(body=[small.with_changes(names=names)])
    if small.lpar is None or not isinstance(last.comma, cst.Comma):
        names[-1] = last.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
        names.append(cst.ImportAlias(cst.Name(name)))
    else:
        between = names[-2].comma if len(names) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        names[-1] = last.with_changes(comma=between)
        names.append(cst.ImportAlias(cst.Name(name), comma=last.comma))
    return statement.with_changes(body=[small.with_changes(names=names)])


def _place(names: Sequence[cst.ImportAlias], name: str) -> int | None:
    """Where a name goes between others that stand in order; None for behind them, or where they stand in none."""
    words = [each.name.value for each in names if isinstance(each.name, cst.Name)]
    for key in (str.casefold, _rank):
        if len(words) == len(names) and words == sorted(words, key=key):
            return next((i for i, word in enumerate(words) if key(word) > key(name)), None)
    return None


def _comma(names: Sequence[cst.ImportAlias], place: int) -> cst.Comma:
    """What stands behind a name that is put at a place: what does so behind others, if there are any."""
    comma = names[place].comma if place < len(names) - 1 else names[0].comma
    if len(names) > 1 and isinstance(comma, cst.Comma):
        after = comma.whitespace_after
        if not isinstance(after, cst.ParenthesizedWhitespace) or after.first_line.comment is None:
            return comma
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _rank(word: str) -> str:
    """Constants, then classes, then the rest."""
    return f"{0 if word.isupper() else 1 if word[0].isupper() else 2}{word.casefold()}"


def _anchor(tree: Tree, module: str) -> tuple[Statement | None, bool]:
    """The import that a new one stands before (or behind): `import` lines of the first group are kept in order."""
    plain: list[tuple[Statement, str]] = []
    last: Statement | None = None
    for statement, small in _imports(tree.module.body):
        if isinstance(small, cst.Import):
            if plain and _is_apart(statement):
                break
            plain.append((statement, dotted(small.names[0].name) or ""))
        elif _source(small) == "__future__":
            last = statement
        elif plain and _is_apart(statement):
            break
        elif not plain and last is None:
            return statement, True
    for statement, first in plain:
        if first > module:
            return statement, True
    if plain:
        return plain[-1][0], False
    return last, False


def _first(tree: Tree, line: cst.SimpleStatementLine) -> dict[cst.CSTNode, Sequence[cst.CSTNode]]:
    """Put the only import at the top, behind the docstring."""
    body = tree.module.body
    empty = cst.EmptyLine(indent=False)
    if not body:
        raise UnfixableError("the file is empty")
    if tree.module.get_docstring() is not None:
        return {body[0]: [body[0], line.with_changes(leading_lines=[empty])]}
    return {body[0]: [line, body[0].with_changes(leading_lines=[empty, *getattr(body[0], "leading_lines", ())])]}


def _imports(body: Sequence[cst.CSTNode]) -> Iterator[tuple[Statement, cst.Import | cst.ImportFrom]]:
    """The imports at the top level of a module, one to a line."""
    for statement in body:
        if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
            small = statement.body[0]
            if isinstance(small, cst.Import | cst.ImportFrom):
                yield statement, small


def _source(small: cst.ImportFrom) -> str | None:
    if small.relative or small.module is None:
        return None
    return dotted(small.module)


def _is_named(alias: cst.ImportAlias) -> bool:
    return alias.asname is not None and isinstance(alias.asname.name, cst.Name)


def _is_apart(statement: Statement) -> bool:
    """Whether an empty line stands before a statement, and so begins another group."""
    lines: Sequence[cst.EmptyLine] = getattr(statement, "leading_lines", ())
    return any(line.comment is None for line in lines)


def _refuse_bound(tree: Tree, name: str) -> None:
    """A name that stands for something else in one function is not used in any."""
    for node in tree.inside(tree.module):
        match node:
            case cst.Param(name=cst.Name(value=value)) if value == name:
                pass
            case cst.FunctionDef(name=cst.Name(value=value)) | cst.ClassDef(name=cst.Name(value=value)) if (
                value == name and not isinstance(tree.parent(tree.parent(node) or node), cst.ClassDef)
            ):
                pass
            case _ if name in assigned(node) and not isinstance(tree.parent(node), cst.ImportAlias):
                pass
            case _:
                continue
        raise UnfixableError(f"`{name}` means something else in a part of this file")


def _refuse_taken(tree: Tree, name: str) -> None:
    if fresh(tree, name) != name:
        raise UnfixableError(f"`{name}` means something else in this file")


def without(tree: Tree, name: str, kept: Collection[cst.CSTNode]) -> dict[cst.CSTNode, Sequence[cst.CSTNode]]:
    """What drops the import of a name that was used once and is not any more; nothing where it shares its line."""
    word = name.partition(".")[0]
    uses = [
        node
        for node in tree.inside(tree.module)
        if isinstance(node, cst.Name) and node.value == word and not isinstance(tree.parent(node), cst.ImportAlias)
    ]
    if len(uses) != 1:
        return {}
    for statement, small in _imports(tree.module.body):
        names = small.names if isinstance(small.names, Sequence) else ()
        if len(names) == 1 and names[0].asname is None and dotted(names[0].name) == word and statement not in kept:
            return {statement: []}
    return {}
