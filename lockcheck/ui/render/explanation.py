"""An explanation, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from lockcheck.model.explanation import Explanation, HeldThere, Reached, Told
from lockcheck.model.findings import Report
from lockcheck.model.graph import ChainStep, Lock, Runner, Use
from lockcheck.ui.render import render
from lockcheck.ui.render.drawing import drawn
from lockcheck.ui.render.graph.data import joined, lock_data, place_data, runner_data, steps_data
from lockcheck.ui.render.graph.words import run_by, traits, where
from lockcheck.ui.render.structured import Json, dump
from lockcheck.ui.render.view import View, visible

MOST = 8
"""Of one kind of line; the others are counted, and JSON has them."""

_DOES = {"calls": "calls", "takes": "takes", "contract": "is promised by its contract"}
_OTHERS = {"thread": "other threads", "process": "other processes", "async": "other tasks of the event loop"}


def render_explanation(explanation: Explanation, view: View) -> str:
    """Give all of it as a person reads it: the findings, what holds at the line, and the locks."""
    parts = [drawn(_head(explanation, view), view.colour, view.width)]
    for told in explanation.told:
        parts.append(f"{render(Report((told.finding,), (), 1), view, 'full').rstrip()}\n")
        parts.append(drawn(_verdict(told), view.colour, view.width))
    rest = Text()
    for line in _rest(explanation, view):
        rest.append_text(line)
        rest.append("\n")
    return "".join((*parts, drawn(rest, view.colour, view.width)))


def render_explanation_json(explanation: Explanation, view: View) -> str:
    """Give all of it as one object."""
    held = explanation.held
    return dump(
        {
            "filename": explanation.path,
            "row": explanation.row,
            "column": explanation.column,
            "function": explanation.function,
            "runs_in": [runner_data(runner, view) for runner in explanation.runners],
            "findings": [_told(told, view) for told in explanation.told],
            "held": [_held(each, view) for each in held] if held is not None else None,
            "held_by_callers": [
                joined(
                    {"caller": each.caller, "locks": list(each.locks), "always": each.always},
                    place_data(each.place, view),
                )
                for each in explanation.around
            ],
            "reaches": [_reached(each, view) for each in explanation.reached],
            "locks": [lock_data(lock, view) for lock in explanation.locks],
        }
    )


def _told(told: Told, view: View) -> Json:
    finding: list[dict[str, Json]] = json.loads(render(Report((told.finding,), (), 1), view, "json"))
    said: dict[str, Json] = {
        "stands_here": told.stands_here,
        "reported": not told.reasons,
        "reasons": list(told.reasons),
        "notes": list(told.finding.notes),
    }
    return joined(finding[0], said)


def _held(held: HeldThere, view: View) -> Json:
    return {
        "name": held.lock,
        "mode": held.mode,
        "on_every_path": held.certain,
        "steps": steps_data(held.steps, view),
    }


def _reached(each: Reached, view: View) -> Json:
    return {
        "what": each.what,
        "name": each.name,
        "bounded": each.bounded,
        "confidence": each.confidence,
        "steps": steps_data(each.steps, view),
    }


def _head(explanation: Explanation, view: View) -> Text:
    found = len(explanation.told)
    text = Text()
    place = view.display(explanation.path)
    if explanation.row is not None:
        place = f"{place}:{explanation.row}"
    text.append(place, "bold")
    if explanation.function is not None:
        text.append(f" in {visible(explanation.function)}")
    text.append(f": {found or 'no'} finding{'' if found == 1 else 's'}\n")
    line = view.line(explanation.path, explanation.row) if explanation.row is not None else None
    if line is not None and line.strip() and not found:
        text.append(f"  {visible(line.strip())}\n", "cyan")
    if found:
        text.append("\n")
    return text


def _verdict(told: Told) -> Text:
    text = Text()
    if told.reasons:
        text.append("  not in the report: ", "bold yellow")
        text.append(f"{visible('; '.join(told.reasons))}\n")
    elif not told.stands_here:
        text.append("  The line is a step of this finding.\n", "italic")
    text.append("\n")
    return text


def _rest(explanation: Explanation, view: View) -> Iterator[Text]:
    if explanation.function is not None:
        yield from _standing(explanation, view)
    elif explanation.row is not None and not explanation.told:
        yield Text("No function is known at this line.")
    if explanation.locks:
        yield _title("Locks that are spoken of")
    for lock in explanation.locks:
        yield from _lock(lock, view)


def _standing(explanation: Explanation, view: View) -> Iterator[Text]:
    yield _title("Held at this line")
    if explanation.held is None:
        yield Text("  Nothing is known of this line itself.")
    elif not explanation.held:
        yield Text("  The function itself holds no lock here.")
    for held in explanation.held or ():
        some = "" if held.certain else ", on some paths only"
        how = f", to {held.mode}" if held.mode in ("read", "write") else ""
        yield _item(held.lock, f"{how}{some}")
        yield from _steps(held.steps, view)
    for outer in explanation.around[:MOST]:
        names = ", ".join(f"`{name}`" for name in outer.locks)
        all_do = ", as all callers do that are known" if outer.always else ""
        yield Text(f"  {where(view, outer.place)}: the caller {visible(outer.caller)} holds {visible(names)}{all_do}")
    yield from _more(explanation.around)
    if explanation.runners:
        yield _title("Run by")
        yield from (Text(f"  {_runner(runner, view)}") for runner in explanation.runners[:MOST])
        yield from _more(explanation.runners)
    yield _title("What this line comes to")
    if not explanation.reached:
        yield Text("  Nothing that waits, takes a lock or lets others run is known.")
    for each in explanation.reached[:MOST]:
        end = ", with a timeout" if each.bounded else ""
        sure = f" [{each.confidence} confidence]" if each.confidence != "high" else ""
        yield _item(f"{each.what} `{each.name}`", f"{end}{sure}")
        yield from _steps(each.steps, view)
    yield from _more(explanation.reached)


def _lock(lock: Lock, view: View) -> Iterator[Text]:
    yield _item(lock.name, f": {traits(lock)}")
    if lock.made is not None:
        line = (view.line(lock.made.path, lock.made.span.row) or "").strip()
        yield Text(f"    made at {where(view, lock.made)}: {visible(line)}")
    yield Text(f"    {_meaning(lock)}")
    for use in lock.uses[:MOST]:
        yield Text(f"    {_use(use, view)}")
    yield from _more(lock.uses, "    ")


def _meaning(lock: Lock) -> str:
    others = _OTHERS.get(lock.domain, "others")
    if not lock.exclusive:
        return f"It has several permits: who holds one keeps {others} waiting only when none is left."
    again = "its holder may take it again" if lock.reentrant else "a holder that takes it again waits for itself"
    return f"Who holds it keeps {others} waiting; {again}."


def _use(use: Use, view: View) -> str:
    how = "" if use.can_wait else " without waiting"
    how = f"{how} with a timeout" if use.timed and use.can_wait else how
    who = "; ".join(_runner(runner, view) for runner in use.runners[:3])
    more = f"; and {len(use.runners) - 3} more" if len(use.runners) > 3 else ""
    return f"taken{how} at {where(view, use.place)} in {visible(use.function)}, run by {who}{more}"


def _runner(runner: Runner, view: View) -> str:
    if runner.started is None or runner.maker is None:
        return run_by(runner)
    return f"{run_by(runner)}, started at {where(view, runner.started)} in {visible(runner.maker)}"


def _steps(steps: Sequence[ChainStep], view: View) -> Iterator[Text]:
    for step in steps:
        line = (view.line(step.place.path, step.place.span.row) or "").strip()
        does = f" {_DOES[step.what]} `{visible(step.text)}`" if step.what in _DOES else ""
        text = Text(f"    {where(view, step.place)}{does}: ")
        text.append(visible(line), "cyan")
        yield text


def _title(words: str) -> Text:
    return Text(f"\n{words}", "bold")


def _item(name: str, rest: str) -> Text:
    text = Text("  ")
    text.append(visible(name), "bold")
    text.append(visible(rest))
    return text


def _more(items: Sequence[object], indent: str = "  ") -> Iterator[Text]:
    if len(items) > MOST:
        yield Text(f"{indent}… and {len(items) - MOST} more")
