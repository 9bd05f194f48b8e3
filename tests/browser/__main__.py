"""Draw graphs, open their pages in a headless Chromium without a network, and use them by mouse and by keyboard.

    python -m tests.browser [--chromium FILE] [--screenshots FOLDER]

Needs playwright (`pip install -e ".[browser]"`) and a Chromium; none is downloaded. Screenshots are there to be looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck.ui.cli import main as lockcheck
from tests.programs import BANK, GATE, HARM, HARMFUL_NAME, many

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1440, "height": 900}


def draw(folder: Path, files: dict[str, str]) -> Path:
    """Write a program and give the page of its graph."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    page = folder / "graph.html"
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            assert lockcheck(["graph", ".", "--isolated", "--output-format", "html", "-o", str(page)]) == 0
    finally:
        os.chdir(before)
    return page


class Session:
    """A browser that has no network, and complains of every error of a page."""

    def __init__(self, browser: Browser, screenshots: Path | None) -> None:
        self._browser = browser
        self._screenshots = screenshots

    @contextlib.contextmanager
    def opened(self, file: Path, scheme: str = "light") -> Iterator[Page]:
        context = self._browser.new_context(viewport=SIZE, color_scheme=scheme, offline=True)
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
        page.goto(file.as_uri())
        yield page
        assert wrong == [], wrong
        context.close()

    def shoot(self, page: Page, name: str) -> None:
        if self._screenshots is not None:
            page.screenshot(path=self._screenshots / f"{name}.png")


def transform(page: Page) -> str:
    return str(page.get_attribute("#world", "transform"))


def panel(page: Page) -> str:
    return str(page.inner_text("#panel"))


def press_edge(page: Page, number: int, kind: str = ".edge") -> str:
    """Click on the middle of an edge as it is drawn, and give what the panel says then."""
    middle = page.evaluate(
        """([kind, n]) => { const line = document.querySelectorAll(`${kind} .line`)[n];
        const at = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(line.getScreenCTM());
        return [at.x, at.y]; }""",
        [kind, number],
    )
    page.mouse.click(*middle)
    return panel(page)


def overlapping(page: Page) -> int:
    """How many pairs of boxes lie upon one another."""
    found: int = page.evaluate(
        """() => { const boxes = [...document.querySelectorAll('.lock rect')].map((r) => r.getBBox());
        let n = 0; boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
          if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height) n += 1; }));
        return n; }"""
    )
    return found


def nothing_one_and_six_hundred(session: Session, folder: Path) -> None:
    for number in (0, 1, 600):
        page_file = draw(folder / f"many{number}", {"many.py": many(number)})
        with session.opened(page_file) as page:
            assert page.locator(".lock").count() == number
            assert overlapping(page) == 0
            assert page.locator("#empty").is_visible() == (number == 0)
            assert page.locator("#next-cycle").is_enabled() == (number == 600)
            page.keyboard.press("0")
            box, room = page.locator("#world").bounding_box(), page.locator("#canvas").bounding_box()
            assert room is not None
            if number:
                assert box is not None
                assert box["x"] >= room["x"] - 1
                assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
                assert box["height"] <= room["height"] + 1
            session.shoot(page, f"{number}-locks")


def an_edge_shows_both_chains_at_a_click(session: Session, folder: Path) -> None:
    with session.opened(draw(folder / "bank", {"bank.py": BANK})) as page:
        said = [press_edge(page, number) for number in range(page.locator(".edge.cycle").count())]
        assert len(said) == 2
        for text in said:
            assert "On a cycle: a deadlock can happen" in text
            assert "holds Bank." in text
            assert "then takes Bank." in text
            assert "with self._" in text
        assert "bank.py:16 · calls _zero" in said[1]
        session.shoot(page, "edge")
        page.locator(".lock").first.click()
        assert "Taken in" in panel(page)
        session.shoot(page, "lock")
        page.mouse.click(20, 800)
        assert "2 locks" in panel(page)


