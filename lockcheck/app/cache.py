"""The facts and fixes of earlier runs, by content: what has been extracted or worked out once is not made again.

The store lies in the user's cache folder, one file for each project. It is data, never code; whatever is damaged,
foreign or of another version is ignored and made anew.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

import lockcheck
from lockcheck.app.store import DAMAGED, DIGEST, digest, file_of, read_sealed, write_sealed
from lockcheck.model.facts import FunctionFacts, ModuleFacts
from lockcheck.model.findings import Failure, Fix
from lockcheck.model.flow import Node

_MAGIC = b"lockcheck facts 1\n"
_T = TypeVar("_T")


class Known(msgspec.Struct, frozen=True, array_like=True):
    """What is known to come of a repair: a fix, or that there is none."""

    fix: Fix | None


class Memory:
    """A store that lasts as long as a run."""

    def __init__(self) -> None:
        """Begin with nothing that was asked for."""
        self._kept: dict[bytes, msgspec.Raw] = {}
        self._keys: dict[str, bytes] = {}
        self._is_changed = False

    @functools.cached_property
    def _stored(self) -> Mapping[bytes, msgspec.Raw]:
        """What is known already."""
        return self._opened()

    def _opened(self) -> Mapping[bytes, msgspec.Raw]:
        return {}

    def turn(self) -> None:
        """Begin another run: what the last one neither asked for nor added is let go."""
        self._is_changed = self._is_changed or len(self._kept) != len(self._stored)
        self._stored, self._kept, self._keys = self._kept, {}, {}

    def forget(self) -> None:
        """Let everything go: it was found to be of no use."""
        self._stored, self._kept, self._is_changed = {}, {}, True

    def expect(self, texts: Sequence[str]) -> None:
        """Be told what will be asked for, all at once; there is nowhere else to bring it from."""

    def get(self, text: str) -> ModuleFacts | None:
        """Give the facts of a text, if they are known."""
        return self._get(self.key(text), _FACTS)

    def put(self, text: str, facts: bytes) -> None:
        """Keep the packed facts of a text."""
        self._put(self.key(text), facts)

    def get_body(self, text: str, function: FunctionFacts) -> tuple[Node, ...] | None:
        """Give the structured body of a function of a text, if it is known."""
        return self._get(self._body_key(text, function), _BODY)

    def put_body(self, text: str, function: FunctionFacts, body: bytes) -> None:
        """Keep the packed body of a function of a text."""
        self._put(self._body_key(text, function), body)

    def get_fix(self, question: bytes) -> Known | None:
        """Give what came of a question about a fix, which is told with all that it depends on, if it was asked before."""
        return self._get(digest(b"fix" + question), _FIX)

    def put_fix(self, question: bytes, fix: Fix | None) -> None:
        """Keep what came of a question about a fix."""
        self._put(digest(b"fix" + question), msgspec.msgpack.encode(Known(fix)))

    def let_texts_go(self) -> None:
        """Forget what texts were asked about, which takes as much memory as they do; what is known of them stays."""
        self._keys.clear()

    def facts_of(self, key: bytes) -> ModuleFacts | None:
        """Give the facts of a text of the last run by its key, without asking for them to be kept."""
        raw = self._stored.get(key)
        try:
            return _FACTS.decode(raw) if raw is not None else None
        except DAMAGED:
            return None

    def _has(self, key: bytes) -> bool:
        return key in self._stored or key in self._kept

    def _get(self, key: bytes, decoder: msgspec.msgpack.Decoder[_T]) -> _T | None:
        raw = self._stored.get(key) or self._kept.get(key)
        if raw is None:
            return None
        try:
            value = decoder.decode(raw)
        except DAMAGED:
            return None
        self._kept[key] = raw
        return value

    def _put(self, key: bytes, packed: bytes) -> None:
        self._kept[key] = msgspec.Raw(packed)
        self._is_changed = True

    def key(self, text: str) -> bytes:
        """Give what stands for a text."""
        key = self._keys.get(text)
        if key is None:
            key = self._keys[text] = digest(text.encode("utf-8", "surrogatepass"))
        return key

    def _body_key(self, text: str, function: FunctionFacts) -> bytes:
        return digest(self.key(text) + f"{function.span.row}:{function.span.column}:{function.qualname}".encode())


class Cache(Memory):
    """The store of one project. Only what this run asked for or added is kept."""

    def __init__(self, folder: Path, root: str) -> None:
        """Name the store of the project at `root`; it is opened when it is asked, and a missing or useless one is empty."""
        self._file = file_of(folder, root, "facts")
        self.is_trusted = True
        """Nothing that is kept has been found to be of no use."""
        self.summaries = file_of(folder, root, "summaries")
        """Where the results of the summarise stage lie, which are kept on their own: few runs need them."""
        super().__init__()

    @functools.cached_property
    def salt(self) -> bytes:
        """What stands for everything beside the texts that facts depend on."""
        return version()

    def forget(self) -> None:
        """Let everything go, what is kept of functions too, and ask nobody else."""
        super().forget()
        self.is_trusted = False

    def _opened(self) -> Mapping[bytes, msgspec.Raw]:
        return _load(self._file, self.salt)

    def save(self) -> Failure | None:
        """Write the store in one step, if it is worth writing; failing that costs time in the next run only."""
        if not self._is_changed and ("_stored" not in self.__dict__ or len(self._kept) == len(self._stored)):
            return None
        try:
            write_sealed(self._file, _MAGIC + self.salt, _pieces(self._kept))
        except OSError as error:
            return Failure("cache", f"{self._file}: cannot be written: {error.strerror or error}")
        return None


def _pieces(entries: Mapping[bytes, msgspec.Raw]) -> Iterator[bytes]:
    """What MessagePack makes of the entries, bit by bit: as a whole, and once more in a file's content, it takes much memory."""
    yield b"\xdf" + len(entries).to_bytes(4, "big")
    for key, packed in entries.items():
        yield msgspec.msgpack.encode(key) + bytes(packed)


def _load(file: Path, salt: bytes) -> dict[bytes, msgspec.Raw]:
    try:
        body = read_sealed(file, _MAGIC + salt)
        return _STORE.decode(body) if body is not None else {}
    except (OSError, *DAMAGED):
        return {}


@functools.cache
def version() -> bytes:
    """Digest all that facts, summaries and fixes depend on beside the texts: our own code, Python's grammar, the libraries."""
    from lockcheck.app.requisites import versions

    package = Path(lockcheck.__file__).parent
    state = hashlib.blake2b(digest_size=DIGEST)
    state.update(f"{lockcheck.__version__} {sys.version_info[:3]} {versions()}".encode())
    for layer in ("model", "knowledge", "analysis", "fixes"):
        for source in sorted([*(package / layer).rglob("*.py"), *(package / layer).rglob("*.toml")]):
            state.update(source.name.encode() + b"\0" + source.read_bytes())
    return state.digest()


_BODY: msgspec.msgpack.Decoder[tuple[Node, ...]] = msgspec.msgpack.Decoder(tuple[Node, ...])
_FACTS: msgspec.msgpack.Decoder[ModuleFacts] = msgspec.msgpack.Decoder(ModuleFacts)
_FIX: msgspec.msgpack.Decoder[Known] = msgspec.msgpack.Decoder(Known)
_STORE: msgspec.msgpack.Decoder[dict[bytes, msgspec.Raw]] = msgspec.msgpack.Decoder(dict[bytes, msgspec.Raw])
