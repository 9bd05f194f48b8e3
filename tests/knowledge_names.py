"""Is every name in the tables spelled as its library spells it? `python -m tests.knowledge_names` prints what is not.

Two witnesses are asked: the library itself where it is installed, and the stubs of typeshed that the type checkers
bring along, which know every version of the standard library and some others. A name is right when one witness has
it; a parameter is right when one witness has it at that place. A package that neither knows is reported as such.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lockcheck.knowledge.load import Library, load, members
from lockcheck.knowledge.schema import Table
from lockcheck.model.library import Effect, LibraryType
from tests.knowledge_stubs import stubs
from tests.knowledge_witnesses import Found, Signature, Witness, installed

PYTHON_2 = frozenset({"Queue", "thread", "dummy_threading", "commands", "httplib", "urllib2", "xmlrpclib"})
"""Modules of Python 2 (or early 3) that compatible sources still name: nothing can be asked about them."""


STAND_INS = {
    "subprocess.Popen.stdout": "typing.IO",
    "django.db.connection": "django.db.backends.base.base.BaseDatabaseWrapper",
    "django.db.backends.utils.CursorWrapper": "sqlite3.Cursor",
    "MySQLdb.connections.Connection": "pymysql.connections.Connection",
}
"""Classes that have the methods of a type, where the type itself hands them on or gets them from C."""

MADE_WHEN_RUN = frozenset(
    {
        "multiprocessing.context.BaseContext.Process",
        "botocore.client.BaseClient.generate_presigned_url",
        "botocore.client.BaseClient.generate_presigned_post",
        "trio.Nursery.__aexit__",
        "trio.Nursery.cancel_scope",
        *(
            f"boto3.resources.base.ServiceResource.{name}"
            for name in (
                "Bucket",
                "Object",
                "Table",
                "Queue",
                "Topic",
                "Instance",
                "Subscription",
                "get_available_subresources",
            )
        ),
    }
)
"""Names that exist on objects and that no witness can see; they were looked up in the documentation."""


NEWER_THAN_STUBS = frozenset(
    f"kafka.KafkaConsumer.{name}" for name in ("beginning_offsets", "end_offsets", "offsets_for_times")
)
"""Methods whose stubs describe an older release: only the installed library can confirm their parameters."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong, which parameters no witness could confirm, and which packages no witness knows."""

    problems: tuple[str, ...]
    unconfirmed: tuple[str, ...]
    unknown_packages: frozenset[str]


def judge(library: Library) -> Verdict:
    """Ask about every name of every shipped table."""
    judges = [_Judge(library, table) for _, table in library.tables()]
    for one in judges:
        one.run()
    return Verdict(
        tuple(problem for one in judges for problem in one.problems),
        tuple(name for one in judges for name in one.unconfirmed),
        frozenset(package for one in judges for package in one.unknown),
    )


def dangling(library: Library) -> Iterator[str]:
    """Types that an entry refers to and no table has."""
    for _, table in library.tables():
        for place, effect in _effects(table):
            for name in members(effect.returns or "") or filter(None, [effect.returns]):
                if name != "_" and library.type(name) is None:
                    yield f"{place} returns {name}"
        for kind in table.types.values():
            inner = [kind.lock.inner] if kind.lock is not None and kind.lock.inner is not None else []
            entered = [kind.entered] if kind.entered is not None else []
            for name in (*kind.bases, *kind.attributes.values(), *entered, *inner):
                if library.type(name) is None:
                    yield f"{kind.name} refers to {name}"
        for alias, name in (*table.aliases.items(), *table.modules.items()):
            if alias in table.aliases and library.type(name) is None and library.call(name) is None:
                yield f"{alias} stands for {name}"


def _effects(table: Table) -> Iterator[tuple[str, Effect]]:
    yield from table.calls.items()
    for kind in table.types.values():
        if kind.constructor is not None:
            yield kind.name, kind.constructor
        for name, effect in kind.methods.items():
            yield f"{kind.name}.{name}", effect


@functools.cache
def _witnesses(package: str) -> tuple[Witness, ...]:
    return (*installed(package), *stubs(package))


