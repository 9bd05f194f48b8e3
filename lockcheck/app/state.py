"""What findings depend on: the sources, the configuration, the rules, lockcheck itself and what it is made with."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import lockcheck
from lockcheck.app.project import Project
from lockcheck.app.store import DIGEST, digest

if TYPE_CHECKING:
    from lockcheck.app.rulebook import Rulebook
    from lockcheck.app.run import Options


def asked_of(project: Project, *wishes: object) -> bytes:
    """Digest what is asked for, and of which Python: all that is known before anything is looked at."""
    python = (sys.version, sys.prefix, sys.path, sys.flags)
    about = (lockcheck.__version__, lockcheck.__file__, python, project, wishes)
    return digest(repr(about).encode("utf-8", "backslashreplace"))


def state_of(project: Project, options: Options, book: Rulebook, *wishes: object) -> bytes | None:
    """Digest all that findings depend on, and what else is wished.

    None where that can't be told: nothing was read yet, or sources outside are read on demand.
    """
    from lockcheck.app import rulebook
    from lockcheck.app.requisites import versions

    reading = options.reading
    if project.config.python_path or reading is None:
        return None
    state = hashlib.blake2b(digest_size=DIGEST)
    others = any(rule.package for rule in book.rules)  # whose rules may use whatever else is installed
    installed = rulebook.places(project) if others else []
    places = (project.root, project.boundary, project.folders, project.apart)
    about = (
        lockcheck.__version__,
        sys.version_info,
        versions(),
        project.config,
        places,
        reading.failures,
        book.failures,
        installed,
        options.heeds_comments,
        wishes,
    )
    state.update(repr(about).encode("utf-8", "backslashreplace"))
    for file in _code(_packages(book)):
        state.update(file.read_bytes() + b"\0")
    known = reading.index.digests()
    for source in reading.sources:
        content = known.get(source.path) or digest(source.text.encode("utf-8", "surrogatepass"))
        facts = (source.path, source.module, source.is_package, content)
        state.update(repr(facts).encode("utf-8", "backslashreplace"))
    return state.digest()


def surroundings(project: Project, book: Rulebook) -> Iterator[str]:
    """Give every place outside the project whose change may change findings."""
    from lockcheck.app import requisites, rulebook

    files = _code(_packages(book))
    yield from map(str, files)
    yield from sorted({str(file.parent) for file in files})
    yield from rulebook.places(project)
    yield from requisites.places()


def _packages(book: Rulebook) -> set[str]:
    modules = {rule.check.__module__ for rule in book.rules if rule.check is not None}
    return {_package(module) for module in modules} | {"lockcheck"}


def _package(module: str) -> str:
    """The outermost package of a module that lies in one place: what many share a name for, others add to."""
    words = module.split(".")
    names = [".".join(words[:count]) for count in range(1, len(words) + 1)]
    return next((name for name in names if getattr(sys.modules[name], "__file__", None) is not None), module)


def _code(packages: Iterable[str]) -> list[Path]:
    """The files that rules and what they use are made of."""
    files: list[Path] = []
    for name in sorted(packages):
        place = getattr(sys.modules[name], "__file__", None)
        if place is not None:
            folder = Path(place).parent
            single = Path(place).name != "__init__.py"
            files += [Path(place)] if single else [*folder.rglob("*.py"), *folder.rglob("*.toml")]
    return sorted(files)
