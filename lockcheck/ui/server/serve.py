"""The server itself: which requests it answers, and when it analyses anew."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

import lockcheck
from lockcheck.app.attempt import attempt
from lockcheck.app.decoding import with_newlines
from lockcheck.app.store import cache_folder
from lockcheck.model.errors import LockcheckError
from lockcheck.model.findings import Failure, Finding
from lockcheck.ui.server.actions import FIX_ALL, KINDS, actions_at, fix_all
from lockcheck.ui.server.diagnostics import diagnostic, hover, uri
from lockcheck.ui.server.positions import overlap
from lockcheck.ui.server.project import Analyser, Text, View, owner, programs
from lockcheck.ui.streams import CLEAN, FOUND, say

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

PAUSE = 0.3
"""Seconds without a change before the program is analysed: nobody wants a report on half a word."""


class Server(LanguageServer):
    """Keeps the views of the editor's programs current and tells it what is in them."""

    def __init__(self, jobs: int) -> None:
        """Wait for an editor."""
        super().__init__("lockcheck", lockcheck.__version__)  # pyright: ignore[reportUnknownMemberType]
        self._jobs = jobs
        self._analysers: dict[str, Analyser] = {}
        self._views: dict[str, View] = {}
        self._shown: dict[str, set[str]] = {}
        self._is_closed = False
        self._wanted = 0
        self._task: asyncio.Task[None] | None = None
        self._told: dict[str, str] = {}

    def changed(self) -> None:
        """Analyse soon."""
        self._wanted += 1
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._analyse())

    async def _analyse(self) -> None:
        done = 0
        while done != self._wanted:
            while done != self._wanted:
                done = self._wanted
                await asyncio.sleep(PAUSE)
            await self._analyse_programs(self.documents())

    async def _analyse_programs(self, documents: dict[str, TextDocument]) -> None:
        """Analyse each program in turn, and forget those that the editor has closed."""
        wanted = programs(self._folders(), list(documents))
        for gone in self._views.keys() - wanted.keys():
            del self._views[gone]
            self._publish(gone, None)
        for folder, paths in wanted.items():
            if folder not in self._analysers:
                self._analysers[folder] = Analyser(folder, str(cache_folder(dict(os.environ))), self._jobs)
            texts = {path: Text(documents[path].source, documents[path].version) for path in paths}
            found = await asyncio.to_thread(_analysed, self._analysers[folder], texts)
            if isinstance(found, View):
                self._told.pop(folder, None)
                self._views[folder] = found
                self._publish(folder, found)
            else:
                self._complain(folder, found)

    def _folders(self) -> Sequence[str]:
        """Give the folders that the editor works on. Where it names none, only what is open is worked on."""
        named = [path for one in self.workspace.folders.values() if (path := to_fs_path(one.uri)) is not None]
        root = self.workspace.root_path
        return [os.path.normpath(path) for path in named or ([root] if root else [])]

    def documents(self) -> dict[str, TextDocument]:
        """Give the open documents that are files, by path. The addresses by which they are kept are not whole."""
        return {
            path: document
            for document in self.workspace.text_documents.values()
            if (path := to_fs_path(document.uri)) is not None
        }

    def _publish(self, folder: str, view: View | None) -> None:
        folders = self._folders()
        all_findings = view.findings if view is not None else {}
        findings = {path: found for path, found in all_findings.items() if owner(folders, path) == folder}
        for path in sorted({*self._shown.pop(folder, ()), *findings}):
            found = [diagnostic(finding, view) for finding in findings.get(path, ())] if view is not None else []
            version = view.versions.get(path) if view is not None else None
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri(path), found, version=version))
        if view is None:
            return
        self._shown[folder] = set(findings)
        for failure in view.outcome.report.failures:
            self.window_log_message(
                types.LogMessageParams(types.MessageType.Warning, f"{failure.what}: {failure.message}")
            )

    def _complain(self, folder: str, text: str) -> None:
        """Tell the user once, not with every key."""
        if text != self._told.get(folder):
            self._told[folder] = text
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"lockcheck: {text}"))

    def current(self, address: str) -> tuple[View, str] | None:
        """Give the view and the path of a file, if its text is the one that was analysed."""
        path = to_fs_path(address)
        if path is None:
            return None
        folder = owner(self._folders(), path)
        view = self._views.get(folder) if folder is not None else None
        if view is None:
            return None
        document = self.documents().get(path)
        if document is not None and with_newlines(document.source) != view.text(path):
            return None
        return view, path

    def close(self) -> None:
        """Keep what was found out about texts for the next time."""
        for analyser in self._analysers.values():
            unsaved = analyser.close()
            if unsaved is not None:
                say(f"{unsaved.what}: {unsaved.message}")
        self._is_closed = True

    def leave(self) -> int:
        """Close where the editor went without a word, and give the exit status that the protocol wants."""
        if self._is_closed:
            return CLEAN
        self.close()
        return FOUND