class _Judge:
    """Asks about the names of one table."""

    def __init__(self, library: Library, table: Table) -> None:
        self.problems: list[str] = []
        self.unconfirmed: list[str] = []
        self._library = library
        self._table = table
        self.unknown = {package for package in table.packages if not _witnesses(package) and package not in PYTHON_2}

    def run(self) -> None:
        for name, effect in self._table.calls.items():
            found = self._ask(name)
            if self._exists(name, found):
                self._check_effect(name, effect, found)
        for kind in self._table.types.values():
            self._check_type(kind)
        for name in (*self._table.aliases, *self._table.modules):
            self._exists(name, self._ask(name))

    def _ask(self, name: str) -> list[Found]:
        answers = (witness.find(name) for witness in _witnesses(name.partition(".")[0]))
        return [answer for answer in answers if answer is not None]

    def _exists(self, name: str, found: Iterable[Found]) -> bool:
        package = name.partition(".")[0]
        if package in self.unknown or package in PYTHON_2 or name in MADE_WHEN_RUN:
            return False
        if name.endswith(".__getattr__"):
            return False
        if any(found):
            return True
        self.problems.append(f"{name}: there is no such name")
        return False

    def _check_type(self, kind: LibraryType) -> None:
        found = self._ask(kind.name)
        if not self._exists(kind.name, found):
            return
        classes = [answer for answer in found if answer.is_class] or self._other_classes(kind.name)
        for base in kind.bases:
            if classes and not any(self._derives(answer, base) for answer in classes):
                self.problems.append(f"{kind.name}: {base} is none of its bases")
        if kind.constructor is not None:
            self._check_effect(kind.name, kind.constructor, found)
        for role, parameter in _constructor_parameters(kind):
            maker = found if kind.queue is None else self._ask(kind.queue.name)
            self._check_parameter(f"{kind.name} ({role})", parameter, None, maker, place=False)
        spellings = [kind.name, *(answer.name for answer in classes)]
        if kind.name in STAND_INS:
            spellings.append(STAND_INS[kind.name])
        for method, effect in kind.methods.items():
            answers = [answer for spelling in spellings for answer in self._ask(f"{spelling}.{method}")]
            if self._exists(f"{kind.name}.{method}", answers):
                self._check_effect(f"{kind.name}.{method}", effect, answers)
        for attribute in kind.attributes:
            answers = [answer for spelling in spellings for answer in self._ask(f"{spelling}.{attribute}")]
            self._exists(f"{kind.name}.{attribute}", answers)

    def _other_classes(self, name: str) -> list[Found]:
        """The class under another spelling, where the usual one is a factory (`multiprocessing.Lock`)."""
        spellings = [alias for alias, target in self._table.aliases.items() if target == name]
        module, _, word = name.rpartition(".")
        spellings += [f"{other}.{word}" for other, home in self._table.modules.items() if home == module]
        return [answer for spelling in spellings for answer in self._ask(spelling) if answer.is_class]

    def _derives(self, answer: Found, base: str) -> bool:
        wanted = self._library.canonical(base)
        return any(self._library.canonical(name) == wanted for name in answer.bases)

    def _check_effect(self, name: str, effect: Effect, found: list[Found]) -> None:
        if any(answer.coroutine for answer in found) and not effect.awaitable:
            self.problems.append(f"{name}: is a coroutine function and not marked awaitable")
        if effect.awaitable and found and all(answer.coroutine is False for answer in found):
            self.problems.append(f"{name}: is marked awaitable and gives nothing to await")
        limit, flag, spawn = effect.limit, effect.flag, effect.spawn
        if limit is not None:
            self._check_parameter(name, limit.name, limit.position, found)
            self._check_default(name, limit.name, limit.default, found)
        if flag is not None:
            self._check_parameter(name, flag.name, flag.position, found)
        if spawn is not None:
            self._check_parameter(name, spawn.parameter, spawn.position, found)
        for parameter in filter(None, (effect.bounds, effect.runs)):
            self._check_parameter(name, parameter, None, found, place=False)

    def _check_parameter(
        self, name: str, parameter: str, position: int | None, found: list[Found], place: bool = True
    ) -> None:
        signatures = [signature for answer in found for signature in answer.signatures]
        stale = name in NEWER_THAN_STUBS and not tuple(installed(name.partition(".")[0]))
        if not signatures or stale:
            self.unconfirmed.append(f"{name}({parameter})")
        elif not any(_takes(signature, parameter, position, place) for signature in signatures):
            shown = " | ".join(sorted({str(signature) for signature in signatures}))
            where = "" if not place else " by name only" if position is None else f" at {position}"
            self.problems.append(f"{name}: does not take {parameter}{where}: {shown}")

    def _check_default(self, name: str, parameter: str, default: float | None, found: list[Found]) -> None:
        values = {
            signature.defaults[parameter]
            for answer in found
            for signature in answer.signatures
            if parameter in signature.defaults
        }
        numbers = {value for value in values if 0 < value < float("inf")}
        if numbers and default not in numbers:
            self.problems.append(f"{name}: {parameter} is {sorted(numbers)} where it is left out, not {default}")


def _constructor_parameters(kind: LibraryType) -> Iterator[tuple[str, str]]:
    if kind.lock is not None and kind.lock.wraps is not None:
        yield "wraps", kind.lock.wraps
    if kind.lock is not None and kind.lock.permits is not None:
        yield "permits", kind.lock.permits
    if kind.queue is not None and kind.queue.bound is not None:
        yield "bound", kind.queue.bound


def _takes(signature: Signature, parameter: str, position: int | None, place: bool) -> bool:
    if not place:
        return parameter in signature.positional or parameter in signature.named or signature.open_named
    if position is None:
        return parameter in signature.named or (signature.open_named and parameter not in signature.positional)
    if position < len(signature.positional):
        return signature.positional[position] == parameter
    return signature.open_positional


def main() -> int:
    """Print the verdict; 1 when something is misspelled."""
    library = load()
    verdict = judge(library)
    lost = [*verdict.problems, *dangling(library)]
    lines = [
        *lost,
        f"not confirmed: {', '.join(verdict.unconfirmed) or 'nothing'}",
        f"packages that cannot be checked here: {', '.join(sorted(verdict.unknown_packages)) or 'none'}",
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
