"""The stage that reads a file: from its text to all that later stages know of it.

Facts are a pure function of the text (and of whether every function is visited), so they can be cached and made in
parallel. A function that qualifies and could not be visited keeps its flat body: `qualifies` without `visited`.
"""

from __future__ import annotations

from lockcheck.analysis.index import TooDeep
from lockcheck.analysis.index import index as extract
from lockcheck.analysis.index.visit import visit

__all__ = ["TooDeep", "extract", "visit"]
