"""Small random programs with threads and locks, as plain readable Python.

A program is a value: locks, functions and methods, and what the main program starts, calls and joins in which order. It
can be written out as source, and made smaller. By construction nothing but an order of locks or a lock taken again can stop one
for ever: what is acquired is released on every path, joins happen with nothing held, no condition is waited for, every
loop of calls is excluded (a function calls only those below it), and each branch can be taken, for a coin decides.

Functions and methods have private names and are called: who runs them is known, there is no caller outside. The main
block makes each object and starts each thread.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

LOCKS: Final = ("ALPHA", "BETA", "GAMMA")
GATE: Final = "GATE"
FUNCTIONS: Final = ("_fetch", "_store", "_merge", "_purge")
OBJECTS: Final = ("LEFT", "RIGHT")
CLASS: Final = "Box"
WORKERS: Final = ("first", "second", "third")

Kind: TypeAlias = Literal["Lock", "RLock", "Condition", "over", "alias"]


@dataclass(frozen=True)
class Lock:
    """A module's lock: of its own, a condition `over` an earlier one, or an `alias` of an earlier one."""

    name: str
    kind: Kind
    of: str = ""


@dataclass(frozen=True)
class Hold:
    """A lock is held around a body: by `with`, by acquire and release, by try and finally, or under a local name.

    Where there is an `other` one, the local name is bound to one of the two: a coin decides.
    """

    lock: str
    how: Literal["with", "plain", "finally", "local"]
    body: Block
    other: str = ""


@dataclass(frozen=True)
class Attempt:
    """The body is run if the lock can be had at once, or in time.

    `how`: it is asked for in the test, its outcome has a name, or the function returns at once where it was not had.
    """

    lock: str
    timed: bool
    body: Block
    how: Literal["test", "name", "return"] = "test"


@dataclass(frozen=True)
class Call:
    """A function or method is called: `callee` as it is written, with arguments."""

    callee: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Perhaps:
    """A coin decides whether the body is run."""

    body: Block


@dataclass(frozen=True)
class Leave:
    """A coin decides whether the function returns here."""


@dataclass(frozen=True)
class Work:
    """Something that touches no lock."""


Statement: TypeAlias = "Hold | Attempt | Call | Perhaps | Leave | Work"
Block: TypeAlias = "tuple[Statement, ...]"


@dataclass(frozen=True)
class Function:
    """A function, or a method of the class, with its parameters behind `self`."""

    name: str
    parameters: tuple[str, ...]
    body: Block
    method: bool = False


@dataclass(frozen=True)
class Start:
    """A thread is made and started."""

    worker: str
    target: Call


@dataclass(frozen=True)
class Join:
    """A thread is waited for."""

    worker: str


@dataclass(frozen=True)
class Here:
    """The main program itself calls."""

    call: Call


Step: TypeAlias = "Start | Join | Here"


@dataclass(frozen=True)
class Program:
    """A whole program."""

    locks: tuple[Lock, ...]
    attributes: tuple[Lock, ...]
    functions: tuple[Function, ...]
    main: tuple[Step, ...]
    objects: tuple[str, ...] = field(default=OBJECTS)

    def source(self) -> str:
        """The program as it is read and run."""
        lines = ["import random", "import threading", ""]
        lines += [f"{lock.name} = {_made(lock, '')}" for lock in self.locks]
        methods = [each for each in self.functions if each.method]
        if methods or self.attributes or self.objects:
            lines += ["", "", f"class {CLASS}:", "    def __init__(self) -> None:"]
            lines += [f"        self.{lock.name} = {_made(lock, 'self.')}" for lock in self.attributes] or [
                "        pass"
            ]
            for method in methods:
                lines += ["", *_indented(_function(method))]
        for function in self.functions:
            if not function.method:
                lines += ["", "", *_function(function)]
        if self.objects:
            lines += ["", "", *(f"{name} = {CLASS}()" for name in self.objects)]
        lines += ["", "", 'if __name__ == "__main__":', *_indented(_main(self.main) or ["pass"])]
        return "\n".join(lines) + "\n"


def _made(lock: Lock, prefix: str) -> str:
    match lock.kind:
        case "alias":
            return prefix + lock.of
        case "over":
            return f"threading.Condition({prefix}{lock.of})"
        case kind:
            return f"threading.{kind}()"