def _analysed(analyser: Analyser, texts: dict[str, Text]) -> View | str:
    """Give a view, or what is wrong: a server that ended would take everything else with it."""

    def asked() -> View | str:
        try:
            return analyser.analyse(texts)
        except LockcheckError as error:
            return str(error)

    done = attempt("the program", asked)
    return f"{done.what}: {done.message}" if isinstance(done, Failure) else done


def serve(jobs: int) -> int:
    """Answer an editor on the standard streams until it says that it has done, and give the exit status."""
    server = Server(jobs)
    _follow_texts(server)
    _answer(server)
    server.start_io()
    return server.leave()


def _follow_texts(server: Server) -> None:
    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(_: types.DidOpenTextDocumentParams) -> None:
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def edited(_: types.DidChangeTextDocumentParams) -> None:
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(_: types.DidSaveTextDocumentParams) -> None:
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(_: types.DidCloseTextDocumentParams) -> None:
        server.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def watched(_: types.DidChangeWatchedFilesParams) -> None:
        server.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def moved(_: types.DidChangeWorkspaceFoldersParams) -> None:
        server.changed()

    @server.feature(types.SHUTDOWN)
    async def shut_down(_: None) -> None:
        await asyncio.to_thread(server.close)


def _answer(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def on_hover(params: types.HoverParams) -> types.Hover | None:
        for view, finding in _at(server, params.text_document.uri, types.Range(params.position, params.position)):
            return types.Hover(hover(finding), view.lines(finding.place.path).range(finding.place.span))
        return None

    options = types.CodeActionOptions(code_action_kinds=list(KINDS))

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def on_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        known = server.current(params.text_document.uri)
        if known is None:
            return []
        wanted, trigger = params.context.only, params.context.trigger_kind
        found: list[types.CodeAction] = []
        if wanted is None or any(_covers(kind, types.CodeActionKind.QuickFix.value) for kind in wanted):
            found += await asyncio.to_thread(lambda: list(actions_at(*known, params.range)))
        is_automatic = wanted is None and trigger is types.CodeActionTriggerKind.Automatic
        if not is_automatic and (wanted is None or any(_covers(kind, FIX_ALL) for kind in wanted)):
            found += await asyncio.to_thread(lambda: list(fix_all(*known)))
        return found


def _covers(wanted: str, kind: str) -> bool:
    """Whether a kind is the wanted one or a kind of it; the empty one stands for all."""
    wanted = str(getattr(wanted, "value", wanted))
    return not wanted or kind == wanted or kind.startswith(f"{wanted}.")


def _at(server: Server, address: str, where: types.Range) -> list[tuple[View, Finding]]:
    known = server.current(address)
    if known is None:
        return []
    view, path = known
    return [
        (view, finding)
        for finding in view.findings.get(path, ())
        if overlap(view.lines(path).range(finding.place.span), where)
    ]
