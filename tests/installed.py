"""Distributions as a package installer leaves them, made in a folder that tests put on the import path."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import lockcheck

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(lockcheck.__file__).parent.parent


def install(folder: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], files: Mapping[str, str]) -> Path:
    """Install a distribution into a folder."""
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    groups = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        for group, points in entry_points.items()
    ]
    texts = {
        str(metadata / "METADATA"): f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        str(metadata / "entry_points.txt"): "\n".join(groups),
        **{str(folder / file): text for file, text in files.items()},
    }
    for file, text in texts.items():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(text, "utf-8")
    return folder


def install_lockcheck(folder: Path) -> Path:
    """Install what `pyproject.toml` says of lockcheck; its code is that which is tested."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        entry_points = tomllib.load(file)["project"]["entry-points"]
    return install(folder, "lockcheck", entry_points, {})
