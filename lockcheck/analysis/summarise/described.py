"""A module's facts, by what can be read of it (`lockcheck.analysis.link.reads`): what is equal in two versions is the same to readers.

How far down something stands is left out where nobody can tell: a function, a class with its body, and an assignment of the
module each count rows from their own beginning. Results that speak of places in what is not counted from its own
beginning were read from the module's rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from lockcheck.analysis.link.handing import handed_words
from lockcheck.analysis.link.hierarchy import is_setter
from lockcheck.analysis.link.naming import identified
from lockcheck.analysis.link.reads import ALL, STARS
from lockcheck.model.facts import MODULE, ContractFact, FunctionFacts, GlobalFact, ModuleFacts

_BODY = ".<body>"
_SPAN = re.compile(r"Span\(row=(\d+), column=(\d+), end_row=(\d+), end_column=(\d+)\)")


class Described:
    """One version of a module."""

    def __init__(self, facts: ModuleFacts) -> None:
        """Tell functions of one name apart."""
        self._facts = facts
        self._functions = identified(facts.functions)

    def outline(self) -> dict[str, list[object]]:
        """What the module binds each name as, without places: of a class the bases and methods too, setters included."""
        found: dict[str, list[object]] = {}
        for item in dict.fromkeys(self._facts.imports):
            found.setdefault(STARS if item.bound == "*" else item.bound, []).append(item)
        for name in sorted({each.name for each in self._facts.globals}):
            found.setdefault(name, []).append("global")
        members: dict[str, list[tuple[str, bool]]] = {}
        for name, function in self._functions.items():
            found.setdefault(name, []).append(function.parent is None and function.owner is None)
            if function.owner is not None:
                members.setdefault(function.owner, []).append((name, is_setter(function)))
        for cls in self._facts.classes:
            bases = _SPAN.sub("", repr(cls.bases))
            found.setdefault(cls.qualname, []).append((bases, cls.methods, cls.parent, members.get(cls.qualname)))
        return found

    def values(self) -> dict[str, list[object]]:
        """What globals and the attributes of classes are given."""
        assigned: dict[str, list[GlobalFact]] = {}
        for fact in self._facts.globals:
            assigned.setdefault(fact.name, []).append(fact)
        found: dict[str, list[object]] = {name: [_spelled(facts)] for name, facts in assigned.items()}
        for cls in self._facts.classes:
            body = self._functions.get(cls.qualname + _BODY)
            first = body.first if body is not None else 0
            within = [each for each in cls.attributes if each.function is None]
            others = [each for each in cls.attributes if each.function is not None]
            found.setdefault(cls.qualname, []).append((_counted((within, cls.decorators), first), others))
        return found

    def code(self) -> dict[str, object]:
        """What functions are made of."""
        contracts: dict[tuple[str, int], list[ContractFact]] = {}
        for contract in self._facts.contracts:
            contracts.setdefault((contract.name, contract.first_row), []).append(contract)
        return {
            name: (self._made(each), _contracts(each, contracts.get((each.name, each.first_row), ())))
            for name, each in self._functions.items()
        }

    def rows(self) -> dict[str, list[object]]:
        """How far down things stand that do not count from their own beginning."""
        bodies = [(name, each.first) for name, each in self._functions.items() if each.first != 1]
        spans = [(fact.name, fact.span) for fact in self._facts.globals if fact.function == MODULE]
        return {ALL: [bodies, spans]}

    def called(self) -> dict[str, list[str]]:
        """The functions by the words that they call."""
        return self._by_word(lambda facts: facts.called)

    def handed(self) -> dict[str, list[str]]:
        """The functions by the words that they hand on."""
        return self._by_word(handed_words)

    def _by_word(self, words: Callable[[FunctionFacts], Iterable[str]]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, function in self._functions.items():
            for word in dict.fromkeys(words(function)):
                found.setdefault(word, []).append(name)
        return found

    def _made(self, function: FunctionFacts) -> object:
        """A function without its place; decorators and defaults count rows as what is around it does."""
        outer = self._functions.get(function.parent) if function.parent is not None else None
        head = _counted(
            (function.decorators, function.parameters, function.returns),
            function.first_row - (outer.above if outer is not None else 0),
        )
        rest = msgspec.structs.replace(
            function, first_row=0, last_row=0, above=0, decorators=(), parameters=(), returns=None
        )
        if function.first == 1:
            return head, rest
        bare = msgspec.structs.replace(rest, span=function.span.below(-function.first), body=msgspec.Raw(b""))
        return head, bare, _counted(function.nodes(), function.first)


def _contracts(function: FunctionFacts, contracts: Iterable[ContractFact]) -> list[ContractFact]:
    return [msgspec.structs.replace(each, span=each.span.below(-function.first_row), first_row=0) for each in contracts]


def _spelled(facts: list[GlobalFact]) -> object:
    """What a global is given: the module's own assignments counted from the first."""
    own = [fact for fact in facts if fact.function == MODULE]
    others = [fact for fact in facts if fact.function != MODULE]
    return _counted(own, own[0].span.row) if own else "", others


def _counted(value: object, first: int) -> str:
    """Spell something out, with rows counted from the first."""

    def count(match: re.Match[str]) -> str:
        row, column, end_row, end_column = map(int, match.groups())
        return f"{row - first}:{column}-{end_row - first}:{end_column}"

    return _SPAN.sub(count, repr(value))
