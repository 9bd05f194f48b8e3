"""Imports that a fix needs: found where the file has them, else added as the file does it, once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

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
    """`name` of a module with no dots in its name, spelled as the file would; imported if it is not yet.

    Where the spelling that the file would use means something else, another is taken.
    """
    found: Import | UnfixableError | None = _tried(tree, module, name, _present)
    if found is None and _is_optional(tree, module):
        raise UnfixableError(f"`{module}` may be missing where this file is imported")
    for way in (_extended_from, _whole, _alone):
        if not isinstance(found, Import):
            found = _tried(tree, module, name, way) or found
    if isinstance(found, Import):
        return found
    raise found or UnfixableError(f"`{module}.{name}` can't be imported here")


_Way: TypeAlias = "Callable[[Tree, str, str], Import | None]"


def _tried(tree: Tree, module: str, name: str, way: _Way) -> Import | UnfixableError | None:
    """What a way of importing comes to, or why it is none here."""
    try:
        found = way(tree, module, name)
        if found is not None:
            _refuse_bound(tree, found.text.partition(".")[0])
    except UnfixableError as error:
        return error
    return found


def _is_optional(tree: Tree, module: str) -> bool:
    """Whether the file can do without a module: it is imported in a `try`."""
    return any(
        (dotted(alias.name) or "").partition(".")[0] == module
        and any(isinstance(each, cst.Try) for each in tree.around(alias))
        for alias in tree.inside(tree.module)
        if isinstance(alias, cst.ImportAlias)
    )


def _present(tree: Tree, module: str, name: str) -> Import | None:
    """A name that the file imports already, by itself or with its module (a module below it brings that too)."""
    whole: str | None = None
    for _, small in _imports(tree.module.body):
        if isinstance(small, cst.Import):
            for alias in small.names:
                path = dotted(alias.name) or ""
                if path == module:
                    whole = _bound(alias, module)
                elif path.startswith(f"{module}.") and alias.asname is None:
                    whole = whole or module
        elif _source(small) == module and not isinstance(small.names, cst.ImportStar):
            for alias in small.names:
                if alias.name.value == name:
                    return Import(_bound(alias, name))
    return Import(f"{whole}.{name}") if whole is not None else None


def source(tree: Tree, name: str) -> str | None:
    """The module that a name is imported from by `from … import …` at the top level."""
    for _, small in _imports(tree.module.body):
        if isinstance(small, cst.ImportFrom) and not isinstance(small.names, cst.ImportStar):
            if any(alias.name.value == name and alias.asname is None for alias in small.names):
                return _source(small)
    return None


def _extended_from(tree: Tree, module: str, name: str) -> Import | None:
    """The `from module import …` that there is, with one name more."""
    for statement, small in _imports(tree.module.body):
        if isinstance(small, cst.ImportFrom) and _source(small) == module and isinstance(small.names, Sequence):
            _refuse_taken(tree, name, None)
            return Import(name, {statement: [_extended(statement, small, name)]})
    return None


def _whole(tree: Tree, module: str, name: str) -> Import:
    """A new `import module`; one that only type checkers see goes."""
    _refuse_taken(tree, module, module)
    text = f"{module}.{name}"
    moved = _for_types(tree, module)
    line = cst.SimpleStatementLine([cst.Import([cst.ImportAlias(cst.Name(module))])])
    anchor, before = _anchor(tree, module)
    if anchor is None:
        return Import(text, {**moved, **_first(tree, line)})
    if before:
        old = anchor.with_changes(leading_lines=())
        new = line.with_changes(leading_lines=anchor.leading_lines)  # type: ignore[attr-defined]
        return Import(text, {**moved, anchor: [new, old]})
    return Import(text, {**moved, anchor: [anchor, line]})


def _alone(tree: Tree, module: str, name: str) -> Import:
    """A new `from module import name`, behind the first group of imports."""
    _refuse_taken(tree, name, None)
    line = cst.SimpleStatementLine([cst.ImportFrom(cst.Name(module), [cst.ImportAlias(cst.Name(name))])])
    last: Statement | None = None
    for statement, small in _imports(tree.module.body):
        if last is not None and _is_apart(statement) and not _is_future(last):
            break
        last = statement if not isinstance(small, cst.ImportFrom) or not small.relative else last
    return Import(name, _first(tree, line) if last is None else {last: [last, line]})


def _is_future(statement: Statement) -> bool:
    return any(
        _source(small) == "__future__" for _, small in _imports([statement]) if isinstance(small, cst.ImportFrom)
    )


def _for_types(tree: Tree, module: str) -> dict[cst.CSTNode, Sequence[cst.CSTNode]]:
    """What takes an `import module` out of the block for type checkers, with the block where nothing else is in it."""
    for statement in tree.module.body:
        match statement:
            case cst.If(test=test, body=cst.IndentedBlock(body=body), orelse=None):
                if (dotted(test) or "").rpartition(".")[2] != "TYPE_CHECKING":
                    continue
            case _:
                continue
        for line, small in _imports(body):
            if isinstance(small, cst.Import) and [dotted(each.name) for each in small.names] == [module]:
                return {line: []} if len(body) > 1 else {}
    return {}


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


def _bound(alias: cst.ImportAlias, name: str) -> str:
    """What an import calls a name."""
    word = alias.asname.name if alias.asname is not None else None
    return word.value if isinstance(word, cst.Name) else name


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


def _refuse_taken(tree: Tree, name: str, module: str | None) -> None:
    """A name may be bound by imports of the same module, in functions and for type checkers, and by nothing else."""
    bound = False
    for alias in (each for each in tree.inside(tree.module) if isinstance(each, cst.ImportAlias)):
        word = alias.asname.name if alias.asname is not None else alias.name
        if (dotted(word) or "").partition(".")[0] == name:
            if dotted(alias.name) != module or isinstance(tree.parent(alias), cst.ImportFrom):
                raise UnfixableError(f"`{name}` means something else in this file")
            bound = True
    if not bound and fresh(tree, name) != name:
        raise UnfixableError(f"`{name}` means something else in this file")


def without(
    tree: Tree, name: str, kept: Collection[cst.CSTNode], gone: Collection[cst.CSTNode]
) -> dict[cst.CSTNode, Sequence[cst.CSTNode]]:
    """What drops the import of a name that only what goes has used; nothing where it shares its line."""
    word = name.partition(".")[0]
    for node in tree.inside(tree.module):
        parent = tree.parent(node)
        named = isinstance(node, cst.Name) and node.value == word and not isinstance(parent, cst.ImportAlias)
        said = isinstance(node, cst.SimpleString) and word in node.raw_value and not isinstance(parent, cst.Expr)
        behind = isinstance(parent, cst.Attribute) and parent.attr is node
        if (named or said) and not behind and not any(each in gone for each in (node, *tree.around(node))):
            return {}
    for statement, small in _imports(tree.module.body):
        names = small.names if isinstance(small.names, Sequence) else ()
        if len(names) == 1 and names[0].asname is None and dotted(names[0].name) == word and statement not in kept:
            return {statement: []}
    return {}