def what_is_ruled_out_says_why(session: Session, folder: Path) -> None:
    with session.opened(draw(folder / "gate", {"gate.py": GATE})) as page:
        assert page.locator(".edge.cycle").count() == 0
        assert page.locator(".edge.ruled-out").count() == 2
        said = press_edge(page, 0, ".edge.ruled-out")
        assert "Switch._gate is held around both sides" in said
        session.shoot(page, "ruled-out")


def zoom_and_pan_by_wheel_mouse_and_keys(session: Session, folder: Path) -> None:
    with session.opened(draw(folder / "pan", {"bank.py": BANK})) as page:
        seen = [transform(page)]
        page.mouse.move(500, 400)
        actions: list[Callable[[], object]] = [
            lambda: page.mouse.wheel(0, -300),
            lambda: (page.mouse.down(), page.mouse.move(620, 470, steps=4), page.mouse.up()),
            lambda: page.locator("#in").click(),
            lambda: page.keyboard.press("-"),
            lambda: (page.focus("#canvas"), page.keyboard.press("ArrowRight")),
        ]
        for action in actions:
            action()
            page.wait_for_timeout(60)
            assert transform(page) != seen[-1], seen
            seen.append(transform(page))
        page.keyboard.press("0")
        fitted = transform(page)
        page.locator("#fit").click()
        assert transform(page) == fitted


def everything_by_keyboard(session: Session, folder: Path) -> None:
    with session.opened(draw(folder / "keys", {"bank.py": BANK})) as page:
        page.keyboard.press("c")
        assert "Each waits for what the next one holds" in panel(page)
        session.shoot(page, "cycle")
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("audit")
        assert "1 of 2 locks" in panel(page)
        assert page.locator(".lock.far").count() == 1
        page.keyboard.press("Enter")
        assert "threading.RLock, re-entrant" in panel(page)
        page.locator("#canvas").focus()
        page.keyboard.press("e")
        assert "then takes" in panel(page)
        page.keyboard.press("Escape")
        page.locator("#panel button").first.focus()
        page.keyboard.press("Enter")
        assert "Each waits for what the next one holds" in panel(page)


def light_and_dark(session: Session, folder: Path) -> None:
    file = draw(folder / "light", {"bank.py": BANK})
    colours = set()
    for scheme in ("light", "dark"):
        with session.opened(file, scheme) as page:
            colours.add(page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor"))
            session.shoot(page, scheme)
            page.keyboard.press("t")
            colours.add(page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor"))
    assert len(colours) == 2, colours


def nothing_of_the_program_runs(session: Session, folder: Path) -> None:
    with session.opened(draw(folder / HARMFUL_NAME, {"harm.py": HARM, "a b'\"<svg onload=alert(1)>.py": BANK})) as page:
        for number in range(page.locator(".edge").count()):
            press_edge(page, number)
        for shape in page.locator(".lock").all():
            shape.click()
        for key in ("c", "n", "e"):
            page.keyboard.press(key)
        assert page.evaluate("window.hurt") is None
        assert page.evaluate("document.scripts.length") == 2
        assert page.locator("img").count() == 0
        session.shoot(page, "harm")


CHECKS = (
    nothing_one_and_six_hundred,
    an_edge_shows_both_chains_at_a_click,
    what_is_ruled_out_says_why,
    zoom_and_pan_by_wheel_mouse_and_keys,
    everything_by_keyboard,
    light_and_dark,
    nothing_of_the_program_runs,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser", description=__doc__)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--screenshots", type=Path)
    arguments = parser.parse_args()
    if arguments.chromium is None:
        parser.error("there is no Chromium: name one with --chromium")
    from playwright.sync_api import sync_playwright

    if arguments.screenshots is not None:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        os.environ["LOCKCHECK_CACHE_DIR"] = str(Path(temporary, "cache"))
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        for check in CHECKS:
            check(Session(browser, arguments.screenshots), Path(temporary, check.__name__))
            sys.stdout.write(f"passed: {check.__name__.replace('_', ' ')}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
