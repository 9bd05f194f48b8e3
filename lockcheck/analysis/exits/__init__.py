"""How a function is left: every way out of it on which a lock that it took itself is still held."""

from lockcheck.analysis.exits.fates import Exit
from lockcheck.analysis.exits.leaks import Leak, certainty, label, leaks, story, way
from lockcheck.analysis.exits.marks import Mark, marks

__all__ = ["Exit", "Leak", "Mark", "certainty", "label", "leaks", "marks", "story", "way"]