def _function(function: Function) -> list[str]:
    given = ["self"] if function.method else []
    given += [_annotated(name) for name in function.parameters]
    return [f"def {function.name}({', '.join(given)}) -> None:", *_indented(_block(function.body))]


def _annotated(parameter: str) -> str:
    match parameter:
        case "other" | "box":
            return f'{parameter}: "{CLASS}"'
        case _:
            return parameter


def _block(block: Block) -> list[str]:
    return [line for statement in block for line in _statement(statement)] or ["pass"]


def _statement(statement: Statement) -> list[str]:
    match statement:
        case Hold(lock, "with", body):
            return [f"with {lock}:", *_indented(_block(body))]
        case Hold(lock, "local", body, ""):
            name = f"held_{_word(lock)}"
            return [f"{name} = {lock}", f"with {name}:", *_indented(_block(body))]
        case Hold(lock, "local", body, other):
            name = f"either_{_word(lock)}_{_word(other)}"
            chosen = f"{name} = {lock} if random.random() < 0.5 else {other}"
            return [chosen, f"with {name}:", *_indented(_block(body))]
        case Hold(lock, "plain", body):
            return [f"{lock}.acquire()", *_block(body), f"{lock}.release()"]
        case Hold(lock, _, body):
            return [f"{lock}.acquire()", *_finally(lock, body)]
        case Attempt(lock, timed, body, how):
            asked = f"{lock}.acquire({'timeout=0.1' if timed else 'blocking=False'})"
            got = f"got_{_word(lock)}"
            match how:
                case "test":
                    return [f"if {asked}:", *_indented(_finally(lock, body))]
                case "name":
                    return [f"{got} = {asked}", f"if {got}:", *_indented(_finally(lock, body))]
                case "return":
                    return [f"if not {asked}:", "    return", *_finally(lock, body)]
        case Call(callee, args):
            return [f"{callee}({', '.join(args)})"]
        case Perhaps(body):
            return ["if random.random() < 0.5:", *_indented(_block(body))]
        case Leave():
            return ["if random.random() < 0.5:", "    return"]
        case Work():
            return ['print("work")']


def _word(lock: str) -> str:
    return lock.replace(".", "_").lower()


def _finally(lock: str, body: Block) -> list[str]:
    return ["try:", *_indented(_block(body)), "finally:", f"    {lock}.release()"]


