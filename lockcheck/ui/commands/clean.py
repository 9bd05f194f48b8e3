"""`lockcheck clean`: what was kept of earlier runs is removed."""

from __future__ import annotations

import argparse

from lockcheck.app.cleaning import clean
from lockcheck.ui import opening
from lockcheck.ui.render.view import visible
from lockcheck.ui.streams import CLEAN, FAILED, say, write


class _Arguments(argparse.Namespace):
    cache_dir: str | None


def run(words: list[str]) -> int:
    """Remove it, say so, and give the exit status."""
    arguments = parser().parse_args(words, _Arguments())
    folder = opening.folder(arguments.cache_dir)
    cleaned = clean(folder)
    for failure in cleaned.failures:
        say(visible(f"{failure.what}: {failure.message}"))
    number = len(cleaned.removed)
    if number:
        files = f"{number} file{'' if number == 1 else 's'}"
        text = f"Removed {files} ({_size(cleaned.size)}) from {folder}\n"
    elif cleaned.failures:
        text = ""
    else:
        text = f"Nothing to remove in {folder}\n"
    return write(visible(text.rstrip("\n")) + ("\n" if text else ""), FAILED if cleaned.failures else CLEAN)


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    made = argparse.ArgumentParser(
        prog="lockcheck clean",
        description="Remove what earlier runs have kept, of all projects. The next run of each takes longer.",
        allow_abbrev=False,
    )
    made.add_argument("--cache-dir", metavar="FOLDER", help="where facts are kept (or LOCKCHECK_CACHE_DIR)")
    return made


def _size(size: int) -> str:
    amount = float(size)
    for unit in ("bytes", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
