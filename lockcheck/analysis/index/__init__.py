"""The reading of a file, over the standard library's `ast`: what exists, and what each function does in order."""

from __future__ import annotations

from collections.abc import Iterable

from lockcheck.analysis.flatten import flatten
from lockcheck.analysis.index.comments import comments
from lockcheck.analysis.index.contracts import contracts
from lockcheck.analysis.index.parse import TooDeep, parse
from lockcheck.analysis.index.positions import Positions, normal
from lockcheck.analysis.index.statements import Statements
from lockcheck.model.expression import Attr, Call, Const, Expr, Group, Name
from lockcheck.model.facts import ModuleFacts, SyntaxFault
from lockcheck.model.flow import Assign, Do, Step
from lockcheck.model.source import Span

__all__ = ["TooDeep", "index", "normal"]


def index(text: str, *, visit_all: bool = False) -> ModuleFacts:
    """The facts of a text; structured bodies for the functions that qualify, or for all.

    Raises `TooDeep` where the recursion limit forbids an answer.
    """
    text = normal(text)
    positions = Positions(text)
    tree = parse(text)
    if isinstance(tree, SyntaxFault):
        return ModuleFacts(lines=positions.count, fault=tree)
    reading = Statements(positions)
    reading.found.visits_all = visit_all
    try:
        reading.block(tree.body)
        imports, reading.frame.imports = tuple(reading.frame.imports), []
        module = reading.frame.facts(Span(1, 1, 1, 1), (1, positions.count), 0, None, tree.body)
    except RecursionError as error:
        raise TooDeep("a statement nests too deeply") from error
    found = reading.found
    said = comments(text, positions.lines, tree)
    return ModuleFacts(
        imports=imports,
        exports=_exports(flatten(reading.frame.nodes)),
        globals=tuple(found.globals),
        classes=tuple(sorted(found.classes, key=lambda item: item.span)),
        functions=(module, *sorted(found.functions, key=lambda item: item.in_file)),
        comments=said,
        lines=positions.count,
        contracts=contracts(said, positions, tree),
    )


def _exports(steps: Iterable[Step]) -> tuple[str, ...] | None:
    """`__all__` as far as it is spelled out; None without one, or when a part of it is computed."""
    names: list[str] | None = None
    for step in steps:
        match step:
            case Assign(targets, value, _, augmented) if value is not None and Name("__all__") in targets:
                added = _strings((value,))
                if added is None or (augmented and names is None):
                    return None
                names = (names or []) + added if augmented else added
            case Do(Call(Attr(Name("__all__"), "extend" | "append"), args)):
                added = _strings(args)
                if added is None or names is None:
                    return None
                names += added
            case _:
                pass
    return None if names is None else tuple(names)


def _strings(values: Iterable[Expr]) -> list[str] | None:
    found: list[str] = []
    for value in values:
        match value:
            case Const(str() as word):
                found.append(word)
            case Group("list" | "tuple" | "set", items):
                inner = _strings(items)
                if inner is None:
                    return None
                found += inner
            case _:
                return None
    return found
