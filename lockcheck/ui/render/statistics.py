"""How often each rule reported, instead of the findings."""

from __future__ import annotations

from lockcheck.app.table import OutputFormat
from lockcheck.model.findings import Finding, Report
from lockcheck.ui.render.structured import Json, dump

_STRUCTURED: frozenset[OutputFormat] = frozenset({"json", "json-lines", "gitlab", "rdjson", "sarif"})
"""The forms for programs that read JSON: the counts are JSON, too, an array in ruff's shape."""


def render_statistics(report: Report, form: OutputFormat, *, unsafe: bool) -> str:
    """Give the number of findings of each rule, the most frequent first; `unsafe` fixes count as fixes where asked."""
    by_rule: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault((finding.code, finding.name), []).append(finding)
    ranked = sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0]))
    counts = [(*rule, len(found), sum(_is_fixable(each, unsafe) for each in found)) for rule, found in ranked]
    if form in _STRUCTURED:
        return dump([_object(*each) for each in counts])
    width = max((len(str(count)) for _, _, count, _ in counts), default=0)
    marked = any(fixable for *_, fixable in counts)
    return "".join(
        f"{count:>{width}}\t{code}\t{_mark(count, fixable) if marked else ''}{name}\n"
        for code, name, count, fixable in counts
    )


def _object(code: str, name: str, count: int, fixable: int) -> Json:
    return {"code": code, "name": name, "count": count, "fixable": fixable == count, "fixable_count": fixable}


def _is_fixable(finding: Finding, unsafe: bool) -> bool:
    return finding.fix is not None and finding.fix.applicability in (("safe", "unsafe") if unsafe else ("safe",))


def _mark(count: int, fixable: int) -> str:
    """Say whether `--fix` would mend all, some or none of them."""
    return "[*] " if fixable == count else "[-] " if fixable else "[ ] "
