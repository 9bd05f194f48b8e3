"""The language server, spoken to over its standard streams as an editor does."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import unquote

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.workspace import PositionCodec, TextDocument

import lockcheck
from lockcheck.model.findings import Finding
from lockcheck.ui.server.actions import actions_at
from lockcheck.ui.server.project import Analyser, Text
from tests.conftest import Write

ROOMS = textwrap.dedent(
    """\
    import threading
    import time


    class Rooms:
        def __init__(self) -> None:
            self._lock = threading.Lock()

        def say(self) -> None:
            with self._lock: print("🔒🔑"); self.again()  # a lock and a key

        def again(self) -> None:
            with self._lock:
                time.sleep(1)
    """
)
CARELESS = textwrap.dedent(
    """\
    import asyncio

    LOCK = asyncio.Lock()


    async def add(items, item):
        LOCK.acquire()
        items.append(item)
        LOCK.release()


    async def drop(items, item):
        with LOCK:
            items.remove(item)
    """
)


class Editor:
    """A client that keeps what it is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.client = LanguageClient("editor", "1")
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}
        self.messages: list[str] = []
        self._news = asyncio.Event()
        self._documents: dict[str, TextDocument] = {}
        self._listen()

    def _listen(self) -> None:
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.diagnostics[Path(unquote(params.uri)).name] = list(params.diagnostics)
            self._news.set()

        def told(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)
            self._news.set()

        def logged(_: types.LogMessageParams) -> None:
            self._news.set()

        feature = cast("Callable[[str], Callable[[Callable[..., None]], object]]", self.client.feature)
        feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(published)
        feature(types.WINDOW_SHOW_MESSAGE)(told)
        feature(types.WINDOW_LOG_MESSAGE)(logged)

    async def start(self, folders: Sequence[str]) -> None:
        await self.client.start_io(
            sys.executable, "-m", "lockcheck", "server", "-j", "1", cwd=str(self.root), env=_environment()
        )
        await self.client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(),
                root_uri=self.root.as_uri() if folders == (".",) else None,
                workspace_folders=[types.WorkspaceFolder(self.uri(name), name) for name in folders],
            )
        )
        self.client.initialized(types.InitializedParams())

    def close(self, name: str) -> None:
        self.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        )

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        stop = cast("Callable[[], Awaitable[None]]", self.client.stop)
        await stop()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for news until something holds; the test's own limit ends what never comes."""
        while not condition():
            self._news.clear()
            if not condition():
                await asyncio.wait_for(self._news.wait(), 60)

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None) -> None:
        text = (self.root / name).read_text("utf-8") if text is None else text
        self._documents[name] = TextDocument(self.uri(name), text, 1, position_codec=PositionCodec())
        item = types.TextDocumentItem(self.uri(name), "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def type(self, name: str, text: str) -> None:
        """Replace the text of an open file, without saving it."""
        self._change(name, types.TextDocumentContentChangeWholeDocument(text))

    def type_at(self, name: str, where: types.Range, text: str) -> None:
        """Replace a range of an open file, without saving it."""
        self._change(name, types.TextDocumentContentChangePartial(where, text))

    def _change(self, name: str, change: types.TextDocumentContentChangeEvent) -> None:
        document = self._documents[name]
        document.apply_change(change)
        document.version = (document.version or 0) + 1
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri(name), version=document.version)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    async def actions(self, name: str, where: types.Range, only: str | None = None) -> list[types.CodeAction]:
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(self.uri(name)),
            where,
            types.CodeActionContext(
                [], only=[types.CodeActionKind(only)] if only == "quickfix" else None if only is None else [only]
            ),
        )
        found = await self.client.text_document_code_action_async(params)
        return [one for one in found or () if isinstance(one, types.CodeAction)]

    def applied(self, name: str, action: types.CodeAction) -> str:
        """The text of an open file after an action, by the editor's own arithmetic."""
        assert action.edit is not None
        document = self._documents[name]
        changes = [c for c in action.edit.document_changes or () if isinstance(c, types.TextDocumentEdit)]
        edits = [e for change in changes if change.text_document.uri == self.uri(name) for e in change.edits]
        for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
            assert isinstance(edit, types.TextEdit)
            document.apply_change(types.TextDocumentContentChangePartial(edit.range, edit.new_text))
        return document.source


