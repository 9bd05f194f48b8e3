"""The packages whose test suites are run: `testdata/suites.toml`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.cases import TESTDATA

RECORD = TESTDATA / "suites.toml"


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release whose source archive holds tests that need no network and no server.

    `sources` is what is fixed, `root` the folder that it is imported from, `needs` what the tests need besides the
    package itself, `tests` what pytest is given, `environment` what the tests are told by variables. `extra` of the
    package are installed with it.
    """

    package: str
    version: str
    sources: str
    root: str = "."
    extras: str = ""
    needs: tuple[str, ...] = ()
    tests: tuple[str, ...] = ("tests",)
    environment: dict[str, str] = {}

    @property
    def label(self) -> str:
        """The release as it is named in folders."""
        return f"{self.package}-{self.version}"


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    suite: tuple[Suite, ...]


def read(path: Path = RECORD) -> tuple[Suite, ...]:
    """Give the suites of a record."""
    return msgspec.toml.decode(path.read_bytes(), type=_Record).suite
