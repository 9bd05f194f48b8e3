"""What is handed over and waited for is done here: a function is called, a coroutine awaited."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.await_call import awaiting
from lockcheck.fixes.proposal import Proposal
from lockcheck.fixes.tree import Tree, UnfixableError
from lockcheck.model.repairs import DoItHere

_RUN = ("run", "run_until_complete")


def propose(tree: Tree, repair: DoItHere) -> Proposal:
    """Make `await f()` of `asyncio.run(f())` and of `run_coroutine_threadsafe(f(), loop).result()`.

    Of `submit(f, x).result()` it is `f(x)`, of a pool's `map(f, xs)` the builtin one.
    """
    call = tree.call(repair.place.span)
    handed, gone = _handed(tree, call, repair)
    if any(arg.star or arg.keyword is not None for arg in handed.args[:1]) or not handed.args:
        raise UnfixableError("what is handed over is not spelled out")
    if repair.awaited:
        if tree.coroutine(call) is None:
            raise UnfixableError("`await` is possible in a coroutine only")
        coroutine = handed.args[0].value
        return Proposal(
            "display", f"await `{tree.code(coroutine)}` here", {**gone, call: awaiting(tree, call, coroutine)}
        )
    if handed is call:
        if any(arg.keyword is not None for arg in call.args):
            raise UnfixableError("`map` has no such arguments")
        new = cst.Call(cst.Name("map"), call.args)
    else:
        new = cst.Call(handed.args[0].value, handed.args[1:])
    return Proposal("display", f"call `{tree.code(handed.args[0].value)}` here", {**gone, call: new})


def _handed(tree: Tree, call: cst.Call, repair: DoItHere) -> tuple[cst.Call, dict[cst.CSTNode, Sequence[cst.CSTNode]]]:
    """The call that hands over: this one, or that whose result is asked for; and the line before that keeps it."""
    match call.func:
        case cst.Attribute(value=cst.Call() as inner, attr=cst.Name(value="result")):
            return inner, {}
        case cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value="result")):
            return _kept(tree, call, name)
        case cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name) if repair.awaited and name in _RUN:
            return call, {}
        case cst.Attribute(attr=cst.Name(value="map")) if not repair.awaited:
            return call, {}
        case _:
            raise UnfixableError("what is handed over stands elsewhere")


def _kept(tree: Tree, call: cst.Call, name: str) -> tuple[cst.Call, dict[cst.CSTNode, Sequence[cst.CSTNode]]]:
    """What a name stands for that the line before gives a value, and that is used for nothing else."""
    before, _ = tree.neighbours(tree.statement(call))
    around = tree.function(call) or tree.module
    uses = [node for node in tree.inside(around) if isinstance(node, cst.Name) and node.value == name]
    match before[-1:]:
        case [cst.SimpleStatementLine(body=[cst.Assign(targets=[target], value=cst.Call() as handed)]) as line]:
            if len(uses) == 2 and target.target in uses:
                return handed, {line: []}
        case _:
            pass
    raise UnfixableError("what is handed over stands elsewhere")
