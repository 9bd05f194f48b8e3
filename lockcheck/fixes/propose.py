"""What can be done for a finding: the first of its repairs that is possible, as edits."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import libcst as cst

from lockcheck.fixes import (
    acquire_in_try,
    await_call,
    call_unlocked,
    catch_all,
    do_it_here,
    do_later,
    done_in_finally,
    drop_statement,
    hold_by_with,
    keep_task,
    leave_region,
    limit_wait,
    make_asynchronous,
    make_reentrant,
    move_behind,
    raise_on_failure,
    release_in_finally,
    run_elsewhere,
    split_method,
    swap_nesting,
    switch_with,
    take_first,
    take_lock,
    take_once,
    take_sorted,
    undo_on_cancel,
    wait_in_loop,
)
from lockcheck.fixes.edits import difference
from lockcheck.fixes.proposal import Proposal, Terms
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.findings import Fix
from lockcheck.model.repairs import (
    AcquireInTry,
    Advise,
    AwaitCall,
    CallUnlocked,
    CatchAll,
    DoItHere,
    DoLater,
    DoneInFinally,
    DropStatement,
    HoldByWith,
    KeepTask,
    LeaveRegion,
    LimitWait,
    LockRepair,
    MakeAsynchronous,
    MakeReentrant,
    MoveBehind,
    RaiseOnFailure,
    ReleaseInFinally,
    ReleaseRepair,
    Repair,
    Rewrite,
    RunElsewhere,
    Show,
    ShownRepair,
    SplitMethod,
    SwapNesting,
    SwitchWith,
    TakeFirst,
    TakeLock,
    TakeOnce,
    TakeSorted,
    TreeRepair,
    UndoOnCancel,
    WaitInLoop,
)


class Trees:
    """The files that fixes are made in, each parsed once."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take texts by their absolute path."""
        self._texts = texts
        self._trees: dict[str, Tree] = {}

    def of(self, path: str) -> Tree:
        """The tree of a file."""
        if path not in self._trees:
            text = self._texts.get(path)
            if text is None:
                raise UnfixableError("the file is not part of the project")
            try:
                self._trees[path] = Tree(text)
            except cst.ParserSyntaxError as error:
                raise UnfixableError("LibCST cannot read the file") from error
        return self._trees[path]

    def rewritten(self, repair: Rewrite) -> Fix | None:
        """The edits of a comment, for which no tree is needed."""
        text = self._texts.get(repair.place.path)
        if text is None:
            return None
        lines = text.split("\n")
        row, column = repair.place.span.row - 1, repair.place.span.column - 1
        head, tail = lines[row][:column], lines[row][repair.place.span.end_column - 1 :]
        lines[row] = head + repair.text + tail if repair.text else head.rstrip() + tail
        gone = [] if repair.text or lines[row].strip() else [row]
        new = "\n".join(line for index, line in enumerate(lines) if index not in gone)
        message = f"make it `{repair.text}`" if repair.text else "take it away"
        return Fix("safe", message, difference(repair.place.path, text, new), repair)


def propose(trees: Trees, repairs: Sequence[Repair], terms: Terms) -> Fix | None:
    """Make edits of the first repair that is possible; None where none is."""
    for repair in repairs:
        match repair:
            case Rewrite():
                return trees.rewritten(repair)
            case Advise(text=text):
                return Fix("display", text, (), repair)
            case Show(repair=inner, text=text):
                fix = _fix(trees, inner, terms)
                if fix is not None:
                    return Fix("display", text or fix.message, fix.edits, repair)
            case _:
                fix = _fix(trees, repair, terms)
                if fix is not None:
                    return fix
    return None


def _fix(trees: Trees, repair: TreeRepair, terms: Terms) -> Fix | None:
    path = repair.place.path
    try:
        tree = trees.of(path)
        try:
            proposal = _proposal(tree, repair, terms)
        except UnfixableError:
            opened = tree.opened(repair.place.span)
            if opened is None:
                return None
            tree, proposal = opened, _proposal(opened, repair, terms)
    except UnfixableError:
        return None
    text = tree.changed(proposal.changes)
    edits = difference(path, tree.text, text)
    return Fix(proposal.applicability, proposal.message, edits, repair) if edits and _keeps(tree, text) else None


def _keeps(tree: Tree, text: str) -> bool:
    """Whether all comments are still there: a fix that does not know where to put one is none.

    Nor is one whose outcome is not Python, which LibCST does not notice of every text.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
        return not tree.once(_own_comments) - _comments(text)
    except (SyntaxError, tokenize.TokenError):
        return False


def _own_comments(tree: Tree) -> Counter[str]:
    return _comments(tree.text)


def _comments(text: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def _proposal(tree: Tree, repair: TreeRepair, terms: Terms) -> Proposal:
    match repair:
        case HoldByWith() | ReleaseInFinally() | AcquireInTry() | CatchAll() | UndoOnCancel():
            return _of_releases(tree, repair)
        case SwitchWith():
            return switch_with.propose(tree, repair)
        case AwaitCall():
            return await_call.propose(tree, repair)
        case WaitInLoop():
            return wait_in_loop.propose(tree, repair)
        case KeepTask():
            return keep_task.propose(tree, repair, terms.target)
        case LimitWait():
            return limit_wait.propose(tree, repair, terms)
        case RaiseOnFailure():
            return raise_on_failure.propose(tree, repair, terms.seconds)
        case RunElsewhere():
            return run_elsewhere.propose(tree, repair, terms.target)
        case DoneInFinally():
            return done_in_finally.propose(tree, repair)
        case (
            MakeReentrant()
            | LeaveRegion()
            | DoLater()
            | SwapNesting()
            | TakeFirst()
            | TakeSorted()
            | MakeAsynchronous()
            | CallUnlocked()
            | SplitMethod()
        ):
            return _of_locks(tree, repair)
        case TakeLock() | DropStatement() | MoveBehind() | DoItHere() | TakeOnce():
            return _shown(tree, repair)


def _of_releases(tree: Tree, repair: ReleaseRepair) -> Proposal:
    match repair:
        case HoldByWith():
            return hold_by_with.propose(tree, repair)
        case ReleaseInFinally():
            return release_in_finally.propose(tree, repair)
        case AcquireInTry():
            return acquire_in_try.propose(tree, repair)
        case CatchAll():
            return catch_all.propose(tree, repair)
        case UndoOnCancel():
            return undo_on_cancel.propose(tree, repair)


def _of_locks(tree: Tree, repair: LockRepair) -> Proposal:
    match repair:
        case MakeReentrant():
            return make_reentrant.propose(tree, repair)
        case LeaveRegion():
            return leave_region.propose(tree, repair)
        case DoLater():
            return do_later.propose(tree, repair)
        case SwapNesting():
            return swap_nesting.propose(tree, repair)
        case TakeFirst():
            return take_first.propose(tree, repair)
        case TakeSorted():
            return take_sorted.propose(tree, repair)
        case MakeAsynchronous():
            return make_asynchronous.propose(tree, repair)
        case CallUnlocked():
            return call_unlocked.propose(tree, repair)
        case SplitMethod():
            return split_method.propose(tree, repair)


def _shown(tree: Tree, repair: ShownRepair) -> Proposal:
    match repair:
        case TakeLock():
            return take_lock.propose(tree, repair)
        case DropStatement():
            return drop_statement.propose(tree, repair)
        case MoveBehind():
            return move_behind.propose(tree, repair)
        case DoItHere():
            return do_it_here.propose(tree, repair)
        case TakeOnce():
            return take_once.propose(tree, repair)
