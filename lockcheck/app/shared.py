"""Facts that machines share: one object for each text, in whatever store a URL names, by way of fsspec.

A store is trusted no further than that: what an entry holds are facts of the text that it is asked for. It is data,
never code; an entry under a wrong name, cut off, damaged or of other types is no entry. Whatever is wrong with a store
costs time, within bounds, and is said once.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol, TypeVar, cast
from urllib.parse import unquote

import msgspec

from lockcheck.app.attempt import attempt, said
from lockcheck.app.cache import Cache
from lockcheck.app.config import ConfigError
from lockcheck.app.store import DAMAGED, DIGEST, digest
from lockcheck.model.facts import ModuleFacts
from lockcheck.model.findings import Failure

_MAGIC = b"lockcheck shared facts 1\n"
_BATCH = 500
_SECONDS = 20.0
"""How long one batch of entries may take."""

_T = TypeVar("_T")


class _FileSystem(Protocol):
    """What is used of a file system of fsspec."""

    def cat(self, path: list[str], *, on_error: str) -> Mapping[str, bytes | Exception]: ...

    def pipe(self, path: Mapping[str, bytes]) -> None: ...


class Store:
    """A store of facts behind a URL. After the first trouble it is left alone."""

    def __init__(self, url: str, version: bytes) -> None:
        """Find what the URL names, or what is wrong with it. Raises `ConfigError` if nothing here could ever reach it."""
        self._url = url
        self.trouble: Failure | None = None
        core = _core()
        opened = self._attempt(functools.partial(_opened, core, url))
        if isinstance(opened, ConfigError):
            raise opened
        self._system: _FileSystem | None
        self._system, root = opened or (None, "")
        self._root = f"{root.rstrip('/')}/{version.hex()}"

    def fetch(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Give the packed facts that are there, by their keys."""
        if self._system is None:
            return
        for begin in range(0, len(keys), _BATCH):
            batch = {key.hex(): key for key in keys[begin : begin + _BATCH]}
            paths = [self._path(key) for key in batch.values()]
            answer = self._attempt(functools.partial(self._system.cat, paths, on_error="return"))
            contents = {path.rpartition("/")[2]: content for path, content in (answer or {}).items()}
            refused = [each for each in contents.values() if isinstance(each, Exception)]
            if len(refused) == len(contents):  # a store that lists nothing may refuse what it does not have
                self._refused(each for each in refused if not isinstance(each, FileNotFoundError))
            for name, key in batch.items():
                content = contents.get(name)
                packed = _unwrapped(content, key) if isinstance(content, bytes) else None
                if packed is not None:
                    yield key, packed

    def publish(self, entries: Mapping[bytes, bytes]) -> None:
        """Put packed facts there, by their keys."""
        if self._system is None:
            return
        keys = list(entries)
        for begin in range(0, len(keys), _BATCH):
            wrapped = {self._path(key): _wrapped(key, entries[key]) for key in keys[begin : begin + _BATCH]}
            self._attempt(functools.partial(self._system.pipe, wrapped))

    def _path(self, key: bytes) -> str:
        return f"{self._root}/{key.hex()}"

    def _attempt(self, action: Callable[[], _T]) -> _T | None:
        """Do something with the store, for so long and no longer."""
        if self.trouble is not None:
            return None
        results: list[_T | Failure] = []
        thread = threading.Thread(target=lambda: results.append(attempt("cache", action, said)), daemon=True)
        thread.start()
        thread.join(_SECONDS)
        result = results[0] if results else Failure("cache", f"no answer within {_SECONDS:.0f} seconds")
        if isinstance(result, Failure):
            self._give_up(result.message)
            return None
        return result

    def _refused(self, reasons: Iterator[Exception]) -> None:
        for reason in reasons:
            self._give_up(said(reason))

    def _give_up(self, reason: str) -> None:
        if self.trouble is None:
            name = _without_secrets(self._url, self._url)
            said = f"{name}: left alone, for it cannot be used: {_without_secrets(reason, self._url)}"
            self.trouble = Failure("cache", said)


class SharedCache(Cache):
    """The store of one project on this machine, with one behind it that machines share."""

    def __init__(self, folder: Path, root: str, url: str, *, read_only: bool) -> None:
        """Name both; what is extracted here is put into the shared one, unless it is only to be read."""
        super().__init__(folder, root)
        self._shared = Store(url, self.salt)
        self._is_read_only = read_only
        self._extracted: dict[bytes, bytes] = {}

    def expect(self, texts: Sequence[str]) -> None:
        """Bring here what others know of these texts."""
        if not self.is_trusted:
            return
        missing = [key for key in dict.fromkeys(map(self.key, texts)) if not self._has(key)]
        for key, packed in self._shared.fetch(missing):
            self._put(key, packed)

    def put(self, text: str, facts: bytes) -> None:
        """Keep the packed facts of a text."""
        super().put(text, facts)
        self._extracted[self.key(text)] = facts

    def save(self) -> Failure | None:
        """Write both stores; failing that costs time in the next run only."""
        if not self._is_read_only:
            self._shared.publish(self._extracted)
            self._extracted = {}
        return super().save() or self._shared.trouble


def _wrapped(key: bytes, packed: bytes) -> bytes:
    return _MAGIC + key + digest(key + packed) + packed


def _unwrapped(content: bytes, key: bytes) -> bytes | None:
    """Give the facts in an entry, None where it is not one of that name or any part of it has a wrong type."""
    head = _MAGIC + key
    packed = content[len(head) + DIGEST :]
    if not content.startswith(head) or content[len(head) : len(head) + DIGEST] != digest(key + packed):
        return None
    try:
        facts = _FACTS.decode(packed)
        for function in facts.functions:
            function.nodes()
    except DAMAGED:
        return None
    return packed


def _core() -> ModuleType:
    try:
        return import_module("fsspec.core")
    except ImportError as error:
        raise ConfigError('--cache-url needs fsspec: pip install "lockcheck[remote]"') from error


def _opened(core: ModuleType, url: str) -> tuple[_FileSystem, str] | ConfigError:
    """Give what is behind a URL, which some file systems reach at once, or why nothing here ever could."""
    options = {"auto_mkdir": True} if url.startswith(("file:", "local:")) or "://" not in url else {}
    try:
        return cast("tuple[_FileSystem, str]", core.url_to_fs(url, **options))
    except (ImportError, ValueError) as error:
        return ConfigError(_without_secrets(f"--cache-url {url}: {said(error)}", url))


def _without_secrets(text: str, url: str) -> str:
    """Give a text without what a URL says of a user's name and password, and what stands behind its question mark."""
    for secret, instead in _secrets(url):
        text = text.replace(secret, instead)
    return text


def _secrets(url: str) -> Iterator[tuple[str, str]]:
    """Give what a URL, or any in a chain of them, keeps secret. A key may hold a slash that should have been quoted."""
    for part in url.split("::"):
        place, _, query = part.partition("://")[2].partition("?")
        user = place.rpartition("@")[0]
        if query:
            yield f"?{query}", ""
        if user and (":" in user or "/" not in user):
            yield f"{user}@", ""
            for password in {user.partition(":")[2], unquote(user.partition(":")[2])} - {""}:
                yield password, "***"


_FACTS: msgspec.msgpack.Decoder[ModuleFacts] = msgspec.msgpack.Decoder(ModuleFacts)