def _environment() -> dict[str, str]:
    """The environment of the tests, in which the server is the lockcheck under test."""
    return {**os.environ, "PYTHONPATH": str(Path(lockcheck.__file__).parent.parent)}


def session(root: Path, work: Callable[[Editor], Awaitable[None]], folders: Sequence[str] = (".",)) -> None:
    """Run an editor's session with the server."""

    async def run() -> None:
        editor = Editor(root)
        await editor.start(folders)
        try:
            await work(editor)
        finally:
            await editor.stop()

    asyncio.run(asyncio.wait_for(run(), 180))


def codes(editor: Editor, name: str) -> list[str]:
    return [str(one.code) for one in editor.diagnostics.get(name, ())]


def test_whole_project_is_reported_with_related_places_and_columns_of_utf_16(write: Write) -> None:
    root = write({"rooms.py": ROOMS})

    async def work(editor: Editor) -> None:
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        found = next(one for one in editor.diagnostics["rooms.py"] if one.code == "LCK501")
        line = ROOMS.splitlines()[9]
        column = len(line[: line.index("self.again()")].encode("utf-16-le")) // 2
        assert found.range == types.Range(types.Position(9, column), types.Position(9, column + len("self.again()")))
        assert found.source == "lockcheck"
        assert "Rooms._lock" in found.message
        assert found.code_description is not None
        assert found.code_description.href.endswith("LCK501")
        rows = {one.location.range.start.line for one in found.related_information or ()}
        assert 12 in rows, "where the lock is taken again"

    session(root, work)


def test_unsaved_text_counts_and_what_is_mended_disappears(write: Write) -> None:
    root = write({"rooms.py": "", "careless.py": ""})

    async def work(editor: Editor) -> None:
        editor.open("rooms.py")
        editor.type("rooms.py", ROOMS)
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        editor.type("rooms.py", ROOMS.replace("Lock()", "RLock()"))
        await editor.until(lambda: "LCK501" not in codes(editor, "rooms.py"))
        assert (root / "rooms.py").read_text() == ""

    session(root, work)


def test_hover_tells_what_the_rule_is_about(write: Write) -> None:
    root = write({"rooms.py": ROOMS})

    async def work(editor: Editor) -> None:
        editor.open("rooms.py")
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        found = next(one for one in editor.diagnostics["rooms.py"] if one.code == "LCK501")
        params = types.HoverParams(types.TextDocumentIdentifier(editor.uri("rooms.py")), found.range.start)
        shown = await editor.client.text_document_hover_async(params)
        assert shown is not None
        assert isinstance(shown.contents, types.MarkupContent)
        assert "LCK501 reentrant-acquire" in shown.contents.value
        assert "### How to repair it" in shown.contents.value
        elsewhere = types.HoverParams(types.TextDocumentIdentifier(editor.uri("rooms.py")), types.Position(0, 0))
        assert await editor.client.text_document_hover_async(elsewhere) is None

    session(root, work)


def test_fix_and_comment_are_offered_and_fit_a_line_with_an_emoji(write: Write) -> None:
    root = write({"rooms.py": ROOMS})

    async def work(editor: Editor) -> None:
        editor.open("rooms.py")
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        where = next(one for one in editor.diagnostics["rooms.py"] if one.code == "LCK501").range
        offered = await editor.actions("rooms.py", where, "quickfix")
        fix = next(one for one in offered if one.title.startswith("LCK501") and "ignore" not in one.title)
        assert "threading.RLock()" in editor.applied("rooms.py", fix)
        editor.type("rooms.py", ROOMS)
        ignore = next(one for one in offered if one.title == "LCK501: ignore on this line")
        after = editor.applied("rooms.py", ignore)
        assert "self.again()  # a lock and a key  # noqa: LCK501\n" in after
        editor.type("rooms.py", after)
        await editor.until(lambda: "LCK501" not in codes(editor, "rooms.py"))

    session(root, work)


