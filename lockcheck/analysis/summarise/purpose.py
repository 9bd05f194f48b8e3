"""Whether waiting under a lock is what the lock is there for, so that nobody suffers who did not come for it."""

from __future__ import annotations

from lockcheck.analysis.summarise.analysis import Analysis
from lockcheck.analysis.summarise.commands import is_command
from lockcheck.analysis.summarise.devices import devoted, serialised
from lockcheck.analysis.summarise.refresh import wanted_by_all
from lockcheck.analysis.summarise.sections import ends, is_end, starts
from lockcheck.model.events import Block, CriticalPair, Held
from lockcheck.model.identity import AttributeLock, FunctionId, GlobalLock, LockId, lock_name

_LOCK_WORDS = {"lock", "rlock", "mutex", "sem", "semaphore", "guard"}


def by_design(analysis: Analysis, function: FunctionId, pair: CriticalPair, held: Held) -> bool:
    """Whether all who may wait for the lock meanwhile want what is waited for, or something of the same kind.

    - The lock serialises a device (`serialised`), or all who take it work on that device (`devoted`).
    - The region makes once what everybody needs who takes the lock (`wanted_by_all`).
    - Every section of the lock waits for the same kind of thing (`_dedicated`).
    - Only starting and stopping take the lock (`life_cycle`).
    - Only the operation that the lock is named after takes it (`_named_after`): who waits came for that.
    - A command of a command line takes it: nobody else is there (`is_command`).
    - The object closes what it owns: who wants it then comes too late (`_closing`).
    """
    lock = held.lock.id
    if lock is None:
        return False
    return (
        serialised(analysis, pair, held)
        or devoted(analysis, pair, held)
        or _closing(analysis, function, pair, lock)
        or life_cycle(analysis, lock)
        or _named_after(analysis, function, lock)
        or _dedicated(analysis, pair, lock)
        or is_command(analysis, function)
        or wanted_by_all(analysis, function, pair, held)
    )


def life_cycle(analysis: Analysis, lock: LockId) -> bool:
    """Whether at least two functions take a lock, and all of them start or stop something."""
    users = {section.function for section in analysis.sections.of(lock)}
    return len(users) > 1 and all(_is_life_cycle(analysis, user) for user in users)


def _named_after(analysis: Analysis, function: FunctionId, lock: LockId) -> bool:
    """Whether one function alone takes the lock, and both are named alike: `_refresh_lock` in `refresh_all`.

    A global lock makes all wait for each other, whatever they came for.
    """
    if isinstance(lock, GlobalLock):
        return False
    name = set(lock_name(lock).rpartition(".")[2].lower().strip("_").split("_"))
    words = name - _LOCK_WORDS
    if words == name:
        return False
    users = {section.function for section in analysis.sections.of(lock)} | {function}
    return len(users) == 1 and bool(words) and words <= set(analysis.facts(function).name.lower().strip("_").split("_"))


def _is_life_cycle(analysis: Analysis, function: FunctionId) -> bool:
    facts = analysis.facts(function)
    return starts(facts) or ends(facts)


def _dedicated(analysis: Analysis, pair: CriticalPair, lock: LockId) -> bool:
    """Whether at least two functions take the lock, and all wait for one kind of thing under it.

    One function alone says nothing of who else waits, and neither does sleeping. It must be methods of one type (all
    send on a socket, all ask a session): a lock around unrelated requests says nothing of its purpose.
    """
    event = pair.event
    if not isinstance(event, Block) or not isinstance(lock, AttributeLock | GlobalLock) or event.category == "sleep":
        return False
    sections = [s for s in analysis.sections.of(lock) if not _is_life_cycle(analysis, s.function)]
    if len({s.function for s in sections}) < 2 or not all(event.category in s.waits for s in sections):
        return False
    library = analysis.program.library
    made = event.name if library.type(event.name) is not None else event.name.rpartition(".")[0]
    return library.type(made) is not None and all(made in s.types for s in sections)


def _closing(analysis: Analysis, function: FunctionId, pair: CriticalPair, lock: LockId) -> bool:
    """Whether an object waits for something to close in the function that closes it, or closes itself (`self.close()`)."""
    if not is_end(pair.trace[0].text):
        return False
    if ends(analysis.facts(function)):
        return True
    owner = analysis.engine.types.owner(pair.trace[1].function) if len(pair.trace) > 1 else None
    if owner is None or not isinstance(lock, AttributeLock):
        return False
    hierarchy = analysis.engine.hierarchy
    return lock.owner in hierarchy.mro(owner) or owner in hierarchy.mro(lock.owner)
