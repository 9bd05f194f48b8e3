"""One random edit of a program after the other: each leaves it Python."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Mapping

Files = Mapping[str, str]
"""The text of each file by its relative path."""

_DEF = re.compile(r"^( *)(async )?def (\w+)\(.*$", re.MULTILINE)
_CLASS = re.compile(r"^( *)class (\w+)(\([^)\n]*\))?:", re.MULTILINE)
_CALL = re.compile(r"\.(\w+)\(")
_WORDS = (
    "acquire",
    "release",
    "get",
    "put",
    "run",
    "start",
    "close",
    "wait",
    "notify",
    "submit",
    "join",
    "send",
    "lock",
)
_STATEMENTS = (
    "import time; time.sleep(1)",
    "self._lock.acquire()",
    "self._lock.release()",
    "self.run()",
    "self.close()",
    "print('x')",
    "return None",
    "import threading; self._lock = threading.Lock()",
    "import threading; threading.Thread(target=self.run).start()",
    "import threading; LOCK = threading.RLock(); LOCK.acquire()",
    "import logging; logging.getLogger().info('x')",
    "import queue; self.items = queue.Queue(); self.items.get()",
)
_BASES = ("object", "threading.Thread", "logging.Handler")


def edited(files: Files, chance: random.Random) -> dict[str, str]:
    """The program with one change: a file, class, base, override, function, lock, call or line more, less or other."""
    while True:
        name = chance.choice(sorted(files))
        changed = _KINDS[chance.choice(sorted(_KINDS))](files, name, chance)
        if (
            changed is not None
            and changed != files
            and all(map(_is_python, set(changed.values()) - set(files.values())))
        ):
            return changed


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _with(files: Files, name: str, text: str) -> dict[str, str]:
    return {**files, name: text}


def _add_file(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    new = name.replace(".py", f"{chance.randrange(3)}.py")
    return _with(files, new, files[name]) if "__init__" not in name and new not in files else None


def _remove_file(files: Files, name: str, _: random.Random) -> dict[str, str] | None:
    return {other: text for other, text in files.items() if other != name} if len(files) > 2 else None


def _rename_file(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    added = _add_file(files, name, chance)
    return _remove_file(added, name, chance) if added is not None else None


def _add_line(files: Files, name: str, chance: random.Random) -> dict[str, str]:
    lines = files[name].split("\n")
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(["", "# a comment"]))
    return _with(files, name, "\n".join(lines))


def _add_statement(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    found = [match for match in _DEF.finditer(files[name]) if match[0].endswith(":")]
    if not found:
        return None
    head, text = chance.choice(found), files[name]
    called = chance.choice(found)[3]
    inner = f"\n{head[1]}    "
    statement = chance.choice([*_STATEMENTS, f"{called}()", f"self.{called}()", f"self.{chance.choice(_WORDS)}()"])
    if chance.random() < 0.3:
        statement = f"import threading{inner}with threading.Lock():{inner}    {statement}"
    return _with(files, name, text[: head.end()] + inner + statement + text[head.end() :])


def _remove_function(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    block = _function(files[name], chance)
    if block is None:
        return None
    begin, end, head = block
    return _with(files, name, f"{files[name][:begin]}{head[1]}pass\n{files[name][end:]}")


def _copy_function(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    """One more under another name, which may be that of a method of a base: then it overrides that."""
    block = _function(files[name], chance)
    if block is None:
        return None
    begin, end, head = block
    text = files[name]
    other = chance.choice([f"{head[3]}_more", *_WORDS, *(match[3] for match in _DEF.finditer(text))])
    copy = text[begin:end].replace(f"def {head[3]}(", f"def {other}(", 1)
    return _with(files, name, f"{text[:end]}{copy}{text[end:]}")


def _function(text: str, chance: random.Random) -> tuple[int, int, re.Match[str]] | None:
    """Where a function begins and ends, and its first line."""
    found = list(_DEF.finditer(text))
    if not found:
        return None
    head = chance.choice(found)
    end = head.end() + 1
    for line in text[end:].splitlines(keepends=True):
        if line.strip() and len(line) - len(line.lstrip(" ")) <= len(head[1]):
            break
        end += len(line)
    return head.start(), end, head


def _rename_function(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    found = list(_DEF.finditer(files[name]))
    if not found:
        return None
    head, text = chance.choice(found), files[name]
    other = chance.choice([f"{head[3]}_other", *_WORDS, *(match[3] for match in found)])
    return _with(files, name, text[: head.start(3)] + other + text[head.end(3) :])


def _change_color(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    found = list(_DEF.finditer(files[name]))
    if not found:
        return None
    head, text = chance.choice(found), files[name]
    at = head.start() + len(head[1])
    return _with(files, name, text[:at] + ("" if head[2] else "async ") + text[at + len(head[2] or "") :])


def _change_call(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    found = list(_CALL.finditer(files[name]))
    if not found:
        return None
    call, text = chance.choice(found), files[name]
    other = chance.choice([*_WORDS, chance.choice(found)[1]])
    return _with(files, name, text[: call.start(1)] + other + text[call.end(1) :])


def _change_base(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    found = list(_CLASS.finditer(files[name]))
    if not found:
        return None
    head, text = chance.choice(found), files[name]
    base = chance.choice([*_BASES, *(match[2] for match in found)])
    return _with(files, name, f"{text[: head.start()]}{head[1]}class {head[2]}({base}):{text[head.end() :]}")


def _add_class(files: Files, name: str, chance: random.Random) -> dict[str, str] | None:
    found = list(_CLASS.finditer(files[name]))
    if not found:
        return None
    base, method = chance.choice(found)[2], chance.choice(_WORDS)
    body = f"class {base}More({base}):\n    def {method}(self):\n        self.{chance.choice(_WORDS)}()\n"
    return _with(files, name, f"{files[name].rstrip()}\n\n\n{body}")


def _import(files: Files, name: str, chance: random.Random) -> dict[str, str]:
    other = chance.choice(sorted(files)).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return _with(files, name, f"from {other} import *\n{files[name]}")


_KINDS = {
    "add a file": _add_file,
    "remove a file": _remove_file,
    "rename a file": _rename_file,
    "add a line": _add_line,
    "add a statement": _add_statement,
    "add a statement, once more": _add_statement,
    "remove a function": _remove_function,
    "copy a function": _copy_function,
    "rename a function": _rename_function,
    "change a color": _change_color,
    "change a call": _change_call,
    "change a base": _change_base,
    "add a class": _add_class,
    "import": _import,
}
