"""The parts of a graph in which each node leads to every other one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

_Node = TypeVar("_Node", bound=Hashable)


def components(after: Mapping[_Node, Sequence[_Node]]) -> Iterator[set[_Node]]:
    """Strongly connected components that hold a cycle (Tarjan, 1972, without recursion)."""
    index: dict[_Node, int] = {}
    low: dict[_Node, int] = {}
    stack: dict[_Node, None] = {}
    for start in after:
        work: list[tuple[_Node, int]] = [] if start in index else [(start, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                stack[node] = None
            targets = after.get(node, [])
            while position < len(targets) and targets[position] in index:
                if targets[position] in stack:
                    low[node] = min(low[node], index[targets[position]])
                position += 1
            if position < len(targets):
                work += [(node, position + 1), (targets[position], 0)]
                continue
            if work:
                parent = work[-1][0]
                low[parent] = min(low[parent], low[node])
            if low[node] == index[node]:
                component: set[_Node] = set()
                while node not in component:
                    component.add(stack.popitem()[0])
                if len(component) > 1 or node in targets:
                    yield component
