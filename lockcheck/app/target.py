"""The oldest Python that a project runs on: what fixes may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias, cast

Version: TypeAlias = "tuple[int, int]"
"""Major and minor, such as `(3, 11)`."""

OLDEST: Version = (3, 10)
"""What is taken where a project does not say: the oldest that lockcheck runs on."""

_WRITTEN = re.compile(r"py(\d)(\d{1,3})")
_LEAST = re.compile(r"(>=|>|==|===|~=)\s*v?(\d{1,4})(?!\d)(?:\.(\d{1,4})(?!\d))?")
"""A part of a specifier that bounds from below."""


def version(word: str) -> Version | None:
    """The version that is written as ruff writes it, `py311`."""
    found = _WRITTEN.fullmatch(word)
    return (int(found[1]), int(found[2])) if found else None


def required(document: Mapping[str, object]) -> Version | None:
    """The lower bound of `project.requires-python` in a `pyproject.toml`, if it gives one."""
    project = document.get("project")
    specifier = cast("Mapping[str, object]", project).get("requires-python") if isinstance(project, dict) else None
    if not isinstance(specifier, str):
        return None
    parts = (_LEAST.match(part.strip()) for part in specifier.split(","))
    bounds = [(int(part[2]), int(part[3] or 0)) for part in parts if part is not None]
    return max(bounds, default=None)
