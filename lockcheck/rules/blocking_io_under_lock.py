"""A lock is held while something outside the process is waited for.

## What it does
Finds calls that wait for the network, a subprocess or a database while a lock is held: directly, or through any
chain of calls in any module. It stands at the call in the function that holds the lock; the way down to the call that
waits is told with it.

## Why it hurts
A region that takes microseconds takes as long as the slowest peer. Every thread that wants the lock waits with it,
usually also those that only want to read a value. When the peer hangs, so does the whole program, and a stack dump
shows a hundred threads waiting for a lock that nobody seems to need.

## How to repair it
- Fetch before the region, store inside it.
- Copy under the lock what is to be sent, and send after the region.
- Give the call a timeout, so that the worst case has a bound.

## When it is quiet
These are reported with low confidence only:

- Calls with an explicit timeout, clients that are bounded by default, and talk with the own host.
- Local file I/O.
- A lock that serialises that very device or connection: every use of it in the program is under this lock. What
  happens to the device while its object is made, opened or closed does not count, and a device that is an object of
  the program counts where it hangs beside the lock and nobody takes the lock for anything else.
- What is made once (tested again under the lock) and is all that anybody wants who takes the lock.
- A lock of an object all of whose sections, in two functions at least, wait for the same kind of thing; a module's
  lock whose sections all wait for methods of one type.
- A lock that only starting and stopping take, and an object that closes itself or what it owns.
- What only runs while somebody debugs.

A call that both waits for I/O and sleeps is one hazard: LCK202 becomes a note.

What is handed to a thread, a pool or a task runs elsewhere, without the lock.

## Bad: a request under the lock
```python
import threading

import requests


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices: dict[str, float] = {}

    def refresh(self, item: str) -> None:
        with self._lock:  # (1)
            reply = requests.get(f"https://shop.example/{item}")  # LCK201
            self._prices[item] = reply.json()
```

## Fixed
```python
import threading

import requests


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices: dict[str, float] = {}

    def refresh(self, item: str) -> None:
        reply = requests.get(f"https://shop.example/{item}")
        with self._lock:
            self._prices[item] = reply.json()
```

## Bad: a collection is sent while its lock is held
```python
import socket
import threading


class Broadcast:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: list[socket.socket] = []

    def add(self, client: socket.socket) -> None:
        client.sendall(b"welcome")
        with self._lock:
            self._clients.append(client)

    def send(self, data: bytes) -> None:
        with self._lock:  # (1)
            for client in self._clients:
                client.sendall(data)  # LCK201
```

## Fixed
```python
import socket
import threading


class Broadcast:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: list[socket.socket] = []

    def add(self, client: socket.socket) -> None:
        client.sendall(b"welcome")
        with self._lock:
            self._clients.append(client)

    def send(self, data: bytes) -> None:
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.sendall(data)
```

## Bad: the request lies two calls away, in another module
```python
# file: export/exporter.py
import threading

from export import wire


class Exporter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch: list[str] = []

    def add(self, line: str) -> None:
        with self._lock:  # (1)
            self._batch.append(line)
            if len(self._batch) >= 100:
                self._flush()  # LCK201

    def _flush(self) -> None:
        wire.send("".join(self._batch))  # (2)
        self._batch.clear()
```
```python
# file: export/wire.py
from urllib.request import urlopen


def send(text: str) -> None:
    urlopen("https://logs.example", data=text.encode())  # (3)
```

## Bad: a subprocess, with acquire and release
```python
import subprocess
import threading

BUILD_LOCK = threading.Lock()
BUILT: set[str] = set()


def build(target: str) -> None:
    BUILD_LOCK.acquire()  # (1)
    try:
        subprocess.run(["make", target], check=True)  # LCK201
        BUILT.add(target)
    finally:
        BUILD_LOCK.release()
```

## Bad: a pool connects while everybody waits for an idle connection
```python
import threading

import psycopg2


class Pool:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._changed = threading.Condition()
        self._idle: list[object] = []

    def grow(self) -> None:
        with self._changed:  # (1)
            self._idle.append(psycopg2.connect(self._dsn))  # LCK201
            self._changed.notify()
```

## Bad: a name is looked up in a helper that the lock's owner does not see
```python
# file: mesh/nodes.py
import threading

from mesh.names import Resolver


class Nodes:
    def __init__(self, resolver: Resolver) -> None:
        self._lock = threading.RLock()
        self._resolver = resolver
        self._nodes: dict[str, str] = {}

    def add(self, host: str) -> None:
        with self._lock:  # (1)
            self._nodes[host] = self._resolver.resolve(host)  # LCK201
```
```python
# file: mesh/names.py
import socket


class Resolver:
    def resolve(self, host: str) -> str:
        return socket.gethostbyname(host)  # (2)
```

## Good: sockets that do not wait
```python
import socket
import threading


class Link:
    def __init__(self, address: tuple[str, int]) -> None:
        self._lock = threading.Lock()
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._slow = socket.socket()
        self._slow.settimeout(5)
        self._address = address

    def open(self) -> None:
        with self._lock:
            self._sock.connect_ex(self._address)

    def wait(self) -> None:
        with self._lock:
            self._slow.connect(self._address)

    def own_address(self) -> str:
        with self._lock:
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            probe.connect(self._address)
            return str(probe.getsockname()[0])
```

## Good: fetched before, stored inside
```python
import threading

import requests


class Prices:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prices: dict[str, float] = {}

    def refresh(self, item: str) -> None:
        with self._lock:
            known = item in self._prices
        if not known:
            price = requests.get(f"https://shop.example/{item}").json()
            with self._lock:
                self._prices.setdefault(item, price)
```

## Good: a call with an explicit timeout
```python
import subprocess
import threading
from urllib.request import urlopen

LOCK = threading.Lock()


def version() -> bytes:
    with LOCK:
        return subprocess.check_output(["git", "describe"], timeout=5)


def available() -> bool:
    with LOCK:
        return urlopen("https://shop.example/version", timeout=5).status == 200
```

## Good: a local file
```python
import json
import threading
from pathlib import Path


class Settings:
    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._path = path

    def save(self, values: dict[str, str]) -> None:
        with self._lock:
            with open(self._path, "w") as file:
                json.dump(values, file)
```

## Good: a lock that serialises one device
```python
import socket
import threading


class Meter:
    def __init__(self, host: str) -> None:
        self._line_lock = threading.Lock()
        self._line = socket.create_connection((host, 5025))

    def measure(self) -> bytes:
        with self._line_lock:
            self._line.sendall(b"MEAS?")
            return self._line.recv(64)

    def reset(self) -> None:
        with self._line_lock:
            self._line.sendall(b"RST")
```

## Good: handed to a pool or a thread
```python
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import requests


class Crawler:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(8)
        self._pages: dict[str, Future[requests.Response]] = {}

    def fetch(self, url: str) -> None:
        with self._lock:
            self._pages[url] = self._pool.submit(requests.get, url)
            threading.Thread(target=requests.get, args=(url,)).start()
```

## Good: functions and lambdas that are defined under the lock run later
```python
import threading
from collections.abc import Callable

import requests


class Hooks:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._later: list[Callable[[], object]] = []

    def add(self, url: str) -> None:
        with self._lock:

            def ping() -> None:
                requests.get(url)

            self._later.append(ping)
            self._later.append(lambda: requests.post(url))

    def run(self) -> None:
        with self._lock:
            later, self._later = self._later, []
        for each in later:
            each()
```

## Good: a dictionary is no client
```python
import threading


class Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, str] = {}

    def get(self, key: str, requests: dict[str, str]) -> str | None:
        with self._lock:
            return self._requests.get(key) or requests.get(key)
```
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.repairs import leaving
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.summarise.purpose import by_design
from lockcheck.analysis.witness import PlaceOfHazard, are, both, finding, hazards, plausible, reached, taken, through
from lockcheck.model.events import Block, CriticalPair, Held
from lockcheck.model.findings import Confidence, Finding
from lockcheck.model.identity import FunctionId
from lockcheck.rules.registry import rule

_WAITS = {
    "network": "waits for the network",
    "database": "waits for the database",
    "subprocess": "waits for another process",
    "file": "waits for a file",
    "input": "waits for a person",
}


@rule(code="LCK201", default=True, since="0.1.0", supersedes=("LCK202", "LCK701", "LCK401"))
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each lock and blocking call, wherever the lock is taken."""
    for hazard in hazards(_places(analysis)):
        pair, held, confidence = hazard.best
        assert isinstance(pair.event, Block)
        what = _WAITS[pair.event.category]
        message = (
            f"{both(held)} {are(held)} held while `{pair.trace[-1].text}` {what}{through(pair)}: everybody who needs the "
            "lock waits as long; do it before or after the region"
        )
        related = [*taken(analysis, held), *reached(analysis, pair, f"{what} here"), *hazard.others(analysis)]
        yield finding(
            analysis,
            "LCK201",
            "blocking-io-under-lock",
            message,
            pair,
            held,
            related,
            confidence,
            leaving(analysis, pair, held),
        )


def _places(analysis: Analysis) -> Iterator[PlaceOfHazard]:
    for function, pair, own in analysis.holding():
        event = pair.event
        if isinstance(event, Block) and event.category in _WAITS and not event.awaited:
            held = tuple(h for h in own if h.lock.domain != "async" and h.lock.exclusive)
            sure = {h: _confidence(analysis, function, pair, event, h) for h in held}
            if held:
                shown = tuple(h for h in held if sure[h] > Confidence.LOW) or held
                yield pair, shown, max(sure[h] for h in shown)


def _confidence(analysis: Analysis, function: FunctionId, pair: CriticalPair, event: Block, held: Held) -> Confidence:
    """Bounded waits, local files, and a lock that is there for that very wait are no hazard by themselves."""
    short = event.timed or event.bounded or event.category == "file" or _between_processes(held)
    if short or by_design(analysis, function, pair, held):
        return Confidence.LOW
    return plausible(pair, (held,))


def _between_processes(held: Held) -> bool:
    """A lock in a file is made to be held around slow work; `multiprocessing`'s are not."""
    kind = held.lock.kind
    return kind is not None and kind.domain == "process" and not kind.name.startswith("multiprocessing.")
