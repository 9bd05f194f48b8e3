"""The stage that reads a file: from its text to all that later stages know of it.

Facts are a pure function of the text (and of whether every function is visited), so they can be cached and made in
parallel. A function that qualifies and could not be visited keeps its flat body: `qualifies` without `visited`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from lockcheck.analysis.index import TooDeep, index, normal
from lockcheck.model.facts import FunctionFacts, ModuleFacts

if TYPE_CHECKING:
    from lockcheck.analysis.visitors import Visits

__all__ = ["TooDeep", "extract", "revisit"]

_ENCODER = msgspec.msgpack.Encoder()


def extract(text: str, *, visit_all: bool = False) -> ModuleFacts:
    """The facts of a text; structured bodies for the functions that qualify, or for all.

    Raises `TooDeep` if the text nests deeper than the recursion limit of this process allows.
    """
    facts = index(text)
    chosen = {place for place, item in enumerate(facts.functions) if visit_all or item.qualifies}
    return _visited(text, facts, chosen)


def revisit(text: str, facts: ModuleFacts, qualnames: Collection[str]) -> ModuleFacts:
    """The second round: structured bodies also for the functions of these names. `facts` are those of `text`."""
    places = enumerate(facts.functions)
    chosen = {place for place, item in places if not item.visited and item.qualname in qualnames}
    return _visited(text, facts, chosen)


def _visited(text: str, facts: ModuleFacts, chosen: Collection[int]) -> ModuleFacts:
    if not chosen:
        return facts
    from lockcheck.analysis.visitors import Visits  # LibCST takes long to import; most files don't need it

    visits = Visits(normal(text).split("\n"), facts.functions)
    functions = [_structured(visits, item) if place in chosen else item for place, item in enumerate(facts.functions)]
    return msgspec.structs.replace(facts, functions=tuple(functions))


def _structured(visits: Visits, function: FunctionFacts) -> FunctionFacts:
    body = visits.visit(function)
    if not isinstance(body, tuple):
        return function
    return msgspec.structs.replace(function, visited=True, body=msgspec.Raw(_ENCODER.encode(body)))
