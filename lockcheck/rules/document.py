"""The documentation of a rule as a value: its page, and the worked examples that are its tests.

A document is Markdown. Its first line is the title (with or without a leading `#`); `##` headings divide the rest.
`## Bad`, `## Fixed` and `## Good`, with an optional `: short title`, hold one program each: one or more fenced
blocks, each of which begins with `# file: pkg/module.py` where there are several. Marks stand in a comment at the
end of a line, alone or together, and are taken out of the program:

    `# LCK101`      this row is reported by this code (`LCK101 x2`: twice)
    `# (1)`         this row is the first step of the trace: the finding's related locations, in order

A Fixed program is what the fix makes of the Bad one before it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["bad", "fixed", "good"]
"""What an example shows: a hazard, its repair, or code that must not be reported."""

DEFAULT_FILE: Final = "example.py"
"""The name of a program's only file where it has none of its own."""

_KINDS: Final[dict[str, Kind]] = {"Bad": "bad", "Fixed": "fixed", "Good": "good"}
_HEADING = re.compile(r"## +(?P<text>.+)")
_FENCE = re.compile(r"(?P<ticks>`{3,})(?P<language>\w*)")
_FILE = re.compile(r"# file: (?P<name>\S+)")
_COMMENT = re.compile(r"\s*#(?P<text>[^#\"']*)$")
_ITEM = re.compile(r"\s*(?:(?P<code>[A-Z]{1,3}\d{3})(?: x(?P<times>\d+))?|\((?P<step>\d+)\))(?=\s|$)")


class DocumentError(ValueError):
    """A document that does not keep to the form; the message names it, the line and the repair."""


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """One file of a program, without its marks. `name` is its path inside the program."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A row that must be reported by a code. A row to be reported twice has two marks."""

    file: str
    row: int
    code: str


@dataclass(frozen=True, slots=True)
class Step:
    """A row on the trace of the one finding of a program."""

    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: a program, what must be reported of it, and by which steps it comes about.

    `row` is where its heading stands in the document and `prose` what is said of it. No steps: any will do.
    """

    kind: Kind
    title: str
    files: tuple[ExampleFile, ...]
    reports: tuple[Mark, ...]
    steps: tuple[Step, ...]
    prose: str
    row: int


@dataclass(frozen=True, slots=True)
class Section:
    """A heading that is no example, and the Markdown under it."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A page: its title, its sections and its examples, in the order in which they stand."""

    title: str
    sections: tuple[Section, ...]
    examples: tuple[Example, ...]

    def section(self, heading: str) -> str | None:
        """The Markdown under a heading, if there is such a heading."""
        return next((section.text for section in self.sections if section.heading == heading), None)

    def repairs(self) -> tuple[tuple[Example, Example], ...]:
        """Each Bad example that has a Fixed one, with it."""
        return tuple((bad, fixed) for bad, fixed in itertools.pairwise(self.examples) if fixed.kind == "fixed")


