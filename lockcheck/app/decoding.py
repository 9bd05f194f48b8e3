"""From the bytes of a file to its text, as Python itself decodes sources (PEP 263)."""

from __future__ import annotations

import io
import tokenize
from codecs import BOM_UTF8


class UndecodableError(Exception):
    """The bytes are no text in the encoding that the file declares."""


def decode(content: bytes) -> str:
    """Decode a source: byte order mark dropped, encoding declaration obeyed, line ends as one newline."""
    has_declaration = any(b"coding" in line for line in content.split(b"\n", 2)[:2])
    text = _declared(content) if has_declaration else _plain(content)
    return with_newlines(text)


def with_newlines(text: str) -> str:
    """Give a text with each line end as one newline, as all that is analysed has them."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _plain(content: bytes) -> str:
    try:
        return content.removeprefix(BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise UndecodableError(
            f"line {row} is not UTF-8; declare the encoding in the first line (`# -*- coding: … -*-`),"
            " save the file as UTF-8, or exclude it"
        ) from error


def _declared(content: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.removeprefix(BOM_UTF8).decode(encoding.removesuffix("-sig"))
    except (SyntaxError, LookupError) as error:
        raise UndecodableError(f"{error}; correct the encoding declaration, or exclude the file") from error
    except ValueError as error:
        raise UndecodableError(
            f"it does not have the encoding it declares ({error}); correct the declaration, or exclude the file"
        ) from error
