"""The words by which a function keeps its blocks.

This is a generous filter over one file: a function that none of these words, shapes and `with` statements touches
cannot change which locks are held, unless linking finds that something it calls does; then the second round has it.
"""

from __future__ import annotations

from lockcheck.model.expression import Attr, Call, Const, Expr, Name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAKING = _words(
    "__enter__ __exit__ __aenter__ __aexit__ enter exit lock unlock trylock try_lock locked rlock wlock read_lock "
    "write_lock reader_lock writer_lock read_locked write_locked gen_rlock gen_wlock lock_shared unlock_shared flock "
    "lockf enter_context enter_async_context push push_async_exit push_async_callback callback pop_all "
    "synchronized synchronised"
)
"""Taking and giving back a lock, an `ExitStack`'s entries included."""

WAITING = _words(
    "wait wait_for waitfor notify notify_all notifyAll set_result set_exception set_running_or_notify_cancel "
    "as_completed task_done put put_nowait get_nowait async_q sync_q result exception join_thread "
    "sem_wait abort run_until_complete run_forever"
)
"""Waiting for somebody, and waking him."""

SPAWNING = _words(
    "submit start create_task ensure_future shutdown gather run_in_executor to_thread start_soon start_new_thread "
    "start_new_task call_soon call_soon_threadsafe call_later call_at run_coroutine_threadsafe add_done_callback "
    "apply_async map_async starmap_async run_sync run_in_threadpool sync_to_async async_to_sync spawn spawn_later "
    "add_reader add_writer add_signal_handler finalize terminate create_subprocess_exec "
    "create_subprocess_shell add_task spawn_n start_background_task cancel_join_thread"
)
"""Handing work to another thread, task or process, and ending it."""

BUILDING = _words(
    "Lock RLock Condition Semaphore BoundedSemaphore Event Barrier Thread Process Timer Queue LifoQueue PriorityQueue "
    "SimpleQueue JoinableQueue Pool ThreadPool ThreadPoolExecutor ProcessPoolExecutor InterpreterPoolExecutor "
    "TaskGroup create_task_group open_nursery ExitStack AsyncExitStack allocate_lock allocate CapacityLimiter "
    "RWLock RWLockFair RWLockRead RWLockWrite RWLockFairD RWLockReadD RWLockWriteD FileLock SoftFileLock "
    "UnixFileLock WindowsFileLock InterProcessLock InterProcessReaderWriterLock ReaderWriterLock RWMutex Mutex "
    "SpinLock Manager SyncManager Greenlet local"
)
"""Making a primitive, or something that runs code elsewhere."""

STEMS = ("acquire", "release", "Acquire", "Release", "try_acquire", "_acquire", "_release")
"""A word that begins like this takes or gives back, whatever follows: `acquire_write`, `release_all`."""

HARMLESS = _words(
    "open suppress TemporaryDirectory NamedTemporaryFile TemporaryFile SpooledTemporaryFile raises assertRaises "
    "assertRaisesRegex assertRaisesRegexp assertLogs assertNoLogs assertWarns assertWarnsRegex subTest warns "
    "deprecated_call catch_warnings redirect_stdout redirect_stderr patch object dict multiple nullcontext "
    "scandir fdopen ZipFile TarFile memoryview localcontext chdir urlopen Popen record_function no_grad "
    "enable_grad inference_mode autocast profile name_scope variable_scope errstate printoptions option_context "
    "BytesIO StringIO GzipFile BZ2File LZMAFile open_text open_binary as_file TestClient"
)
"""What people enter that is surely no lock; a `with` of nothing else says nothing about locks."""

_WORDS = TAKING | WAITING | SPAWNING | BUILDING
_BOUNDS = frozenset({"block", "timeout", "blocking"})

SHAPED = frozenset({"get", "join"})
"""Words too common to count without a look at their arguments, see `is_shaped`."""


def names_primitive(called: set[str]) -> bool:
    """Whether one of the words called is a word of locks."""
    if not _WORDS.isdisjoint(called):
        return True
    for word in called:  # noqa: SIM110  asked of every function, and a generator takes longer than most of them need
        if word.startswith(STEMS):
            return True
    return False


def is_shaped(call: Call, word: str) -> bool:
    """Whether `get` or `join` is called as on a queue or thread, not as on a dict or string."""
    if any(keyword.name in _BOUNDS for keyword in call.keywords):
        return True
    if not isinstance(call.func, Attr) or isinstance(call.func.value, Const):
        return False
    if not call.args:
        return True
    first = call.args[0]
    if isinstance(first, Const) and not isinstance(first.value, str):
        return len(call.args) <= 2 and (word == "join" or isinstance(first.value, bool))
    return word == "join" and len(call.args) == 1 and "timeout" in _last_word(first)


def is_harmless(value: Expr) -> bool:
    """Whether the item of a `with` is a call of something that is surely no lock."""
    return isinstance(value, Call) and _last_word(value.func) in HARMLESS


def _last_word(value: Expr) -> str:
    match value:
        case Name(word) | Attr(_, word):
            return word
        case _:
            return ""
