"""Extraction on a Dask cluster that is there already: batches of texts are pure tasks, from bytes to bytes.

A text that might end a parser's process is kept here, for a cluster would give it to one worker after another. What the
cluster does not do, whatever the reason, is done here, too: that costs time, never a finding.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast
from urllib.parse import urlsplit

from lockcheck.app.attempt import attempt, said
from lockcheck.app.cache import version
from lockcheck.app.config import ConfigError
from lockcheck.app.extraction import batches, is_plain
from lockcheck.app.worker import Done, Job, extract_packed, pack, unpack
from lockcheck.model.findings import Failure

_REACH = 15
"""Seconds in which a scheduler has to answer and to have a worker."""
_PATIENCE = 120.0
"""Seconds after which a batch that is waited for is done here."""


class _Future(Protocol):
    def result(self, timeout: float) -> object: ...


class _Client(Protocol):
    """What is used of a client of Dask."""

    def wait_for_workers(self, n_workers: int, timeout: float) -> None: ...

    def map(
        self, func: Callable[[bytes], bytes | None], *iterables: Sequence[bytes], pure: bool, retries: int
    ) -> list[_Future]: ...

    def close(self) -> None: ...


class Cluster:
    """A cluster behind an address such as `dask://HOST:PORT`; it is reached when there is something to be extracted."""

    def __init__(self, address: str) -> None:
        """Know where the scheduler is. Raises `ConfigError` where that is no address, or Dask is not installed."""
        parts = urlsplit(address)
        if parts.scheme != "dask" or not parts.hostname or not parts.netloc.rpartition(":")[2].isdecimal():
            raise ConfigError(f"--executor {address}: is no cluster: write dask://HOST:PORT")
        try:
            self._make = cast("Callable[..., _Client]", import_module("distributed").Client)
        except ImportError as error:
            raise ConfigError('--executor needs Dask: pip install "lockcheck[dask]"') from error
        self._address = address
        self._scheduler = f"tcp://{parts.netloc}"
        self.trouble: Failure | None = None

    def extract(self, work: Sequence[Job], locally: Callable[[Sequence[Job]], Iterator[Done]]) -> Iterator[Done]:
        """Extract the facts of some texts, those that the cluster does not do by what does them here."""
        left = [job for job in work if not is_plain(job.text)]
        shared = list(batches(job for job in work if is_plain(job.text)))
        if shared:
            with contextlib.closing(self._connected()) as client:
                task = functools.partial(extract_there, version())
                futures = client.map(task, [pack(batch) for batch in shared], pure=True, retries=2)
                for batch, future in zip(shared, futures, strict=True):
                    done = self._result(batch, future)
                    left += batch if done is None else []
                    yield from done or ()
        yield from locally(left)

    def _connected(self) -> _Client:
        """Reach the scheduler and a worker; raises `ConfigError`: who asks for a cluster wants to hear that it is not there."""

        def connect() -> _Client:
            client = self._make(self._scheduler, timeout=_REACH, set_as_default=False)
            try:
                client.wait_for_workers(1, timeout=_REACH)
            except BaseException:
                client.close()
                raise
            return client

        client = attempt("cluster", connect, said)
        if isinstance(client, Failure):
            raise ConfigError(f"--executor {self._address}: cannot be used: {client.message}")
        return client

    def _result(self, batch: Sequence[Job], future: _Future) -> list[Done] | None:
        if self.trouble is not None:
            return None

        def awaited() -> list[Done] | Failure:
            reply = future.result(timeout=_PATIENCE)
            if isinstance(reply, bytes):
                return unpack(reply, batch)
            return Failure(
                "cluster", "its workers have another lockcheck, another Python or other libraries than this machine"
            )

        done = attempt("cluster", awaited, said)
        if isinstance(done, Failure):
            self.trouble = Failure("cluster", f"{self._address}: the rest is extracted here: {done.message}")
            return None
        return done


def extract_there(asked: bytes, request: bytes) -> bytes | None:
    """Extract packed texts on a worker; None if that is of another version, whose facts would be others."""
    return extract_packed(request) if version() == asked else None
