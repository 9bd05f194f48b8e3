"""The server itself: which requests it answers, and when it analyses anew."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

import lockcheck
from lockcheck.app.attempt import attempt
from lockcheck.app.cache import cache_folder
from lockcheck.model.errors import LockcheckError
from lockcheck.model.findings import Failure, Finding
from lockcheck.ui.server.actions import KINDS, actions
from lockcheck.ui.server.diagnostics import diagnostic, hover, uri
from lockcheck.ui.server.positions import overlap
from lockcheck.ui.server.project import Analyser, View

PAUSE = 0.3
"""Seconds without a change before the program is analysed: nobody wants a report on half a word."""


class Server(LanguageServer):
    """Keeps the view of the project current and tells the editor what is in it."""

    def __init__(self, jobs: int) -> None:
        """Wait for an editor."""
        super().__init__("lockcheck", lockcheck.__version__)  # pyright: ignore[reportUnknownMemberType]
        self._jobs = jobs
        self._analyser: Analyser | None = None
        self._view: View | None = None
        self._shown: set[str] = set()
        self._wanted = 0
        self._task: asyncio.Task[None] | None = None
        self._told = ""

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
            texts = self._texts()
            analyser = self._folder()
            found = await asyncio.to_thread(_analysed, analyser, texts)
            if not isinstance(found, View):
                self._complain(found)
                continue
            self._view = found
            self._told = ""
            self._publish(self._view)

    def _folder(self) -> Analyser:
        if self._analyser is None:
            folder = self.workspace.root_path or next(
                (str(Path(path).parent) for path in self._texts()), os.path.normpath(Path.cwd())
            )
            self._analyser = Analyser(folder, str(cache_folder(dict(os.environ))), self._jobs)
        return self._analyser

    def _texts(self) -> dict[str, str]:
        return {
            path: document.source
            for address, document in self.workspace.text_documents.items()
            if (path := to_fs_path(address)) is not None
        }

    def versions(self) -> dict[str, int]:
        """Give the versions of the open files, by path."""
        return {
            path: document.version
            for address, document in self.workspace.text_documents.items()
            if (path := to_fs_path(address)) is not None and document.version is not None
        }

    def _publish(self, view: View) -> None:
        versions = self.versions()
        for path in sorted({*self._shown, *view.findings}):
            found = [diagnostic(finding, view) for finding in view.findings.get(path, ())]
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri(path), found, version=versions.get(path))
            )
        self._shown = set(view.findings)
        for failure in view.outcome.report.failures:
            self.window_log_message(
                types.LogMessageParams(types.MessageType.Warning, f"{failure.what}: {failure.message}")
            )

    def _complain(self, text: str) -> None:
        """Tell the user once, not with every key."""
        if text != self._told:
            self._told = text
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"lockcheck: {text}"))

    def current(self, address: str) -> tuple[View, str] | None:
        """Give the view and the path of a file, if its text is the one that was analysed."""
        path = to_fs_path(address)
        if self._view is None or path is None:
            return None
        document = self.workspace.text_documents.get(address)
        if document is not None and document.source != self._view.text(path):
            return None
        return self._view, path

    def close(self) -> None:
        """Keep what was found out about texts for the next time."""
        if self._analyser is not None:
            self._analyser.close()


def _analysed(analyser: Analyser, texts: dict[str, str]) -> View | str:
    """Give a view, or what is wrong: a server that ended would take everything else with it."""

    def asked() -> View | str:
        try:
            return analyser.analyse(texts)
        except LockcheckError as error:
            return str(error)

    done = attempt("the program", asked)
    return f"{done.what}: {done.message}" if isinstance(done, Failure) else done


def serve(jobs: int) -> None:
    """Answer an editor on the standard streams until it says that it has done."""
    server = Server(jobs)
    _follow_texts(server)
    _answer(server)
    server.start_io()


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
        found = await asyncio.to_thread(lambda: list(actions(*known, params.range, server.versions())))
        wanted = params.context.only
        return [one for one in found if wanted is None or any(_is_kind(one, kind) for kind in wanted)]


def _is_kind(action: types.CodeAction, wanted: str) -> bool:
    kind = str(getattr(action.kind, "value", action.kind))
    return kind == wanted or kind.startswith(f"{wanted}.")


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
