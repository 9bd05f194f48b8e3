"""What the last run found out about functions, in the user's cache folder, for the summarise stage of this one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lockcheck.app.cache import Cache
from lockcheck.app.headroom import trim
from lockcheck.app.store import DAMAGED, DIGEST, digest, read_sealed, write_sealed

if TYPE_CHECKING:
    from lockcheck.analysis.link.reads import Thing
    from lockcheck.analysis.summarise.changes import World
    from lockcheck.analysis.summarise.packing import Packing
    from lockcheck.analysis.summarise.remembered import Kept
    from lockcheck.app.cache import Memory
    from lockcheck.app.project import Project
    from lockcheck.model.facts import ModuleFacts, Unit
    from lockcheck.model.identity import FunctionId
    from lockcheck.model.source import SourceFile

_MAGIC = b"lockcheck summaries 3\n"


class Past:
    """The last run's results, read when they are asked for; see `lockcheck.analysis.summarise.past.Past`."""

    def __init__(self, cache: Cache, asked: bytes, texts: Mapping[str, bytes]) -> None:
        """Go by what was found out where the same was `asked`; `texts` are those of this run."""
        self._cache = cache
        self._head = _MAGIC + cache.salt + asked
        self._texts = texts
        self._packing: Packing | None = None
        self._things: Sequence[Thing] = ()
        self._groups: Sequence[bytes] = ()

    @property
    def texts(self) -> Mapping[str, bytes]:
        """What stands for the content of each module, and for whether it is a package."""
        return self._texts

    def world(self) -> World | None:
        """The program of the last run; None where nothing of use is known of it."""
        from lockcheck.analysis.summarise.packing import Packing

        if not self._cache.is_trusted:
            return None
        try:
            packed = read_sealed(self._cache.summaries, self._head)
            packing = Packing.of(packed) if packed is not None else None
            self._things, self._groups = (packing.things(), packing.groups()) if packing is not None else ((), ())
        except (OSError, *DAMAGED):
            return None
        self._packing = packing
        return packing.world if packing is not None else None

    def forget(self) -> None:
        """Let the last run go."""
        self._packing, self._things, self._groups = None, (), ()

    def facts(self, text: bytes) -> ModuleFacts | None:
        """The facts of a text of the last run."""
        return self._cache.facts_of(text[:DIGEST])

    def known(self) -> Mapping[FunctionId, Kept]:
        """What the last run found out."""
        return self._packing.known() if self._packing is not None else {}

    def groups(self) -> Sequence[bytes]:
        """What was read together."""
        return self._groups

    def things(self) -> Sequence[Thing]:
        """What had been read at all."""
        return self._things

    def keep(
        self, now: World, known: Mapping[FunctionId, Kept], things: Sequence[Thing], groups: Iterable[bytes]
    ) -> None:
        """Keep what this run has found out, if that is anything new; failing that costs time in the next run only."""
        from lockcheck.analysis.summarise.packing import Packing

        before, self._packing = self._packing or Packing(), None  # it takes much memory
        if before.world is None or before.world.texts != now.texts:
            trim()  # here a run takes most memory: packing comes on top of all that it knows
            with contextlib.suppress(OSError):  # who cannot write here is told so when facts are kept
                write_sealed(self._cache.summaries, self._head, before.pack(now, known, things, groups))


def recalled(
    project: Project, cache: Memory | None, units: Sequence[Unit], sources: Mapping[str, SourceFile]
) -> Past | None:
    """Give the past of a program; None where nothing is kept, or where results depend on more than the program's texts."""
    if not isinstance(cache, Cache) or project.config.python_path:
        return None
    texts = {unit.module: cache.key(sources[unit.path].text) + bytes([unit.is_package]) for unit in units}
    return Past(cache, digest(repr(project.config.own).encode("utf-8", "backslashreplace")), texts)
