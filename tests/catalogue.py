"""The catalogue of rules as a contract: codes, names and defaults that users' configuration depends on."""

from __future__ import annotations

from typing import Final, NamedTuple

from lockcheck.model.findings import Applicability


class Entry(NamedTuple):
    """What is promised of a rule.

    `quiet` are words that must occur, each, in the title of one of its Good examples: what it promises to be
    quiet on is shown, and by being shown it is tested.
    """

    name: str
    default: bool = True
    quiet: tuple[str, ...] = ()


CATALOGUE: Final[dict[str, Entry]] = {
    "LCK101": Entry("thread-lock-across-await", quiet=("released",)),
    "LCK102": Entry(
        "async-lock-across-slow-await",
        quiet=("wait_for", "timeout", "fail_after", "permits", "own condition", "single-flight", "connection"),
    ),
    "LCK103": Entry("lock-across-yield", quiet=("contextmanager", "fixture")),
    "LCK104": Entry("blocking-acquire-in-coroutine", quiet=("straight-line",)),
    "LCK201": Entry("blocking-io-under-lock", quiet=("timeout", "local file", "device")),
    "LCK202": Entry("sleep-under-lock"),
    "LCK203": Entry("join-under-lock", quiet=("timeout",)),
    "LCK204": Entry("wait-under-lock", quiet=("timeout", "done()")),
    "LCK205": Entry("callback-under-lock", quiet=("harmless",)),
    "LCK206": Entry("queue-wait-under-lock", quiet=("unbounded", "nowait")),
    "LCK301": Entry("inconsistent-lock-order", quiet=("gate", "timeout", "__init__", "one thread")),
    "LCK302": Entry("unordered-instances", quiet=("sorted", "swapped", "parent", "cannot block")),
    "LCK303": Entry("read-to-write-upgrade", quiet=("upgrad",)),
    "LCK304": Entry("declared-order-violation"),
    "LCK401": Entry(
        "queue-put-without-timeout", quiet=("unbounded", "put_nowait", "block=False", "a timeout", "timeout scope")
    ),
    "LCK402": Entry("queue-get-without-timeout", default=False, quiet=("sentinel",)),
    "LCK403": Entry("task-done-not-guaranteed", quiet=("finally",)),
    "LCK404": Entry("abandoned-queue", quiet=("told",)),
    "LCK405": Entry("join-before-drain"),
    "LCK406": Entry("starved-wait", quiet=("finally", "timeout")),
    "LCK407": Entry("unbounded-queue", default=False),
    "LCK501": Entry("reentrant-acquire", quiet=("RLock", "another instance", "non-blocking")),
    "LCK502": Entry("reentry-through-callback"),
    "LCK503": Entry("reentry-from-interrupt", quiet=("RLock", "non-blocking")),
    "LCK504": Entry("recursive-read-lock", quiet=("re-entrant",)),
    "LCK601": Entry("missing-release", quiet=("counterpart",)),
    "LCK602": Entry("wrong-with"),
    "LCK603": Entry("unawaited-acquire"),
    "LCK604": Entry("unshared-lock", quiet=("closure", "thread", "attribute")),
    "LCK605": Entry("condition-wait-without-loop", quiet=("while", "wait_for")),
    "LCK606": Entry("notify-without-lock", quiet=("caller holds",)),
    "LCK607": Entry("release-without-acquire", quiet=("hand", "signal")),
    "LCK608": Entry("acquire-result-ignored"),
    "LCK609": Entry("acquire-without-timeout", default=False),
    "LCK610": Entry("wait-without-timeout", default=False, quiet=("a timeout", "timeout scope")),
    "LCK701": Entry("blocking-call-in-coroutine", quiet=("to_thread", "run_in_executor", "thread pool", "local file")),
    "LCK703": Entry("loop-waits-for-itself", quiet=("another thread",)),
    "LCK704": Entry("primitive-shared-across-loops"),
    "LCK801": Entry("pool-waits-for-itself"),
    "LCK802": Entry("unreferenced-task", quiet=("task group",)),
    "LCK803": Entry("unbounded-spawn", default=False),
    "LCK804": Entry("fork-while-threaded", quiet=("spawn", "forkserver")),
    "LCK805": Entry("permit-leak"),
    "LCK900": Entry("syntax-error"),
    "LCK901": Entry("unused-noqa", default=False),
    "LCK902": Entry("invalid-suppression"),
}

FIXES: Final[dict[str, tuple[Applicability, ...]]] = {
    "LCK101": ("unsafe",),
    "LCK102": ("unsafe",),
    "LCK103": ("unsafe",),
    "LCK104": ("display",),
    "LCK201": ("unsafe",),
    "LCK202": ("unsafe",),
    "LCK203": ("unsafe",),
    "LCK204": ("unsafe",),
    "LCK205": ("unsafe",),
    "LCK206": ("unsafe",),
    "LCK301": ("unsafe",),
    "LCK302": ("unsafe",),
    "LCK303": ("display",),
    "LCK304": ("display",),
    "LCK401": ("unsafe",),
    "LCK402": ("unsafe",),
    "LCK403": ("unsafe",),
    "LCK404": ("display",),
    "LCK405": ("display",),
    "LCK406": ("display",),
    "LCK407": ("display",),
    "LCK501": ("unsafe",),
    "LCK502": ("unsafe",),
    "LCK503": ("unsafe",),
    "LCK504": ("display",),
    "LCK601": ("safe", "unsafe"),
    "LCK602": ("safe",),
    "LCK603": ("safe",),
    "LCK604": ("display",),
    "LCK605": ("safe", "display"),
    "LCK606": ("display",),
    "LCK607": ("display",),
    "LCK608": ("unsafe",),
    "LCK609": ("unsafe",),
    "LCK610": ("unsafe",),
    "LCK701": ("unsafe",),
    "LCK703": ("display",),
    "LCK704": ("display",),
    "LCK801": ("display",),
    "LCK802": ("safe",),
    "LCK803": ("display",),
    "LCK804": ("display",),
    "LCK805": ("unsafe",),
    "LCK901": ("safe",),
}
"""What sort of fix a rule may have; those that are not named have none."""

SHOWN_TOO = frozenset({"LCK805"})
"""Rules some of whose findings have a repair that is only shown."""
