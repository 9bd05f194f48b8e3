"""The tables of libraries: how they are read, looked up and extended, and whether their names are spelled right."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from lockcheck.knowledge.load import Library, load, members, parse
from lockcheck.knowledge.schema import Table, TableError
from lockcheck.model.library import Effect, Flag, Limit, LockKind, QueueKind, Spawn
from tests.knowledge_names import PYTHON_2, Verdict, dangling, judge
from tests.knowledge_stubs import type_checkers
from tests.knowledge_witnesses import importable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WITHOUT_STUBS = frozenset(
    (
        "aio_pika",
        "aiohttp",
        "aiokafka",
        "aiologic",
        "aiomysql",
        "aiorwlock",
        "aiosqlite",
        "anyio",
        "asgiref",
        "async_timeout",
        "asyncpg",
        "azure",
        "boto3",
        "botocore",
        "celery",
        "confluent_kafka",
        "django",
        "dns",
        "elasticsearch",
        "fasteners",
        "filelock",
        "fsspec",
        "google",
        "gridfs",
        "httpx",
        "janus",
        "kazoo",
        "kombu",
        "kubernetes",
        "memcache",
        "motor",
        "mysql",
        "nats",
        "oracledb",
        "portalocker",
        "psycopg",
        "psycopg_pool",
        "pymemcache",
        "pymongo",
        "pyodbc",
        "readerwriterlock",
        "redis",
        "sqlalchemy",
        "stomp",
        "tornado",
        "trio",
        "twisted",
        "urllib3",
        "uvloop",
        "websocket",
        "websockets",
        "zmq",
    )
)
"""Packages that typeshed does not know: their names can be checked only where they are installed."""

WITH_STUBS = frozenset(
    (
        "MySQLdb",
        "aiofiles",
        "docker",
        "grpc",
        "httplib2",
        "kafka",
        "ldap3",
        "paramiko",
        "peewee",
        "pexpect",
        "pika",
        "psutil",
        "psycopg2",
        "pymysql",
        "requests",
        "requests_oauthlib",
        "serial",
        "six",
    )
)
"""Packages that typeshed knows: their names are always checked."""

REMOVED = frozenset(("nntplib", "telnetlib"))
"""Modules that the standard library once had: typeshed still knows them."""

UNCONFIRMED = frozenset(
    {
        "confluent_kafka.Producer.poll(timeout)",
        "confluent_kafka.Producer.flush(timeout)",
        "confluent_kafka.Consumer.poll(timeout)",
        "confluent_kafka.Consumer.consume(timeout)",
        "kafka.KafkaConsumer.beginning_offsets(timeout_ms)",
        "kafka.KafkaConsumer.end_offsets(timeout_ms)",
        "kafka.KafkaConsumer.offsets_for_times(timeout_ms)",
        "multiprocessing.sharedctypes.SynchronizedBase.acquire(block)",
        "multiprocessing.sharedctypes.SynchronizedBase.acquire(timeout)",
        "pymysql.connect(connect_timeout)",
    }
)
"""Parameters that no witness may tell: C without a signature, methods borrowed in `__init__`, old stubs."""


@pytest.fixture(scope="module")
def library() -> Library:
    return load()


@pytest.fixture(scope="module")
def verdict(library: Library) -> Verdict:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judge(library)


def read(text: str) -> Library:
    """The shipped library, extended by a user's table."""
    return load().extended(tomllib.loads(text), "mine.toml")


@pytest.mark.skipif(
    not type_checkers(), reason="only the stubs that basedpyright brings know the names of every version and platform"
)
class TestNames:
    def test_every_name_is_spelled_as_its_library_spells_it(self, verdict: Verdict) -> None:
        assert verdict.problems == ()

    def test_parameters_that_nobody_can_confirm_are_listed(self, verdict: Verdict) -> None:
        assert set(verdict.unconfirmed) <= UNCONFIRMED

    def test_packages_that_cannot_be_checked_are_listed(self, library: Library, verdict: Verdict) -> None:
        third_parties = library.packages() - sys.stdlib_module_names - REMOVED - PYTHON_2
        assert third_parties == WITHOUT_STUBS | WITH_STUBS
        assert verdict.unknown_packages <= {package for package in WITHOUT_STUBS if not importable(package)}

    def test_the_standard_library_is_always_checked(self, verdict: Verdict) -> None:
        assert not verdict.unknown_packages & (sys.stdlib_module_names | PYTHON_2)

    def test_every_type_referred_to_has_an_entry(self, library: Library) -> None:
        assert list(dangling(library)) == []

    def test_a_misspelling_would_be_found(self) -> None:
        text = """
            packages = ["threading"]
            [types."threading.Lock"]
            methods.aquire = { operation = "acquire" }
            [types."threading.Thread"]
            methods.join = { blocks = "join", limit = "timeout@1" }
            [types."threading.Timer"]
            bases = ["threading.Event"]
            [calls.threading]
            curent_thread = {}
        """
        problems = judge(_Only(text)).problems
        found = [problem.partition(":")[0] for problem in problems]
        assert found == ["threading.curent_thread", "threading.Lock.aquire", "threading.Thread.join", "threading.Timer"]