def test_safe_fixes_of_a_file_are_one_action(write: Write) -> None:
    root = write({"careless.py": CARELESS})

    async def work(editor: Editor) -> None:
        editor.open("careless.py")
        await editor.until(lambda: bool(codes(editor, "careless.py")))
        start = types.Range(types.Position(0, 0), types.Position(0, 0))
        (action,) = await editor.actions("careless.py", start, "source.fixAll.lockcheck")
        after = editor.applied("careless.py", action)
        assert "    await LOCK.acquire()" in after
        assert "    async with LOCK:" in after
        assert await editor.actions("careless.py", start, "quickfix") == []
        for wider in ("source", "source.fixAll", ""):
            assert [one.title for one in await editor.actions("careless.py", start, wider)] == [action.title]
        assert await editor.actions("careless.py", start, "refactor") == []

    session(root, work)


def test_broken_configuration_is_told_and_its_repair_noticed(write: Write) -> None:
    root = write({"rooms.py": ROOMS, "lockcheck.toml": "selct = []"})

    async def work(editor: Editor) -> None:
        await editor.until(lambda: bool(editor.messages))
        assert "unknown key `selct`; did you mean `select`?" in editor.messages[0]
        (root / "lockcheck.toml").write_text("")
        editor.open("rooms.py")
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        assert len(editor.messages) == 1

    session(root, work)


def test_text_that_is_not_python_is_reported_and_nothing_else_lost(write: Write) -> None:
    root = write({"rooms.py": ROOMS, "half.py": ""})

    async def work(editor: Editor) -> None:
        editor.open("half.py", "def half(:\n")
        await editor.until(lambda: codes(editor, "half.py") == ["LCK900"] and "LCK501" in codes(editor, "rooms.py"))

    session(root, work)


def test_name_that_an_address_writes_otherwise_is_the_same_file(write: Write) -> None:
    name = "room #1 50%25?;.py"
    root = write({name: ROOMS})

    async def work(editor: Editor) -> None:
        editor.open(name)
        await editor.until(lambda: "LCK501" in codes(editor, name))
        where = next(one for one in editor.diagnostics[name] if one.code == "LCK501").range
        assert await editor.actions(name, where, "quickfix")
        editor.type_at(name, types.Range(types.Position(0, 0), types.Position(0, 0)), "\n")
        assert await editor.actions(name, where, "quickfix") == [], "what was found is about another text"
        editor.type(name, ROOMS.replace("Lock()", "RLock()"))
        await editor.until(lambda: "LCK501" not in codes(editor, name))

    session(root, work)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_line_ends(write: Write, end: str) -> None:
    root = write({"rooms.py": ""})

    async def work(editor: Editor) -> None:
        editor.open("rooms.py", ROOMS.replace("\n", end))
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        where = next(one for one in editor.diagnostics["rooms.py"] if one.code == "LCK501").range
        offered = await editor.actions("rooms.py", where, "quickfix")
        ignore = next(one for one in offered if one.title == "LCK501: ignore on this line")
        assert editor.applied("rooms.py", ignore) == ROOMS.replace("key\n", "key  # noqa: LCK501\n").replace("\n", end)
        start = ROOMS.splitlines()[6].index("Lock()")
        editor.type("rooms.py", ROOMS.replace("\n", end))
        editor.type_at("rooms.py", types.Range(types.Position(6, start), types.Position(6, start)), "R")
        await editor.until(lambda: "LCK501" not in codes(editor, "rooms.py"))

    session(root, work)


def test_each_folder_of_the_editor_is_a_program_and_what_lies_outside_is_none(write: Write) -> None:
    root = write({"one/rooms.py": ROOMS, "two/halls.py": ROOMS, "elsewhere.py": ROOMS, "two/lockcheck.toml": ""})

    async def work(editor: Editor) -> None:
        editor.open("elsewhere.py")
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py") and "LCK501" in codes(editor, "halls.py"))
        editor.open("two/halls.py", ROOMS.replace("Lock()", "RLock()"))
        await editor.until(lambda: "LCK501" not in codes(editor, "halls.py"))
        gone = types.WorkspaceFoldersChangeEvent([], [types.WorkspaceFolder(editor.uri("one"), "one")])
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(gone))
        await editor.until(lambda: not codes(editor, "rooms.py"))
        assert "elsewhere.py" not in editor.diagnostics

    session(root, work, ("one", "two"))