def parse_document(text: str, name: str) -> Document:
    """Read a document; `name` is what errors call it."""
    title, parts = _split(text, name)
    sections: list[Section] = []
    examples: list[Example] = []
    for part in parts:
        word, _, rest = part.heading.partition(":")
        kind = _KINDS.get(word.strip())
        if kind is None:
            sections.append(Section(part.heading, "\n".join(line.text for line in part.lines).strip()))
            continue
        if kind == "fixed" and not (examples and examples[-1].kind == "bad"):
            raise DocumentError(f"{name}:{part.row}: a Fixed program must follow the Bad one that it repairs")
        examples.append(_example(part, kind, rest.strip(), name))
    return Document(title, tuple(sections), tuple(examples))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the document; `part` tells prose from the lines of a fenced block."""

    row: int
    text: str
    part: Literal["prose", "opening", "code", "closing"]


@dataclass(slots=True)
class _Part:
    heading: str
    row: int
    lines: list[_Line] = field(default_factory=list)


def _split(text: str, name: str) -> tuple[str, list[_Part]]:
    """The title, and the parts under each heading; headings inside fenced blocks are text."""
    title: str | None = None
    parts: list[_Part] = []
    for line in _lines(text, name):
        heading = _HEADING.fullmatch(line.text.rstrip()) if line.part == "prose" else None
        if title is None:
            if heading or line.part != "prose":
                raise DocumentError(f"{name}:{line.row}: the first line must be the title")
            title = line.text.lstrip("#").strip() or None
        elif heading:
            parts.append(_Part(heading["text"], line.row))
        elif parts:
            parts[-1].lines.append(line)
        elif line.text.strip():
            parts.append(_Part("", line.row, [line]))
    if title is None:
        raise DocumentError(f"{name}: the document is empty")
    return title, parts


def _lines(text: str, name: str) -> Iterator[_Line]:
    """The lines of a document, each with what it is."""
    opening: _Line | None = None
    ticks = ""
    for row, line in enumerate(text.split("\n"), 1):
        fence = _FENCE.fullmatch(line.rstrip())
        if opening is None and fence:
            ticks = fence["ticks"]
            opening = _Line(row, line, "opening")
            yield opening
        elif opening is None:
            yield _Line(row, line, "prose")
        elif line.rstrip() == ticks:
            opening = None
            yield _Line(row, line, "closing")
        else:
            yield _Line(row, line, "code")
    if opening is not None:
        raise DocumentError(f"{name}:{opening.row}: this fenced block is never closed")


def _example(part: _Part, kind: Kind, title: str, name: str) -> Example:
    marked = _Marked()
    blocks = list(_blocks(part.lines))
    files = [_file(block, len(blocks) > 1, marked, name) for block in blocks]
    prose = "\n".join(line.text for line in part.lines if line.part == "prose").strip()
    where = f"{name}:{part.row}"
    if not files:
        raise DocumentError(f"{where}: there is no program under {part.heading!r}")
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise DocumentError(f"{where}: two files of this program have the same name")
    if kind == "bad" and not marked.reports:
        raise DocumentError(f"{where}: a Bad program needs a mark (`# LCK…`) on each line to be reported")
    if kind != "bad" and (marked.reports or marked.steps):
        raise DocumentError(f"{where}: a {kind.capitalize()} program has no marks, for nothing of it is reported")
    steps = _in_order(marked, where)
    return Example(kind, title, tuple(files), tuple(sorted(marked.reports)), steps, prose, part.row)


@dataclass(slots=True)
class _Marked:
    """The marks of a program, as they are found."""

    reports: list[Mark] = field(default_factory=list)
    steps: list[tuple[int, Step]] = field(default_factory=list)


def _in_order(marked: _Marked, where: str) -> tuple[Step, ...]:
    numbers = sorted(number for number, _ in marked.steps)
    if numbers != list(range(1, len(numbers) + 1)):
        raise DocumentError(f"{where}: the steps must be numbered from 1, each number once; found {numbers}")
    if numbers and len(marked.reports) > 1:
        raise DocumentError(f"{where}: steps belong to one finding, but {len(marked.reports)} reports are marked")
    return tuple(step for _, step in sorted(marked.steps, key=lambda each: each[0]))


def _blocks(lines: list[_Line]) -> Iterator[list[_Line]]:
    """The fenced blocks: the opening line of each, and what stands in it."""
    block: list[_Line] = []
    for line in lines:
        match line.part:
            case "opening":
                block = [line]
            case "code":
                block.append(line)
            case "closing":
                yield block
            case "prose":
                pass


def _file(block: list[_Line], several: bool, marked: _Marked, name: str) -> ExampleFile:
    opening, lines = block[0], block[1:]
    header = _FILE.fullmatch(lines[0].text.rstrip()) if lines else None
    if header:
        lines = lines[1:]
    elif several or not opening.text.rstrip().endswith("python"):
        raise DocumentError(f"{name}:{opening.row}: this block must begin with a line `# file: pkg/module.py`")
    file = header["name"] if header else DEFAULT_FILE
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise DocumentError(f"{name}:{opening.row}: {file} must lie inside the program")
    texts = [_without_marks(line, row, file, marked, name) for row, line in enumerate(lines, 1)]
    if not any(text.strip() for text in texts) and path.name != "__init__.py":
        raise DocumentError(f"{name}:{opening.row}: this program is empty")
    return ExampleFile(file, "".join(f"{text}\n" for text in texts))


def _without_marks(line: _Line, row: int, file: str, marked: _Marked, name: str) -> str:
    """The line of the program at `row` of its file; its marks are noted."""
    comment = _COMMENT.search(line.text)
    if not comment or not re.match(r"\s*([A-Z]{1,3}\d{3}\b|LCK\d|\(\d)", comment["text"]):
        return line.text
    items = list(_ITEM.finditer(comment["text"]))
    if "".join(item[0] for item in items).strip() != comment["text"].strip():
        raise DocumentError(f"{name}:{line.row}: cannot read the marks in {comment[0].strip()!r}")
    for item in items:
        if item["step"]:
            marked.steps.append((int(item["step"]), Step(file, row)))
        else:
            marked.reports.extend([Mark(file, row, item["code"])] * int(item["times"] or 1))
    return line.text[: comment.start()]
