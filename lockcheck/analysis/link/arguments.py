"""What callers pass for a parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from lockcheck.analysis.link.values import ClassValue, FunctionValue, Value, join, options
from lockcheck.model.expression import Call, Const, Expr, Name, Star
from lockcheck.model.facts import Parameter
from lockcheck.model.identity import ClassId, FunctionId

if TYPE_CHECKING:
    from lockcheck.analysis.link.types import Types

MAX_CALLERS = 40
"""A name called from more functions than this is too common to tell what its parameters are."""


class Site(msgspec.Struct, frozen=True, gc=False):
    """A call that is known to run a function; `shift` counts parameters that the call does not spell (`self`)."""

    caller: FunctionId
    call: Call
    shift: int


def passed(types: Types, function: FunctionId, parameter: Parameter) -> Value:
    """What the callers of a function pass for a parameter; unknown where they are many or not in the program."""
    return types.solve(
        ("passed", function, parameter.name),
        lambda: join(types.evaluate(e, caller) for caller, e in given(types, function, parameter.name)),
    )


def given(types: Types, function: FunctionId, name: str) -> Iterator[tuple[FunctionId, Expr]]:
    """The expressions that callers give for a parameter, each with the function that it is read in."""
    names = [p.name for p in types.program.functions[function].parameters if p.kind in "pa"]
    position = names.index(name) if name in names else None
    yield from _handed(types, function, name, position)
    for site in sites(types, function):
        found = _argument(site, name, position)
        if isinstance(found, Star):
            found = None
        if found is not None:
            yield site.caller, found
        elif position is not None:
            yield from _forwarded(types, site, name, position - site.shift)


def at(types: Types, function: FunctionId, name: str, site: Site) -> Expr | None:
    """What one call gives for a parameter; None where it gives nothing that is spelled."""
    names = [p.name for p in types.program.functions[function].parameters if p.kind in "pa"]
    found = _argument(site, name, names.index(name) if name in names else None)
    return None if isinstance(found, Star) else found


def always(types: Types, function: FunctionId, name: str) -> bool:
    """Whether every call of a function in the program gives something else than None for a parameter."""
    names = [p.name for p in types.program.functions[function].parameters if p.kind in "pa"]
    position = names.index(name) if name in names else None
    found = [_argument(site, name, position) for site in sites(types, function)]
    return bool(found) and all(e is not None and not (isinstance(e, Const) and e.value is None) for e in found)


def _handed(types: Types, function: FunctionId, name: str, position: int | None) -> Iterator[tuple[FunctionId, Expr]]:
    """What a thread or pool will call the function with."""
    shift = 0 if types.owner(function) is None else 1
    for handed in types.handing.of(function):
        named = next((value for word, value in handed.keywords if word == name), None)
        if named is not None:
            yield handed.caller, named
        elif position is not None and 0 <= position - shift < len(handed.args):
            given = handed.args[position - shift]
            if not any(isinstance(a, Star) for a in handed.args[: position - shift + 1]):
                yield handed.caller, given


def _argument(site: Site, name: str, position: int | None) -> Expr | None:
    for keyword in site.call.keywords:
        if keyword.name == name:
            return keyword.value
    if position is None:
        return None
    index = position - site.shift
    args = site.call.args
    if 0 <= index < len(args) and not any(isinstance(a, Star) for a in args[: index + 1]):
        return args[index]
    return None


def _forwarded(types: Types, site: Site, name: str, index: int) -> Iterator[tuple[FunctionId, Expr]]:
    """`def f(self, *args, **kwargs): g(*args, **kwargs)`: what f is given, g is given."""
    facts = types.program.functions[site.caller]
    rest = next((p.name for p in facts.parameters if p.kind == "*"), None)
    keywords = next((p.name for p in facts.parameters if p.kind == "**"), None)
    spread = next((i for i, a in enumerate(site.call.args) if isinstance(a, Star)), None)
    starred = any(k.name is None and k.value == Name(keywords or "") for k in site.call.keywords)
    own = sum(1 for p in facts.parameters if p.kind in "pa")
    for outer in sites(types, site.caller):
        if starred:
            for keyword in outer.call.keywords:
                if keyword.name == name:
                    yield outer.caller, keyword.value
        if rest is not None and spread is not None and index >= spread and site.call.args[spread] == Star(Name(rest)):
            at = own + (index - spread) - outer.shift
            if 0 <= at < len(outer.call.args) and not isinstance(outer.call.args[at], Star):
                yield outer.caller, outer.call.args[at]


def sites(types: Types, function: FunctionId) -> tuple[Site, ...]:
    """The calls in the program that are known to run a function, in a stable order."""
    return types.memo.solve(("sites", function), lambda: tuple(_sites(types, function)), ())


def _sites(types: Types, function: FunctionId) -> Iterator[Site]:
    facts = types.program.functions[function]
    words = [facts.name]
    makes: set[ClassId] = set()
    owner = types.owner(function)
    if owner is not None and facts.name == "__init__":
        makes = {c for c in (owner, *types.hierarchy.subclasses(owner)) if _initialiser(types, c) == function}
        words += sorted({c.qualname.rpartition(".")[2] for c in makes})
    for word in words:
        # `__init__` is called by name from subclasses only: that many definitions do not make it common.
        if word == "__init__" and owner is not None:
            below = {*types.hierarchy.subclasses(owner)}
            callers = tuple(c for c in types.program.callers(word) if types.owner(c) in below) if below else ()
            if len(callers) > MAX_CALLERS:
                continue
        elif types.program.is_common(word, MAX_CALLERS):
            continue
        else:
            callers = types.program.callers(word)
        for caller in callers:
            yield from _in_caller(types, caller, word, function, makes)


def _initialiser(types: Types, cls: ClassId) -> FunctionId | None:
    method = types.hierarchy.method(cls, "__init__")
    return method.function if method is not None else None


def _in_caller(
    types: Types, caller: FunctionId, word: str, function: FunctionId, makes: set[ClassId]
) -> Iterator[Site]:
    for call in types.scope(caller).calls.get(word, ()):
        for option in options(types.evaluate(call.func, caller)):
            if isinstance(option, ClassValue) and option.id in makes:
                yield Site(caller, call, 1)
            elif isinstance(option, FunctionValue) and option.id == function:
                yield Site(caller, call, 0 if option.receiver is None else 1)
