"""The second round of reading: structured bodies of functions that linking found to matter, made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from lockcheck.app.cache import Memory
from lockcheck.model.facts import FunctionFacts, Unit
from lockcheck.model.flow import Node
from lockcheck.model.source import SourceFile

Visit: TypeAlias = Callable[[Unit, FunctionFacts], "tuple[Node, ...] | None"]
"""Gives the structured body of a function, None where that can't be had."""


def visit_on_demand(sources: Mapping[str, SourceFile], cache: Memory | None) -> Visit:
    """Make the second round over these sources, by their absolute path; what it yields is cached."""

    def visited(unit: Unit, function: FunctionFacts) -> tuple[Node, ...] | None:
        text = sources[unit.path].text
        if cache is not None:
            known = cache.get_body(text, function)
            if known is not None:
                return known
        from lockcheck.analysis.extract import visit  # not needed where all bodies are known

        body = visit(text, function)
        if cache is not None and body is not None:
            cache.put_body(text, function, msgspec.msgpack.encode(body))
        return body

    return visited
