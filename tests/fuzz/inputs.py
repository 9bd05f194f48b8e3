"""What is tried: programs of the literate cases and files of packages, damaged at random.

An input is told by the seed and its number alone, so that any of them can be made again.
"""

from __future__ import annotations

import ast
import keyword
import random
import re
import warnings
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from tests.cases import all_cases

Files: TypeAlias = "dict[str, bytes]"
"""The files of a program, by their names."""

_LENGTHS: Final = (1_500, 1_500, 1_500, 3_000, 3_000, 8_000)
"""Characters of a file that is tried as a whole, one of these at random; of a longer one, a stretch of lines is."""

_LOOKS: Final = 40
"""Words that are drawn in search of one of the same sort."""

_TOKEN: Final = re.compile(r"\w+|[^\S\n]+|\n[ \t]*|[^\w\s]")

_STATEMENT: Final = re.compile(r"^(?:@|def |class |async def |\w+ = )", re.MULTILINE)

_ODD: Final = (
    *"\0\a\b\t\v\f\r\x1a\x1b\x1c\x1d\x1e\x7f\x85\xa0\xad\u0130\u0301\u200b\u200e\u2028\u2029\u202e\u3000\ufeff",
    *(
        "\ud800",
        "\U0001f512",
        "\U000e0041",
        "ﬁ",
        "ª",
        "µ",
        "ﷺ",
        "\\\n",
        "\r\n",
        "\\",
        '"""',
        "'''",
        "#",
        "# noqa: LCK",
        ":",
        ";",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        'f"',
        "f'{",
        "t'{x!r:{y}}'",
        "b'\\xff'",
        "*",
        "**",
        "@",
        ":=",
        "->",
        "...",
        "0x",
        "1_0",
        "1e",
    ),
    *(
        "async ",
        "await ",
        "yield ",
        "yield from ",
        "lambda: ",
        "lambda *a, **k: ",
        "nonlocal ",
        "global ",
        "del ",
        "return ",
    ),
    *(
        "with lock: ",
        "lock.acquire()",
        "lock.release()",
        "self.",
        "match x:\n case ",
        "case _: ",
        "type X = ",
        "class C[T]: ",
    ),
    *(
        "except* E: ",
        "finally:\n",
        "else:\n",
        "if x else ",
        "for x in ",
        "while True: ",
        "try: pass\n",
        "import ",
        "from . import *\n",
    ),
    *(
        "from __future__ import annotations\n",
        "assert ",
        "raise ",
        "not ",
        " is ",
        " in ",
        " or ",
        " and ",
        "None",
        "True",
        "__class__",
    ),
)


class Corpus(msgspec.Struct, frozen=True):
    """What is damaged: small programs, and files of packages, each kind as likely as the others."""

    kinds: tuple[tuple[dict[str, str], ...], ...]

    def pick(self, chance: random.Random) -> dict[str, str]:
        """Choose a program."""
        program = chance.choice(chance.choice(self.kinds))
        return {name: _stretch(text, chance) for name, text in program.items()}


def corpus(folders: Sequence[Path]) -> Corpus:
    """All literate programs, and the Python files below some folders."""
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(folder)
    sources = tuple(
        {"module.py": file.read_bytes().decode("utf-8", "replace")}
        for folder in folders
        for file in sorted(folder.rglob("*.py"))
        if file.is_file()
    )
    return Corpus(tuple(kind for kind in (_cases(), sources) if kind))


def made_input(stock: Corpus, seed: int, number: int) -> Files:
    """The input of this number."""
    chance = random.Random(f"{seed}:{number}")
    program = stock.pick(chance)
    hit = chance.choice(sorted(program))
    tries = chance.choice((1, 12, 12, 12))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        other = chance.choice(sorted(stock.pick(chance).values()))
        program[hit] = _mutated(program[hit], other, chance, tries=tries)
    return {name: _encoded(text, chance, damaged=name == hit) for name, text in program.items()}


def _mutated(text: str, other: str, chance: random.Random, *, tries: int) -> str:
    """Damage a text, so that it can still be parsed where that is possible in so many tries.

    Most damage ends in a syntax error, behind which nothing is looked at.
    """
    changed = text
    for attempt in range(tries):
        changed = chance.choice(_MUTATIONS)(text, other, chance)
        if attempt + 1 < tries and not _parses(changed):
            continue
        break
    return changed


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


@cache
def _cases() -> tuple[dict[str, str], ...]:
    return tuple(
        {file.name: file.text for file in case.example.files}
        for case in all_cases()
        if any(file.name.endswith(".py") for file in case.example.files)
    )


