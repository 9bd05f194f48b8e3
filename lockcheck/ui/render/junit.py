"""JUnit's XML, which most servers for continuous integration read: a suite for each file, a test for each finding."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import PurePath
from xml.sax.saxutils import escape, quoteattr

from lockcheck.model.findings import Failure, Finding, Report
from lockcheck.ui.render.view import View, severity

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow, not even as a reference."""


def render(report: Report, view: View) -> str:
    """Give the findings as a document; without any it holds one test that passed."""
    found, failed = len(report.findings), len(report.failures)
    tests = found + failed or 1
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="lockcheck" tests="{tests}" skipped="0" failures="{found}" errors="{failed}">',
    ]
    for path, group in itertools.groupby(report.findings, key=lambda finding: finding.place.path):
        lines += _suite(path, list(group), view)
    if not found or failed:
        lines += _closing(report.failures)
    return "\n".join([*lines, "</testsuites>", ""])


def _suite(path: str, findings: list[Finding], view: View) -> Iterator[str]:
    count = len(findings)
    yield (
        f'    <testsuite name={_quoted(path)} tests={_quoted(count)} skipped="0" errors="0" '
        f'failures={_quoted(count)} package="org.lockcheck">'
    )
    for finding in findings:
        span = finding.place.span
        name = f"org.lockcheck.{finding.code}"
        yield (
            f"        <testcase name={_quoted(name)} classname={_quoted(PurePath(path).with_suffix(''))} "
            f"line={_quoted(span.row)} column={_quoted(span.column)}>"
        )
        yield "            <properties>"
        yield f'                <property name="severity" value={_quoted(severity(finding))}/>'
        yield "            </properties>"
        yield f"            <failure message={_quoted(finding.message)}>{_text(_story(finding, view))}</failure>"
        yield "        </testcase>"
    yield "    </testsuite>"


def _story(finding: Finding, view: View) -> str:
    span = finding.place.span
    steps = (
        f"\n{view.display(each.place.path)}:{each.place.span.row}:{each.place.span.column}: {each.message}"
        for each in finding.related
    )
    return f"line {span.row}, col {span.column}, {finding.message}{''.join(steps)}"


def _closing(failures: tuple[Failure, ...]) -> Iterator[str]:
    """Give what could not be done as errors, or say that all is well."""
    count = len(failures)
    yield (
        f'    <testsuite name="lockcheck" tests={_quoted(count or 1)} skipped="0" errors={_quoted(count)} '
        'failures="0" package="org.lockcheck">'
    )
    for failure in failures:
        yield f'        <testcase name={_quoted(failure.what)} classname="lockcheck">'
        yield f"            <error message={_quoted(failure.message)}>{_text(failure.message)}</error>"
        yield "        </testcase>"
    if not failures:
        yield '        <testcase name="No errors found" classname="lockcheck"/>'
    yield "    </testsuite>"


def _quoted(value: object) -> str:
    return quoteattr(_allowed(str(value)), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _text(text: str) -> str:
    return escape(_allowed(text), {"\r": "&#13;"})


def _allowed(text: str) -> str:
    """Show what XML cannot carry."""
    return _FORBIDDEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
