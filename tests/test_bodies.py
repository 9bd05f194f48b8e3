"""Structured bodies: that they are those of another reading, over LibCST, and keep what happens under what."""

from __future__ import annotations

import ast
import sys
import sysconfig
from pathlib import Path
from textwrap import dedent

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from lockcheck.analysis.extract import extract, visit
from lockcheck.analysis.flatten import flatten
from lockcheck.analysis.index import normal
from lockcheck.analysis.index.depth import DEEPEST
from lockcheck.analysis.index.positions import Positions
from lockcheck.app.headroom import with_headroom
from lockcheck.model.expression import Await, Call, Compare, Const, Expr, Name
from lockcheck.model.facts import MODULE, FunctionFacts, ModuleFacts
from lockcheck.model.flow import (
    Block,
    Bound,
    Branch,
    Define,
    Do,
    Enter,
    For,
    Match,
    Node,
    Return,
    Try,
    While,
    With,
)
from lockcheck.model.source import Span
from tests.second_reading import Visits
from tests.second_reading.places import places

STDLIB = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = """
    threading queue _pyio asyncio/base_events asyncio/locks asyncio/queues asyncio/streams asyncio/tasks asyncio/events
    asyncio/sslproto asyncio/subprocess asyncio/unix_events concurrent/futures/_base concurrent/futures/process
    concurrent/futures/thread multiprocessing/pool multiprocessing/queues multiprocessing/synchronize
    multiprocessing/managers multiprocessing/connection multiprocessing/resource_tracker multiprocessing/util
    logging/__init__ logging/handlers logging/config socketserver functools contextlib dataclasses enum typing inspect
    subprocess tempfile weakref importlib/_bootstrap http/server http/client argparse selectors sched shelve sqlite3/dump
    xmlrpc/server unittest/mock
""".split()  # noqa: SIM905