def _stretch(text: str, chance: random.Random) -> str:
    """Some lines of a long text, from where a statement of the module begins to an empty line: most can be parsed."""
    longest = chance.choice(_LENGTHS)
    if len(text) <= longest:
        return text
    wanted = chance.randrange(len(text) - longest // 2)
    found = _STATEMENT.search(text, max(0, wanted - longest))
    start = found.start() if found is not None else wanted
    piece = text[start : start + chance.randrange(longest // 4, longest)]
    return piece[: piece.rfind("\n\n") + 1] or piece


def _encoded(text: str, chance: random.Random, *, damaged: bool) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    if not damaged or chance.random() < 0.9:
        return content
    match chance.randrange(5):
        case 0:
            return b"\xef\xbb\xbf" + content
        case 1:
            return content.replace(b"\n", chance.choice((b"\r\n", b"\r")))
        case 2:
            at = chance.randrange(len(content) + 1)
            return content[:at] + bytes([chance.randrange(128, 256)]) + content[at:]
        case 3:
            declared = chance.choice(("latin-1", "utf-16", "cp1252", "utf-7", "rot13", "hex", "punycode", "nothing"))
            return f"# -*- coding: {declared} -*-\n".encode() + content
        case _:
            return text.encode("utf-16", "surrogatepass")


def _of_lines(
    change: Callable[[list[str], Sequence[str], random.Random], None],
) -> Callable[[str, str, random.Random], str]:
    def mutate(text: str, other: str, chance: random.Random) -> str:
        lines = text.splitlines(keepends=True) or [""]
        change(lines, other.splitlines(keepends=True) or [""], chance)
        return "".join(lines)

    return mutate


@lru_cache(maxsize=8)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text)) or ("",)


def _of_tokens(
    change: Callable[[list[str], Sequence[str], random.Random], None],
) -> Callable[[str, str, random.Random], str]:
    def mutate(text: str, other: str, chance: random.Random) -> str:
        tokens = list(_tokens(text))
        change(tokens, _tokens(other), chance)
        return "".join(tokens)

    return mutate


def _delete(parts: list[str], _other: Sequence[str], chance: random.Random) -> None:
    at = chance.randrange(len(parts))
    del parts[at : at + chance.choice((1, 1, 1, 2, 4))]


def _duplicate(parts: list[str], _other: Sequence[str], chance: random.Random) -> None:
    at = chance.randrange(len(parts))
    chosen = parts[at : at + chance.choice((1, 1, 2, 5))]
    to = chance.choice((at, chance.randrange(len(parts) + 1)))
    parts[to:to] = chosen * chance.choice((1, 1, 1, 2, 9))


def _swap(parts: list[str], _other: Sequence[str], chance: random.Random) -> None:
    one, two = chance.randrange(len(parts)), chance.randrange(len(parts))
    parts[one], parts[two] = parts[two], parts[one]


def _rename(parts: list[str], _other: Sequence[str], chance: random.Random) -> None:
    one, two = chance.choice(parts), chance.choice(parts)
    parts[:] = [two if part == one else part for part in parts]


def _rewrite(parts: list[str], other: Sequence[str], chance: random.Random) -> None:
    """Put another word of the same sort in the place of one: a name for a name, an end of a block for an end."""
    at = chance.randrange(len(parts))
    words = chance.choice((parts, other))
    for _ in range(_LOOKS):
        word = chance.choice(words)
        if word != parts[at] and _sort(word) == _sort(parts[at]):
            parts[at] = word
            break


def _sort(token: str) -> str:
    if keyword.iskeyword(token):
        return "keyword"
    return (
        "name" if token.isidentifier() else "number" if token[:1].isdigit() else "space" if token.isspace() else "sign"
    )


def _borrow(parts: list[str], other: Sequence[str], chance: random.Random) -> None:
    at, start = chance.randrange(len(parts) + 1), chance.randrange(len(other))
    parts[at : at + chance.choice((0, 0, 1))] = other[start : start + chance.choice((1, 1, 3, 10))]


def _indent(parts: list[str], _other: Sequence[str], chance: random.Random) -> None:
    start = chance.randrange(len(parts))
    for at in range(start, min(len(parts), start + chance.choice((1, 1, 3, 10)))):
        parts[at] = (
            chance.choice(("    ", " ", "\t", "\f")) + parts[at] if chance.random() < 0.7 else parts[at].lstrip(" ")
        )


def _wrap(parts: list[str], _other: Sequence[str], chance: random.Random) -> None:
    """Put some lines into a block."""
    start = chance.randrange(len(parts))
    end = min(len(parts), start + chance.choice((1, 2, 4, 10)))
    margin = re.match(r"[ \t]*", parts[start])
    head = chance.choice(
        (
            "if x:",
            "with lock:",
            "async def f():",
            "def f(self):",
            "try:",
            "while x:",
            "class A:",
            "for x in y:",
            "async with x:",
        )
    )
    parts[start:end] = [f"{margin[0] if margin else ''}{head}\n", *(f"    {line}" for line in parts[start:end])]


def _cut(text: str, _other: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] if chance.random() < 0.7 else text[at:]


def _join(text: str, other: str, chance: random.Random) -> str:
    return text + other if chance.random() < 0.5 else other[: chance.randrange(len(other) + 1)] + text


def _insert(text: str, _other: str, chance: random.Random) -> str:
    for _ in range(chance.choice((1, 1, 2, 6))):
        at = chance.randrange(len(text) + 1)
        odd = chance.choice(_ODD) if chance.random() < 0.9 else chr(chance.randrange(0x110000))
        text = text[:at] + odd * chance.choice((1, 1, 1, 1, 3, 60)) + text[at:]
    return text


_MUTATIONS: Final = (
    *(_of_lines(change) for change in (_delete, _duplicate, _swap, _borrow, _borrow, _indent, _wrap)),
    *(_of_tokens(change) for change in (_delete, _duplicate, _swap, _borrow, _rename, _rewrite, _rewrite)),
    *(_cut, _join, _insert),
)