def test_without_a_folder_what_is_open_is_looked_at_and_nothing_else(write: Write) -> None:
    root = write({"rooms.py": ROOMS, "halls.py": ROOMS})

    async def work(editor: Editor) -> None:
        editor.open("rooms.py")
        await editor.until(lambda: "LCK501" in codes(editor, "rooms.py"))
        editor.close("rooms.py")
        await editor.until(lambda: not codes(editor, "rooms.py"))
        assert list(editor.diagnostics) == ["rooms.py"]

    session(root, work, ())


def test_file_that_the_project_leaves_out_stays_out_when_it_is_opened(write: Write) -> None:
    root = write({"rooms.py": ROOMS, "made/halls.py": ROOMS, "lockcheck.toml": 'extend-exclude = ["made/"]'})

    async def work(editor: Editor) -> None:
        editor.open("made/halls.py")
        editor.open("rooms.py", ROOMS.replace("Lock()", "RLock()"))
        await editor.until(lambda: codes(editor, "rooms.py") == ["LCK202"])
        assert "halls.py" not in editor.diagnostics

    session(root, work)


def test_facts_are_kept_although_the_editor_leaves_without_a_word(write: Write, tmp_path: Path) -> None:
    root = write({"rooms.py": ROOMS})
    words = [sys.executable, "-m", "lockcheck", "server", "-j", "1"]
    cache = tmp_path / "facts"

    async def run() -> int | None:
        client = LanguageClient("editor", "1")
        found = asyncio.Event()
        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda _: found.set())
        await client.start_io(*words, cwd=str(root), env={**_environment(), "LOCKCHECK_CACHE_DIR": str(cache)})
        capabilities = types.ClientCapabilities()
        await client.initialize_async(types.InitializeParams(capabilities=capabilities, root_uri=root.as_uri()))
        client.initialized(types.InitializedParams())
        await asyncio.wait_for(found.wait(), 60)
        server = client._server
        assert server is not None
        client.exit(None)
        status = await asyncio.wait_for(server.wait(), 60)
        await cast("Callable[[], Awaitable[None]]", client.stop)()
        return status

    assert asyncio.run(run()) == 1, "as the protocol wants it of an exit before a shutdown"
    assert len(list(cache.glob("*.facts"))) == 1


def test_words_that_are_no_longer_there_are_not_kept(write: Write) -> None:
    root = write({"rooms.py": ROOMS, "halls.py": ROOMS})
    cache = root / "facts"
    analyser = Analyser(str(root), str(cache), 1)
    path = str(root / "rooms.py")
    sizes: list[int] = []
    for number in range(4):
        analyser.analyse({path: Text(f"{ROOMS}\nNUMBER = {number}\n", number)})
        assert analyser.close() is None
        (stored,) = cache.glob("*.facts")
        sizes.append(stored.stat().st_size)
    assert sizes[1:] == sizes[:-1]


def test_fixes_of_other_lines_are_not_worked_out(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({"careless.py": CARELESS})
    path = str(root / "careless.py")
    view = Analyser(str(root), str(root / "facts"), 1).analyse({path: Text(CARELESS, 1)})
    asked: list[int] = []
    work_out = view.with_fixes

    def counted(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        asked.append(len(findings))
        return work_out(findings)

    monkeypatch.setattr(view, "with_fixes", counted)
    first = view.findings[path][0]
    assert list(actions_at(view, path, view.lines(path).range(first.place.span)))
    assert asked == [1]
    assert len(view.findings[path]) > 1


def test_missing_library_is_said_with_what_to_install(
    lockcheck: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    monkeypatch.setitem(sys.modules, "pygls", None)
    monkeypatch.delitem(sys.modules, "lockcheck.ui.server.serve", raising=False)
    run = lockcheck("server")
    assert run == (2, "", "lockcheck: the language server needs pygls: install lockcheck[server]\n")
