"""What one file says: the result of the extract stage, and all that later stages see of a file.

Facts are a pure function of the text. Bodies stay packed (`msgspec.Raw`) until somebody asks for them: most
functions of a program are never looked at again.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from lockcheck.model.expression import Expr
from lockcheck.model.flow import Node
from lockcheck.model.source import Span

MODULE = "<module>"
"""The qualified name of a module's own body."""


class ImportFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name bound by an import.

    `import a.b` binds `a` (module "a", no attribute) and is listed once more for `a.b` under the bound name
    "a.b"; `import a.b as x` binds x to module "a.b"; `from ..m import y as z` binds z to attribute y of
    module "m" at level 2; `from m import *` binds "*".
    """

    bound: str
    module: str
    attribute: str | None
    level: int


ParameterKind: TypeAlias = Literal["p", "a", "*", "k", "**"]


class Parameter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`kind`: "p" positional only, "a" ordinary, "*" varargs, "k" keyword only, "**" keywords."""

    name: str
    kind: ParameterKind
    annotation: Expr | None
    default: Expr | None


class FunctionFacts(msgspec.Struct, frozen=True, array_like=True):
    """A function, a lambda, or the body of a module or class (which count as functions).

    `qualname` is spelled as Python does (`Room.send.<locals>.again`), a lambda is `…<lambda:ROW:COLUMN>`,
    a module's body is `<module>` and a class's body is the class's own qualified name with `.<body>`.
    `owner` is the class whose direct method this is; `parent` the function whose local this is.
    `span` covers the name in the `def` line; `first_row` (decorators included) and `last_row` the whole.

    Rows of spans are counted from where the function begins, so that they stay the same when something changes above it:
    `above` is how many rows of the file come before the row that is the first. The bodies of classes, lambdas, decorators
    and defaults belong to whatever function is around them, and functions of one name begin where the first of them does.
    `first_row` and `last_row` are rows of the file.
    `called` are the last words of everything called, sorted, for finding callers; `stored` the attributes assigned.
    `visited` tells whether the body is structured (see `flow`); where it could be and is not, `blocks` stands for what it
    would be.
    """

    qualname: str
    span: Span
    first_row: int
    last_row: int
    above: int
    is_async: bool
    is_generator: bool
    parameters: tuple[Parameter, ...]
    returns: Expr | None
    decorators: tuple[Expr, ...]
    owner: str | None
    parent: str | None
    globals: tuple[str, ...]
    nonlocals: tuple[str, ...]
    called: tuple[str, ...]
    stored: tuple[str, ...]
    imports: tuple[ImportFact, ...]
    qualifies: bool
    visited: bool
    blocks: bytes
    body: msgspec.Raw

    @property
    def name(self) -> str:
        """The last word of the qualified name; that of all lambdas is one."""
        word = self.qualname.rpartition(".")[2]
        return "<lambda>" if word.startswith("<lambda:") else word

    @property
    def first(self) -> int:
        """The row where it begins, as its own places count: 1, but for lambdas, the bodies of classes and later namesakes."""
        return self.first_row - self.above

    @property
    def in_file(self) -> Span:
        """Where its `span` lies in the file."""
        return self.span.below(self.above)

    def nodes(self) -> tuple[Node, ...]:
        """The body, unpacked anew at each call."""
        return _BODY.decode(self.body)


class AttributeFact(msgspec.Struct, frozen=True, array_like=True):
    """A value given to an attribute of a class: `self.name = value` in `function`, or in the class body.

    In the class body `function` is None. Rows are those of the function, or of what is around the class.
    """

    name: str
    value: Expr | None
    annotation: Expr | None
    function: str | None
    span: Span


class ClassFacts(msgspec.Struct, frozen=True, array_like=True):
    """A class: `methods` maps a name to the qualified name of the function last defined under it.

    `span` is its name's in the file.
    """

    qualname: str
    span: Span
    bases: tuple[Expr, ...]
    decorators: tuple[Expr, ...]
    attributes: tuple[AttributeFact, ...]
    methods: tuple[tuple[str, str], ...]
    parent: str | None


class GlobalFact(msgspec.Struct, frozen=True, array_like=True):
    """A value given to a name of the module, at the top level or by a `global` statement.

    `function` is where it happens: `<module>` or a function, whose rows these are. A loop or `with` target has no value.
    """

    name: str
    value: Expr | None
    annotation: Expr | None
    function: str
    span: Span


class Comment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A comment that speaks to lockcheck or flake8, and the rows of the logical line that it belongs to.

    It is `alone` where it belongs to no logical line: a comment on a line of its own, outside brackets.
    """

    text: str
    row: int
    column: int
    first_row: int
    last_row: int
    alone: bool = False


class ContractFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A comment `# lockcheck: …` that says how a function stands to locks, at `span` in the file.

    `kind` is "holds" (the caller holds `locks`), "no-locks" (nothing is taken on any path), or empty with a `fault`
    that tells what is wrong with the comment. `name` and `first_row` (decorators included) are the function's.
    """

    kind: str
    locks: tuple[Expr, ...]
    spelled: str
    fault: str
    span: Span
    name: str
    first_row: int


class SyntaxFault(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a text is not Python."""

    message: str
    span: Span


class ModuleFacts(msgspec.Struct, frozen=True, array_like=True):
    """Everything that later stages know of one file. A file that is not Python has a `fault` and nothing else."""

    imports: tuple[ImportFact, ...] = ()
    exports: tuple[str, ...] | None = None
    globals: tuple[GlobalFact, ...] = ()
    classes: tuple[ClassFacts, ...] = ()
    functions: tuple[FunctionFacts, ...] = ()
    comments: tuple[Comment, ...] = ()
    lines: int = 0
    fault: SyntaxFault | None = None
    contracts: tuple[ContractFact, ...] = ()


class Unit(msgspec.Struct, frozen=True):
    """A file of the program: where it lies, its module name, and its facts.

    `path` is absolute, `display` is how the user named it; see `lockcheck.model.source.SourceFile`.
    """

    path: str
    display: str
    module: str
    is_package: bool
    facts: ModuleFacts


_BODY: msgspec.msgpack.Decoder[tuple[Node, ...]] = msgspec.msgpack.Decoder(tuple[Node, ...])