ODDITIES = {
    "columns": "def ä():\n\t'é'; ü.ö('🔒', f'é{x()} {ß.y!r:>{w()}}')\n\tif ü:\n\t\ty = (z(), )\n",
    "form feed": "x()\n\x0cclass A:\n    def f(self):\n        g()\n\x0c\n        h()\n\x0cdef k(): y.z()\n",
    "tabs": "if x:\n\tdef f():\n\t        g(\n  1)\n\t        return h()\n",
    "line ends": "def f(\r\n    a=b(),\r\n):\r\n    return '''\r\n''' + c()\r\n",
    "decorators": "@a.b\n@c(1)\n@(\n  d()\n)\ndef f(x: int = y(), *, z=w.v()): pass\n@e\nclass A(B(), metaclass=C(), **d()): pass\n",
    "star base": "class A(*bases(), *more): pass\n",
    "headers": "def f(a={':': 1}, b='):', c=lambda x: x): # :\n    def g(): g()\n    class C(D[1:2]): x = ':'; y()\n",
    "one line": "class A: x = a(); y = b()\ndef f(): c(); return d()\nif x: e()\nelif y: f()\nelse: g()\n",
    "lambdas": "x = [lambda a=b(): (yield c(a)),\n lambda: lambda: d()]\nclass A:\n    k = sorted(x, key=lambda q: (\n  q.z,\n q()))\n",
    "comprehensions": "def f():\n  return [a(x) for x in b() if c(x) if d for y, *z in e.f], {k: v() for k in w}, g(h for h in i ), {(j() for j in k)}\n",
    "async comprehensions": "async def f():\n    return [await x async for x in y() if await z]\n",
    "generators": "f( a for a in b )\nf((a for a in b), 1)\nx = ( (a) for a in (b) )\nf\\\n (\n a() for a in b\n )\n",
    "walrus": "if (n := f(x := 1)) and not (m := n.o): [y := z() for z in w]\n",
    "targets": "a, (b.c, *d), [e[f()]] = g = h()\nfor i.j, k in l(): pass\nwith m() as (n, o), (p()) as q.r: pass\ndel a, (b, c.d), (e)\ndel (a, b)\ndel (x)\n",
    "with": "with (a(), b() as c,): pass\nwith (a.b, c): pass\nwith (yield): pass\nwith (x for x in y()): pass\nwith ((a)), (b): pass\n",
    "try": "try: a()\nexcept (b(), c) as e: d()\nexcept: e()\nelse: f()\nfinally: g()\ntry: h()\nfinally: i()\n",
    "try star": "try: a()\nexcept* B as c: d()\nexcept* (E, F): pass\n",
    "loops": "while a():\n    break\nelse: b()\nfor x in c, d(): continue\nelse: e()\nwhile True: f()\n",
    "match": (
        "match a.b, *c():\n case A(x, y=z) | B(x, z): d()\n case [1, *r, {'k': v, **w}] as q if q.ok: e()\n"
        " case (-1 | 'x' | None): f()\n case s: pass\n case _: g()\n"
    ),
    "operators": "x = a() if b() else c() or d() and e() and (f() and g()) or not h()\ny = i() < j() <= k()\nz = -l() ** ~m() @ n\n",
    "numbers": "x = -1, - -1, -True, +1, 0x_ff, 1_0.5e3, 1j, 123456789012345678901234567890, -9223372036854775808, 1e400\n",
    "strings": "f('a' \"b\" r'\\d', b'x', u'y', 'a\\x62' f'{c()}' 'd', f'', '\\N{BULLET}', '''a\nb''', rb'\\d', '\\ud800')\n",
    "f-strings": "x = f'{a()=} {b.c:{d()}.{e.f}} {{}}' f\"{g[h()]!r}\" rf'''{\n  i() }\\d{j(\n1)}'''\n",
    "subscripts": "a[b()], a[b(), c], a[b():c.d:e], a[:], a[b(),], a[*c()], a[(d(), e)], a[f():, g]\n",
    "calls": "f(*a(), b, *c.d, e=g(), **h(), i=j)\n",
    "annotations": "a: 'B | c.D' = e()\nf.g: h.I[j, 'K', Literal['l', None]]\nm: Callable[[n], 'o p'] | None\nq: Tuple[()] = r\nd = 'int' 'eger'\n",
    "yields": "def f():\n    x = yield\n    yield a()\n    y = yield from b.c\n    return (yield d), (yield)\n",
    "globals": "def f():\n    global x, y\n    def g():\n        nonlocal_ = 1\n        global x\n        x = z()\n    x, y = a(), b()\n",
    "raise": "raise a() from b()\n",
    "classes in functions": "def f(a):\n    class B(a.c):\n        d = e()\n        def g(self):\n            return h()\n    @i()\n    class J: pass\n    return B\n",
    "identifiers": "def ﬁ(ª): return ﬁ(ª.ﬂ, ª=ª) , lambda: ª\nclass ſ: ℌ = lambda: ﬀ\nmatch ªª:\n case ﬁ: x()\n",
    "comments": "def f():  # noqa\n    # a\n  # b\n    a()\n# c\n    b()\n    # d\n# e\nx()\n",
    "continuation": "def f(): \\\n    a()\nif x and \\\n   y: b(c,\n d)\nx = \\\n  e()\nfor \\\n  i in j(): k()\n",
    "cookie": "# -*- coding: latin-1 -*-\nx = 'é', y()\n",
    "only a comment": "# nothing",
    "empty": "",
    "stub": "class A:\n    def f(self) -> int: ...\n    x: int\n@overload\ndef g(): ...\n",
    "long": "def f():\n    x = a" + ".b()" * 60 + "\n    return " + " + ".join(["c.d"] * 90) + "\n",
}  # fmt: skip

if sys.version_info < (3, 11):  # `except*`, `a[*b]`; and places in f-strings were not always right
    for name in ("try star", "subscripts", "f-strings", "columns", "strings"):
        del ODDITIES[name]


def named(facts: ModuleFacts, qualname: str) -> FunctionFacts:
    return next(item for item in facts.functions if item.qualname == qualname)


def body(text: str, qualname: str = MODULE) -> Block:
    facts = extract(dedent(text), visit_all=True)
    found = named(facts, qualname)
    assert found.visited
    return found.nodes()


def assert_agreement(text: str) -> ModuleFacts:
    """Hold three readings of every function against each other: of the file, of its rows alone, and by LibCST."""
    text = normal(text)
    flat, structured = extract(text), extract(text, visit_all=True)
    assert structured.fault is None
    other = Visits(text.split("\n"), structured.functions)
    for first, function in zip(flat.functions, structured.functions, strict=True):
        assert function.visited, function.qualname
        assert first.visited or first.nodes() == flatten(function.nodes()), function.qualname
        assert visit(text, first) == function.nodes(), function.qualname
        assert other.visit(function) == function.nodes(), function.qualname
    return structured


