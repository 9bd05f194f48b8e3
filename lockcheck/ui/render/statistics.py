"""How often each rule reported, instead of the findings."""

from __future__ import annotations

from collections import Counter

from lockcheck.app.table import OutputFormat
from lockcheck.model.findings import Report
from lockcheck.ui.render.structured import dump


def render_statistics(report: Report, form: OutputFormat) -> str:
    """Give the number of findings of each rule, the most frequent first."""
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if form == "json":
        return dump([{"code": code, "name": name, "count": count} for (code, name), count in ranked])
    width = max((len(str(count)) for count in counts.values()), default=0)
    return "".join(f"{count:>{width}}  {code}  {name}\n" for (code, name), count in ranked)