def _main(steps: tuple[Step, ...]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        match step:
            case Start(worker, Call(callee, args)):
                given = f", args=({', '.join(args)}{',' if len(args) == 1 else ''})" if args else ""
                lines += [f"{worker} = threading.Thread(target={callee}{given})", f"{worker}.start()"]
            case Join(worker):
                lines.append(f"{worker}.join()")
            case Here(call):
                lines += _statement(call)
    return lines


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" if line else line for line in lines]


@dataclass
class _Maker:
    """Draws one program."""

    chance: random.Random
    locks: tuple[Lock, ...] = ()
    attributes: tuple[Lock, ...] = ()
    objects: tuple[str, ...] = OBJECTS
    functions: list[Function] = field(default_factory=list)
    either: bool = False

    def program(self) -> Program:
        self.locks = self._locks(LOCKS[: self.chance.choice((2, 2, 2, 3, 3))])
        if self.chance.random() < 0.4:
            self.attributes = self._locks(("_lock", "_state")[: self.chance.choice((1, 1, 2))])
            self.objects = OBJECTS[: self.chance.choice((1, 2))]
        for name in reversed(FUNCTIONS[: self.chance.randint(2, 4)]):
            self.functions.insert(0, self._function(name))
        if self.chance.random() < 0.2:
            self._gate()
        return Program(self.locks, self.attributes, tuple(self.functions), self._main(), self.objects)

    def _gate(self) -> None:
        """Hold one more lock around most functions, as far as that is no lock taken again: it is made re-entrant."""
        self.locks = (Lock(GATE, "RLock"), *self.locks)
        for at, function in enumerate(self.functions):
            if self.chance.random() < 0.8:
                self.functions[at] = replace(function, body=(Hold(GATE, "with", function.body),))

    def _locks(self, names: tuple[str, ...]) -> tuple[Lock, ...]:
        found: list[Lock] = []
        for name in names:
            kinds: list[Kind] = ["Lock", "Lock", "Lock", "RLock", "Condition"]
            own = [lock for lock in found if lock.kind in ("Lock", "RLock")]
            kind = self.chance.choice([*kinds, "over", "alias"] if own else kinds)
            found.append(Lock(name, kind, self.chance.choice(own).name if kind in ("over", "alias") else ""))
        return tuple(found)

    def _function(self, name: str) -> Function:
        method = bool(self.attributes) and self.chance.random() < 0.5
        parameters: tuple[str, ...] = ()
        if method:
            parameters = ("other",) if self.chance.random() < 0.3 else ()
        elif self.attributes and self.chance.random() < 0.3:
            parameters = ("box",)
        if self.chance.random() < 0.2:
            parameters = (*parameters, "action")
        elif self.chance.random() < 0.1:
            parameters = (*parameters, "lock")
        body = self._block(method, parameters, 0, ())
        if "action" in parameters and not _calls_action(body):
            body = (*body, Hold(self._lock(method, parameters, ()), "with", (Call("action"),)))
        return Function(name, parameters, body, method)

    def _block(self, method: bool, parameters: tuple[str, ...], depth: int, held: tuple[str, ...]) -> Block:
        count = self.chance.choice((1, 1, 2) if depth == 0 else (1, 1, 1, 1, 2))
        return tuple(self._statement(method, parameters, depth, held) for _ in range(count))

    def _statement(self, method: bool, parameters: tuple[str, ...], depth: int, held: tuple[str, ...]) -> Statement:
        draw = self.chance.random()
        if "action" in parameters and draw < 0.3:
            return Call("action")
        inner = depth < 3
        if inner and draw < 0.55:
            how: Literal["with", "plain", "finally", "local"] = self.chance.choice(
                ("with", "with", "with", "plain", "finally", "local")
            )
            lock = self._lock(method, parameters, held)
            body = self._block(method, parameters, depth + 1, (*held, lock))
            if how == "plain" and _leaves(body):
                how = "finally"
            other = ""
            if self.either and how == "local" and self.chance.random() < 0.3:
                other = self._lock(method, parameters, (lock, *held))
            return Hold(lock, how, body, other if other != lock else "")
        if inner and draw < 0.65:
            lock = self._lock(method, parameters, ())
            body = self._block(method, parameters, depth + 1, (*held, lock))
            asked: Literal["test", "name", "return"] = self.chance.choice(("test", "test", "name", "return"))
            return Attempt(lock, self.chance.random() < 0.5, body, asked)
        if self.functions and draw < 0.88:
            return self._call(self.chance.choice(self.functions), method, parameters)
        if inner and draw < 0.92:
            return Perhaps(self._block(method, parameters, depth + 1, held))
        if draw < 0.94 and depth:
            return Leave()
        return Work()

    def _lock(self, method: bool, parameters: tuple[str, ...], held: tuple[str, ...]) -> str:
        """A lock by a path that is there, seldom one that is held already."""
        found = [lock.name for lock in self.locks]
        owners = ["self"] if method else [self.chance.choice(self.objects)]
        owners += [name for name in parameters if name in ("other", "box")] * 2
        found += [f"{owner}.{lock.name}" for owner in owners for lock in self.attributes]
        if "lock" in parameters:
            found += ["lock", "lock"]
        others = [lock for lock in found if lock not in held]
        return self.chance.choice(others if others and self.chance.random() < 0.9 else found)

    def _call(self, function: Function, method: bool, parameters: tuple[str, ...]) -> Call:
        """A call, with arguments that are there; of a method on one of the objects that are there."""
        owners = (["self"] if method else []) + [p for p in parameters if p in ("other", "box")]
        callee = function.name
        if function.method:
            callee = f"{self.chance.choice(owners or self.objects)}.{function.name}"
        args: list[str] = []
        for name in function.parameters:
            match name:
                case "other" | "box":
                    args.append(self.chance.choice([*owners, *self.objects]))
                case "lock":
                    args.append(self.chance.choice([lock.name for lock in self.locks]))
                case _:
                    args.append(self._action(function))
        return Call(callee, tuple(args))

    def _action(self, function: Function) -> str:
        """Something to be called without arguments, below the function that will call it."""
        at = [each.name for each in self.functions].index(function.name)
        free = [each for each in self.functions[at + 1 :] if not each.parameters]
        if not free:
            return "print"
        chosen = self.chance.choice(free)
        return f"{self.chance.choice(self.objects)}.{chosen.name}" if chosen.method else chosen.name

    def _main(self) -> tuple[Step, ...]:
        count = self.chance.choice((1, 2, 2, 2, 2, 3))
        targets = [self.chance.choice(self.functions[:3]) for _ in range(count)]
        steps: list[Step] = []
        open_: list[str] = []
        for worker, target in zip(WORKERS, targets, strict=False):
            if self.chance.random() < 0.15:
                steps.append(Here(self._call(self.chance.choice(self.functions), method=False, parameters=())))
            steps.append(Start(worker, self._call(target, method=False, parameters=())))
            open_.append(worker)
            if self.chance.random() < 0.15:
                steps.append(Join(open_.pop(self.chance.randrange(len(open_)))))
        if self.chance.random() < 0.2:
            steps.append(Here(self._call(self.chance.choice(self.functions), method=False, parameters=())))
        return (*steps, *(Join(worker) for worker in open_))


def _leaves(block: Block) -> bool:
    return any(
        isinstance(each, Leave) or (isinstance(each, Attempt) and each.how == "return") or _leaves(_inside(each))
        for each in block
    )


def _calls_action(block: Block) -> bool:
    return any(each == Call("action") or _calls_action(_inside(each)) for each in block)


def _inside(statement: Statement) -> Block:
    match statement:
        case Hold(body=body) | Attempt(body=body) | Perhaps(body=body):
            return body
        case _:
            return ()


def draw(seed: int, either: bool = False) -> Program:
    """The program of a seed, without functions that nobody calls: the first with two functions and two locks left.

    `either`: a local name may be bound to one of two locks.
    """
    chance = random.Random(seed)
    while True:
        program = tidy(_Maker(chance, either=either).program())
        if len(program.functions) > 1 and len(program.locks) + len(program.attributes) > 1:
            return program


def tidy(program: Program) -> Program:
    """Leave out functions, objects and locks that nothing mentions any more."""
    kept = program
    while True:
        count = re.findall(r"\w+", kept.source()).count
        functions = tuple(f for f in kept.functions if count(f.name) > 1)
        objects = tuple(name for name in kept.objects if count(name) > 1)
        locks = tuple(lock for lock in kept.locks if count(lock.name) > 1)
        attributes = tuple(lock for lock in kept.attributes if count(lock.name) > 1)
        new = replace(kept, functions=functions, objects=objects, locks=locks, attributes=attributes)
        if new == kept:
            return kept
        kept = new


def smaller(program: Program) -> Iterator[Program]:
    """Programs with one thing less: a step of the main program, a statement, or a statement's body in its place."""
    for at in range(len(program.main)):
        gone = program.main[at]
        rest = tuple(
            step
            for place, step in enumerate(program.main)
            if place != at and not (isinstance(gone, Start) and isinstance(step, Join) and step.worker == gone.worker)
        )
        yield tidy(replace(program, main=rest))
    for at, function in enumerate(program.functions):
        for body in _smaller(function.body):
            if "action" in function.parameters and not _calls_action(body):
                continue  # what is handed to it would be dead
            functions = (*program.functions[:at], replace(function, body=body), *program.functions[at + 1 :])
            yield tidy(replace(program, functions=functions))


def _smaller(block: Block) -> Iterator[Block]:
    for at, statement in enumerate(block):
        before, after = block[:at], block[at + 1 :]
        yield (*before, *after)
        inside = _inside(statement)
        if inside:
            yield (*before, *inside, *after)
        if isinstance(statement, Hold | Attempt | Perhaps):
            for body in _smaller(inside):
                yield (*before, replace(statement, body=body), *after)
        match statement:
            case Hold(other=other) if other:
                yield (*before, replace(statement, other=""), *after)
                yield (*before, replace(statement, lock=other, other=""), *after)
            case Hold(how="plain" | "finally" | "local"):
                yield (*before, replace(statement, how="with"), *after)
            case Attempt(how="name" | "return"):
                yield (*before, replace(statement, how="test"), *after)
            case _:
                pass