@pytest.mark.parametrize("name", ODDITIES)
def test_both_readings_agree_on_oddities(name: str) -> None:
    assert_agreement(ODDITIES[name])


@pytest.mark.once  # what Pythons differ in, the oddities hold
@pytest.mark.parametrize("name", SAMPLE)
def test_both_readings_agree_on_real_files(name: str) -> None:
    path = STDLIB / f"{name}.py"
    if not path.exists():
        pytest.skip("not in this version of Python")
    text = path.read_text(encoding="utf-8")
    facts = assert_agreement(text)
    assert_places_of_compounds(text, facts)


def assert_places_of_compounds(text: str, facts: ModuleFacts) -> None:
    """Places that no flat body holds, held against `ast`."""
    positions = Positions(normal(text))
    heads: set[tuple[int, int]] = set()
    tests: set[Span] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Try, ast.ExceptHandler, ast.With, ast.AsyncWith)):
            heads.add((node.lineno, positions.column(node.lineno, node.col_offset)))
        elif isinstance(node, ast.While):
            tests.add(positions.span(node.test))
    found: list[Span] = []
    found_tests: set[Span] = set()
    for function in facts.functions:
        heads_within, tests_within = list[Span](), set[Span]()
        gather(function.nodes(), heads_within, tests_within)
        found += [span.below(function.above) for span in heads_within]
        found_tests |= {span.below(function.above) for span in tests_within}
    assert {(span.row, span.column) for span in found} == heads
    assert all(positions.lines[span.end_row - 1][span.end_column - 1] == ":" for span in found)
    assert found_tests == tests


def gather(nodes: Block, heads: list[Span], tests: set[Span]) -> None:
    for node in nodes:
        match node:
            case With():
                heads.append(node.span)
            case While():
                tests.add(node.span)
            case Try():
                heads += [node.span, *(handler.span for handler in node.handlers)]
            case _:
                pass
        for inner in blocks(node):
            gather(inner, heads, tests)


def blocks(node: Node) -> list[Block]:
    match node:
        case With(_, inner):
            return [inner]
        case Branch(_, then, orelse):
            return [then, orelse]
        case For(_, inner, orelse) | While(_, inner, orelse):
            return [inner, orelse]
        case Try(inner, handlers, orelse, final):
            return [inner, *(handler.body for handler in handlers), orelse, final]
        case Match(_, cases):
            return [case.body for case in cases]
        case _:
            return []


@pytest.mark.parametrize("text", ODDITIES.values(), ids=ODDITIES)
def test_places_are_those_of_libcst(text: str) -> None:
    module = cst.parse_module(normal(text))
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    expected = wrapper.resolve(PositionProvider)
    for node, (row, column, end_row, end_column) in places(module).items():
        place = expected[node]
        assert (place.start.line, place.start.column) == (row, column)
        assert (place.end.line, place.end.column) == (end_row, end_column)


def call(name: str, row: int, column: int) -> Expr:
    return Call(Name(name), (), (), Span(row, column, row, column + len(name) + 2))


def test_with_keeps_its_block() -> None:
    (node,) = body("def f(a, b):\n    async with a, b as c :\n        g()\n", "f")
    first = Enter(Name("a"), None, True, Span(2, 16, 2, 17))
    second = Enter(Name("b"), Name("c"), True, Span(2, 19, 2, 20))
    assert node == With((first, second), (Do(call("g", 3, 9)),), True, Span(2, 5, 2, 26))


def test_branches() -> None:
    (node,) = body("if a: x()\nelif b: y()\nelse: z()\n")
    inner = Branch(Name("b"), (Do(call("y", 2, 9)),), (Do(call("z", 3, 7)),))
    assert node == Branch(Name("a"), (Do(call("x", 1, 7)),), (inner,))


def test_loops() -> None:
    loop, endless = body("for a in b:\n    x()\nelse:\n    y()\nwhile True: pass\n")
    assert isinstance(loop, For)
    assert (loop.head.target, loop.head.iterable, loop.head.span) == (Name("a"), Name("b"), Span(1, 1, 1, 11))
    assert (loop.body, loop.orelse) == ((Do(call("x", 2, 5)),), (Do(call("y", 4, 5)),))
    assert endless == While(Const(True), (), (), Span(5, 7, 5, 11))