class _Only(Library):
    """A library of one table."""

    def __init__(self, text: str) -> None:
        self._only = parse(text, "only.toml")
        super().__init__({}, (self._only,))

    def tables(self) -> Iterator[tuple[str, Table]]:
        yield "only.toml", self._only


class TestLookups:
    def test_locks(self, library: Library) -> None:
        lock = library.type("threading.Condition")
        assert lock is not None
        assert lock.lock == LockKind(
            "threading.Condition", "thread", "condition", reentrant=True, wraps="lock", inner="threading.RLock"
        )
        other = library.type("asyncio.BoundedSemaphore")
        assert other is not None
        assert other.lock == LockKind("asyncio.BoundedSemaphore", "async", "permits", permits="value")

    @pytest.mark.parametrize(
        ("spelling", "canonical"),
        [
            ("asyncio.locks.Lock", "asyncio.Lock"),
            ("_thread.allocate_lock", "threading.Lock"),
            ("threading._RLock", "threading.RLock"),
            ("multiprocessing.context.BaseContext.Lock", "multiprocessing.Lock"),
            ("multiprocessing.synchronize.Lock.acquire", "multiprocessing.Lock.acquire"),
            ("concurrent.futures.thread.ThreadPoolExecutor", "concurrent.futures.ThreadPoolExecutor"),
            ("six.moves.queue.Queue", "queue.Queue"),
            ("Queue.Queue", "queue.Queue"),
            ("requests.sessions.Session", "requests.Session"),
            ("redis.client.StrictRedis", "redis.Redis"),
            ("asyncio.locks.something_else", "asyncio.locks.something_else"),
            ("nobody.knows.this", "nobody.knows.this"),
        ],
    )
    def test_every_spelling_has_one_canonical_name(self, library: Library, spelling: str, canonical: str) -> None:
        assert library.canonical(spelling) == canonical
        assert library.canonical(canonical) == canonical

    def test_methods_are_inherited(self, library: Library) -> None:
        put = library.method("queue.LifoQueue", "put")
        assert put == Effect(
            blocks="queue", operation="put", limit=Limit("timeout", 2), flag=Flag("block", 1, value=False)
        )
        assert library.method("threading.Timer", "join") == library.method("threading.Thread", "join")
        assert library.method("threading.Timer", "never_heard_of") is None
        assert library.method("nobody.knows.this", "put") is None

    def test_kinds_are_inherited_under_the_own_name(self, library: Library) -> None:
        queue = library.type("asyncio.PriorityQueue")
        assert queue is not None
        assert queue.queue == QueueKind("asyncio.PriorityQueue", "async", "maxsize")
        channel = library.type("trio.MemorySendChannel")
        assert channel is not None
        assert channel.queue is not None
        assert channel.queue.name == "trio.open_memory_channel"

    def test_methods_that_are_made_when_the_program_runs(self, library: Library) -> None:
        client = library.call("boto3.client")
        assert client is not None
        assert client.returns is not None
        put = library.method(client.returns, "put_object")
        assert put is not None
        assert put.blocks == "network"
        assert library.method(client.returns, "close") == Effect()
        assert library.method(client.returns, "__eq__") is None

    def test_functions(self, library: Library) -> None:
        assert library.call("requests.api.get") == library.call("requests.get")
        assert library.call("httpx.get") == Effect(
            blocks="network", limit=Limit("timeout", None, 5.0), returns="httpx.Response"
        )
        assert library.call("requests.Session") is None
        thread = library.constructor("threading.Thread")
        assert thread == Effect(spawn=Spawn("thread", "target", 1, "start"))

    def test_calling_a_function_or_a_class(self, library: Library) -> None:
        assert library.calling("requests.get") == library.call("requests.get")
        assert library.calling("queue.LifoQueue") == Effect(returns="queue.LifoQueue")
        assert library.calling("multiprocessing.context.Process") == Effect(
            spawn=Spawn("process", "target", 1, "start"), returns="multiprocessing.Process"
        )
        assert library.calling("nobody.knows.this") is None

    def test_attributes(self, library: Library) -> None:
        assert library.attribute("janus.Queue", "sync_q") == "janus.SyncQueue"
        assert library.attribute("wsgiref.simple_server.WSGIServer", "socket") == "socket.socket"
        assert library.attribute("janus.Queue", "nothing") is None

    def test_subtypes(self, library: Library) -> None:
        assert library.is_subtype("threading.Timer", "threading.Thread")
        assert library.is_subtype("_queue.SimpleQueue", "queue.SimpleQueue")
        assert not library.is_subtype("threading.Thread", "threading.Timer")
        assert library.is_subtype("nobody.knows.this", "nobody.knows.this")

    def test_tuples(self) -> None:
        assert members("tuple[asyncio.StreamReader, _]") == ("asyncio.StreamReader", "_")
        assert members("asyncio.StreamReader") == ()

    def test_a_table_is_read_when_its_package_is_named(self) -> None:
        code = (
            "from lockcheck.knowledge import load, schema\n"
            "read = []\n"
            "plain = load.table\n"
            "load.table = lambda raw, source: read.append(source) or plain(raw, source)\n"
            "load.load().type('queue.Queue')\n"
            "print(read)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "['queue.toml']"

    def test_the_library_is_read_once(self) -> None:
        assert load() is load()


class TestExtension:
    def test_own_functions_and_types(self) -> None:
        library = read("""
            [effects]
            call = { blocks = "network", limit = "deadline@2=1.5" }
            [calls."acme.client"]
            "fetch push" = "call"
            [types."acme.locks.Latch"]
            aliases = ["acme.Latch"]
            lock = { domain = "thread", reentrant = true }
            methods.enter = { operation = "acquire", flag = "nowait@0=true" }
        """)
        assert library.call("acme.client.push") == Effect(blocks="network", limit=Limit("deadline", 2, 1.5))
        latch = library.type("acme.Latch")
        assert latch is not None
        assert latch.lock == LockKind("acme.locks.Latch", "thread", reentrant=True)
        assert library.method("acme.Latch", "enter") == Effect(operation="acquire", flag=Flag("nowait", 0, value=True))
        assert "acme" in library.packages()
        assert load().type("acme.Latch") is None

    def test_a_type_that_is_known_gains_what_is_given(self) -> None:
        library = read("""
            [types."requests.sessions.Session"]
            methods.download = { blocks = "network" }
            methods.get = {}
        """)
        assert library.method("requests.Session", "download") == Effect(blocks="network")
        assert library.method("requests.Session", "get") == Effect()
        assert library.method("requests.Session", "post") == load().method("requests.Session", "post")

    def test_the_later_extension_wins(self) -> None:
        library = read("[calls.acme]\nwork = { blocks = 'network' }").extended(
            {"calls": {"acme": {"work": {"blocks": "database"}}, "requests": {"get": {}}}}
        )
        assert library.call("acme.work") == Effect(blocks="database")
        assert library.call("requests.get") == Effect()

    def test_own_types_derive_from_shipped_ones(self) -> None:
        library = read("""
            [types."acme.TracingLock"]
            bases = ["threading.RLock"]
        """)
        lock = library.type("acme.TracingLock")
        assert lock is not None
        assert lock.lock == LockKind("acme.TracingLock", "thread", reentrant=True)
        assert library.is_subtype("acme.TracingLock", "_thread.RLock")


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[calls.acme]\nget = { block = 'network' }", ["mine.toml", "block", "$.calls[...][...]"]),
            ("[calls.acme]\nget = { blocks = 'netwrok' }", ["mine.toml", "netwrok"]),
            ("[calls.acme]\nget = { limit = 'timeout@x' }", ["mine.toml", "limit"]),
            ("[calls.acme]\nget = { spawn = 'fn@0 in space' }", ["mine.toml", "spawn"]),
            ("[calls.acme]\nget = 'reqest'", ["mine.toml", "calls.acme.get", "reqest"]),
            ("[calls.acme]\n'get put' = {}\nget = {}", ["mine.toml", "calls.acme", "get", "twice"]),
            ("[types.'acme.A']\nmethods.'a b' = {}\nmethods.b = {}", ["mine.toml", 'types."acme.A".methods', "twice"]),
            ("[types.'acme.A']\nlock = { domain = 'planet' }", ["mine.toml", "lock.domain"]),
            ("[types.'acme.A']\naliases = ['acme.B']\n[types.'acme.B']", ["mine.toml", "acme.B"]),
            ("[effects]\na = { like = 'b' }\nb = {}\n[calls.acme]\nget = 'a'", ["mine.toml", "effects.a"]),
            ("packages = ['acme']\n[calls.other]\nget = {}", ["mine.toml", "other.get"]),
            ("[call.acme]\nget = {}", ["mine.toml", "call"]),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str, words: list[str]) -> None:
        with pytest.raises(TableError) as caught:
            parse(text, "mine.toml")
        for word in words:
            assert word in str(caught.value)

    def test_what_is_no_toml_is_named(self) -> None:
        with pytest.raises(TableError, match=r"mine\.toml: .*line 2"):
            parse("[calls]\nget == {}", "mine.toml")
