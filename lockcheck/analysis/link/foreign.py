"""What people call callables that they hand in, and how one of them came to where it is called."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from lockcheck.analysis.link.stores import Stored
from lockcheck.model.expression import Expr, Group
from lockcheck.model.identity import LockId

CALLABLE = re.compile(
    r"callback|callable|listener|observer|subscri|handler|(^|_)(cb|cbs|hook|hooks|watchers?)$|^_?on_[a-z]|^on[A-Z]"
)
"""Names by which people call what others hand in to be told of something."""
HOOK = re.compile(r"^on_[a-z]|^on[A-Z]|_callback$|^(callback|notify|handle|fire|dispatch|update_record)\w*$")
"""Methods by which an object that was registered is told of something."""
ROLES = re.compile(
    r"(^|_)(factory|default|defaults|key|keys|predicate|pred|filter|filters|condition|converter|convert|encoder|"
    r"encode|decoder|decode|serializer|serialize|deserializer|deserialize|dumps|loads|parser|parse|formatter|format|"
    r"clock|time|now|timer|cls|klass|class|type|types|ctor|constructor|builder|creator|maker|hash|hasher|cmp|compare|"
    r"comparator|getter|transform|mapper|mapping|copy|copier|random|rand|rng|logger|log|validator|validate|matcher|"
    r"match|getsizeof|sizeof|getsize|supplier|generator|resolver|sleep|ref|weakref|reference|proxy|exc|exception|error)(_?(fn|func|function))?$",
    re.IGNORECASE,
)
"""Parameters whose callables work something out and give it back: nobody expects them to come back to the object."""


class Foreign(msgspec.Struct, frozen=True, gc=False):
    """How a callable came from outside.

    `holder` is the attribute or global that keeps it, `source` where it was given. `sure` is False where its name
    alone says so. `known`: functions of the program are among what is given. `weak`: a weak reference to it is kept.
    `base` is the expression that reaches the holder, `place` the part of what it keeps that is meant.
    """

    kind: Literal["parameter", "attribute", "element"]
    holder: LockId | None = None
    source: Stored | None = None
    sure: bool = True
    known: bool = False
    weak: bool = False
    base: Expr | None = None
    place: tuple[int, ...] = ()


def part(given: Expr, place: tuple[int, ...]) -> Expr:
    """What is meant of something that is kept: the part of a tuple that is spelled, else all of it."""
    if place and isinstance(given, Group) and given.kind == "tuple" and place[-1] < len(given.items):
        return given.items[place[-1]]
    return given


def told(name: str) -> bool:
    """Whether a name says that what it names wants to be told of something."""
    return CALLABLE.search(name) is not None