def test_try() -> None:
    (node,) = body("try: a()\nexcept E as e: b()\nexcept: c()\nelse: d()\nfinally: f()\n")
    assert isinstance(node, Try)
    assert (node.body, node.orelse, node.final) == (
        (Do(call("a", 1, 6)),),
        (Do(call("d", 4, 7)),),
        (Do(call("f", 5, 10)),),
    )
    assert [(item.head.types, item.head.name) for item in node.handlers] == [(Name("E"), "e"), (None, None)]
    assert (node.span, node.handlers[0].span) == (Span(1, 1, 1, 4), Span(2, 1, 2, 14))


def test_match_knows_what_always_matches() -> None:
    (node,) = body("""
        match x:
            case 1: pass
            case y if y: pass
            case (A() | z): pass
            case _ as w: pass
            case v: pass
            case _: pass
    """)
    assert isinstance(node, Match)
    assert [(case.head, case.always) for case in node.cases] == [
        (Bound(()), False),
        (Bound(("y",)), False),
        (Bound(("z",)), True),
        (Bound(("w",)), True),
        (Bound(("v",)), True),
        (Bound(()), True),
    ]
    assert node.cases[1].guard == Name("y")


def test_functions_inside_are_only_defined() -> None:
    text = """
        def f(a):
            with a:
                def g():
                    h()
                class C:
                    i()
    """
    (node,) = body(text, "f")
    assert isinstance(node, With)
    assert node.body == (Define("g", "f.<locals>.g", False), Define("C", "f.<locals>.C", True))
    assert body(text, "f.<locals>.g") == (Do(call("h", 2, 13)),)
    assert body(text, "f.<locals>.C.<body>") == (Do(call("i", 6, 13)),)


def test_lambdas_are_cut_out_of_their_expression() -> None:
    (node,) = body(
        "def f():\n    return [a,\n      lambda x: (\n        x ==\n      b()), c]\n", "f.<locals>.<lambda:3:7>"
    )
    assert node == Return(Compare(Name("x"), "==", call("b", 5, 7), Span(4, 9, 5, 10)), Span(4, 9, 5, 10))


def test_await_is_kept() -> None:
    (node,) = body("async def f():\n    await g()\n", "f")
    assert node == Do(Await(call("g", 2, 11), Span(2, 5, 2, 14)))


def test_only_what_qualifies_keeps_its_blocks_at_first() -> None:
    text = "def f(a):\n    if a: b()\ndef g(a):\n    with a: b()\n"
    first = extract(text)
    assert [item.visited for item in first.functions] == [False, False, True]
    flat = named(first, "f")
    assert flat.nodes() == (Do(call("b", 2, 11)),)
    assert visit(text, flat) == (Branch(Name("a"), (Do(call("b", 2, 11)),), ()),)


def test_functions_of_one_name_are_told_apart() -> None:
    text = "class A:\n    @property\n    def x(self): return a()\n    @x.setter\n    def x(self, v): b()\n"
    getter, setter = [item for item in extract(text).functions if item.qualname == "A.x"]
    assert visit(text, getter) == (Return(call("a", 2, 25), Span(2, 18, 2, 28)),)
    assert visit(text, setter) == (Do(call("b", 4, 21)),)


@pytest.mark.parametrize(
    "inside",
    ["f" + "()" * 2 * DEEPEST, "a" + ".b" * 3000, "if b: pass\n" + "    elif b: pass\n" * 1200],
    ids=["()", ".b", "elif"],
)
def test_what_nests_too_deeply_to_be_followed_stays_flat(inside: str) -> None:
    text = f"with x:\n    {inside}\ndef f():\n    with x:\n        pass\n"
    facts = with_headroom(lambda: extract(text))
    module = facts.functions[0]
    assert [(item.qualifies, item.visited) for item in facts.functions] == [(True, False), (True, True)]
    assert isinstance(with_headroom(module.nodes)[0], Enter)
    assert with_headroom(lambda: visit(text, module)) is None


def test_what_is_wide_does_not_count_as_deep() -> None:
    calls = "".join(f"        f({number}),\n" for number in range(2 * DEEPEST))
    (function,) = extract(f"with x:\n    y = [\n{calls}    ]\n").functions
    assert function.visited
