"""Placeholder."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.analysis.exits import Leak, Mark, certainty, label, leaks, marks, story, way
from lockcheck.analysis.summarise import Analysis
from lockcheck.analysis.witness import misuse, title
from lockcheck.model.findings import Confidence, Finding, Related
from lockcheck.rules.registry import rule


@rule(code="LCK805", default=True, since="0.1.0")
def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition whose permit an exception or a cancellation loses."""
    for leak in leaks(analysis):
        if not (leak.cancelled or (leak.permit and leak.exceptional)):
            continue
        what = "a permit of " if leak.permit else ""
        message = f"{what}{label(leak)} is lost where {title(leak.function)} {way(leak.exits[0])}"
        message += _advice(leak)
        related = story(analysis, leak)
        yield misuse(
            analysis,
            "LCK805",
            "permit-leak",
            message[0].upper() + message[1:] if leak.permit else message,
            leak.function,
            leak.operation,
            related,
            certainty(leak),
        )
    for mark in marks(analysis):
        yield _marked(analysis, mark)


def _marked(analysis: Analysis, mark: Mark) -> Finding:
    message = (
        f"{title(mark.function)} has marked its lock taken by `{mark.attribute}` when it awaits: if the task is cancelled "
        f"here, nobody calls {title(mark.counterpart)}; undo it in an `except BaseException` and raise again"
    )
    place = analysis.place(mark.function, mark.awaits)
    related = (
        Related(analysis.place(mark.function, mark.set_at), f"`{mark.attribute}` says from here on that it is taken"),
    )
    symbol = str(mark.function)
    return Finding(
        "LCK805", "permit-leak", message, Confidence.MEDIUM, place, related, (), symbol=symbol, subject=mark.attribute
    )


def _advice(leak: Leak) -> str:
    if leak.operation.handed:
        return ": the pool takes the lock all the same; await the acquisition inside the `try` that releases"
    if leak.undone:
        return ", for no handler there catches `CancelledError`; release it in a `finally` or an `except BaseException`"
    return "; use `async with`, or release it in a `finally`" if leak.operation.waits else "; use `with`"
