"""What findings depend on, as one digest: the sources, the configuration, the rules and lockcheck itself."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import lockcheck
from lockcheck.app.pipeline import Options
from lockcheck.app.project import Project
from lockcheck.app.rulebook import Rulebook

_DIGEST = 16


def state_of(project: Project, options: Options, book: Rulebook, *wishes: object) -> bytes | None:
    """Digest all that findings depend on, and what else is wished.

    None where that can't be told: nothing was read yet, or sources outside are read on demand.
    """
    reading = options.reading
    if project.config.python_path or reading is None:
        return None
    state = hashlib.blake2b(digest_size=_DIGEST)
    places = (project.root, project.boundary, project.folders, project.apart)
    about = (
        lockcheck.__version__,
        sys.version_info,
        project.config,
        places,
        reading.failures,
        book.failures,
        options.heeds_comments,
        wishes,
    )
    state.update(repr(about).encode("utf-8", "backslashreplace"))
    modules = {rule.check.__module__ for rule in book.rules if rule.check is not None}
    for file in _code({_package(module) for module in modules} | {"lockcheck"}):
        state.update(file.read_bytes() + b"\0")
    for source in reading.sources:
        facts = (source.path, source.module, source.is_package, len(source.text))
        state.update(repr(facts).encode("utf-8", "backslashreplace") + source.text.encode("utf-8", "surrogatepass"))
    return state.digest()


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
