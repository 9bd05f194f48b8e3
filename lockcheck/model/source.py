"""Places in sources, and the sources themselves."""

from __future__ import annotations

import msgspec


class Span(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A range of a source text.

    Rows and columns are 1-based; columns count code points (as ruff has them). The end is exclusive: it is
    the place right behind the last character.
    """

    row: int
    column: int
    end_row: int
    end_column: int

    def below(self, rows: int) -> Span:
        """The same range so many rows further down."""
        return Span(self.row + rows, self.column, self.end_row + rows, self.end_column)


class Place(msgspec.Struct, frozen=True, order=True):
    """A span in a file; `path` is absolute."""

    path: str
    span: Span


class SourceFile(msgspec.Struct, frozen=True):
    """One file that was read: where it lies, what it is called, and its text.

    `path` is absolute; `display` is how the user named it. `module` is the dotted name under which other
    modules import it; a package's `__init__` carries the package's name and has `is_package` set.
    `text` has its byte order mark removed and its line ends as `str.splitlines` of the file has them.
    """

    path: str
    display: str
    module: str
    is_package: bool
    text: str

    @property
    def is_stub(self) -> bool:
        """Whether this is a `.pyi` file, which declares and never runs."""
        return self.path.endswith(".pyi")
