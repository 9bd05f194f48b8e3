"""Bytes for the readers of the configuration and the cache, steered by what they reach: `python -m tests.fuzz.readers WHAT`.

atheris chooses them, which is no dependency (it has no wheels for every Python): install it. WHAT is `config`, `facts` or
`report`; `--runs N` ends it. A reader obeys, refuses with an error of its own, or knows nothing; whatever else it raises,
or a run of more than ten seconds, ends the program with the input that did it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

_CONFIGURATIONS = [
    b'select = ["LCK1"]\nmin-confidence = "low"\nexclude = ["a/**/b*"]\nextend = "other.toml"\n',
    b'[tool.lockcheck]\nlocks = {"a.B" = "threading.Lock"}\ntimeouts = ["f@1"]\npython-path = ["src"]\n',
]


def main(arguments: Sequence[str]) -> int:
    """Try inputs until enough are tried or one is found that a reader does not survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.readers", description=__doc__)
    parser.add_argument("what", choices=("config", "facts", "report"))
    parser.add_argument("--runs", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    atheris = cast("Any", importlib.import_module("atheris"))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="readers")))
        with atheris.instrument_imports(include=["lockcheck.app", "lockcheck.model", "tomllib", "tomli"]):
            reader, seeds = _reader(asked.what, folder)
        stock = folder / "stock"
        stock.mkdir()
        for number, seed in enumerate(seeds):
            (stock / str(number)).write_bytes(seed)
        options = [
            f"-runs={asked.runs}",
            "-timeout=10",
            "-max_len=4096",
            f"-artifact_prefix={folder.parent}/lockcheck-",
        ]
        atheris.Setup([sys.argv[0], *options, str(stock)], reader)
        atheris.Fuzz()  # ends the process
    return 0


def _reader(what: str, folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    """What reads the bytes, and inputs to begin with."""
    if what == "config":
        return _of_configurations(folder / "lockcheck.toml"), _CONFIGURATIONS
    return _of_the_cache(what, folder)


def _of_configurations(file: Path) -> Callable[[bytes], None]:
    from lockcheck.app.config import ConfigError, load_config

    def read(content: bytes) -> None:
        file.write_bytes(content)
        with contextlib.suppress(ConfigError):
            load_config(file)

    return read


def _of_the_cache(what: str, folder: Path) -> tuple[Callable[[bytes], None], list[bytes]]:
    import msgspec

    from lockcheck.analysis.extract import extract
    from lockcheck.app.cache import Cache
    from lockcheck.app.project import locate
    from lockcheck.app.replay import Wish, again, outcome
    from lockcheck.app.run import Options
    from lockcheck.app.store import DAMAGED, DIGEST, digest

    text = "import threading\n\nLOCK = threading.Lock()\n\n\ndef f(x):\n    with LOCK:\n        return x.y(1)\n"
    if what == "facts":

        def read_facts(content: bytes) -> None:
            cache = Cache(folder, "root")
            cache.put(text, content)
            cache.save()
            known = Cache(folder, "root").get(text)
            for function in known.functions if known is not None else ():
                with contextlib.suppress(*DAMAGED):  # which makes the run extract all texts anew
                    function.nodes()

        return read_facts, [msgspec.msgpack.encode(extract(text))]
    (folder / "program.py").write_text(text)
    project = locate([str(folder)], here=str(folder), isolated=True)
    wish = Wish(project, folder / "cache", fixes=False)
    outcome(wish, Options())
    kept = wish.file.read_bytes()
    magic = kept[: kept.index(b"\n") + 1]

    def read_report(content: bytes) -> None:
        wish.file.write_bytes(content)
        again(wish, Options())
        wish.file.write_bytes(magic + digest(content) + content)  # as if somebody had made it up
        again(wish, Options())

    return read_report, [kept, kept[len(magic) + DIGEST :]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
