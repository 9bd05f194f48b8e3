"""The first reading: what exists in a file, and its flat bodies."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from lockcheck.analysis.extract import TooDeep, extract
from lockcheck.analysis.flatten import flatten
from lockcheck.analysis.index import index
from lockcheck.model.expression import (
    Attr,
    Await,
    Call,
    Compare,
    Const,
    Group,
    IfElse,
    Item,
    Lambda,
    Name,
    Opaque,
    Star,
    Walrus,
    Yield,
)
from lockcheck.model.facts import MODULE, FunctionFacts, ImportFact, ModuleFacts
from lockcheck.model.flow import Assign, Bound, Caught, Define, Do, Enter, Iterate, Return, Step
from lockcheck.model.source import Span


def read(text: str) -> ModuleFacts:
    facts = index(dedent(text))
    assert facts.fault is None
    return facts


def function(facts: ModuleFacts, qualname: str) -> FunctionFacts:
    (found,) = [item for item in facts.functions if item.qualname == qualname]
    return found


def steps(text: str, qualname: str = MODULE) -> tuple[Step, ...]:
    return function(read(text), qualname).nodes()  # type: ignore[return-value]


def value(expression: str) -> object:
    (step,) = steps(f"x = {expression}\n")
    assert isinstance(step, Assign)
    return step.value


def test_imports() -> None:
    facts = read("""
        import a.b
        import c.d as e
        from ..m import y as z, w
        from . import sibling
        try:
            from fast import *
        except ImportError:
            pass
        def f():
            import local
    """)
    assert facts.imports == (
        ImportFact("a", "a", None, 0),
        ImportFact("a.b", "a.b", None, 0),
        ImportFact("e", "c.d", None, 0),
        ImportFact("z", "m", "y", 2),
        ImportFact("w", "m", "w", 2),
        ImportFact("sibling", "", "sibling", 1),
        ImportFact("*", "fast", "*", 0),
    )
    assert function(facts, "f").imports == (ImportFact("local", "local", None, 0),)
    assert function(facts, MODULE).imports == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", None),
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__ = ('a',)\n__all__ += ['b']\n__all__.extend(['c'])\n__all__.append('d')", ("a", "b", "c", "d")),
        ("__all__: list[str] = []", ()),
        ("__all__ = ['a'] + other.__all__", None),
        ("__all__ = ['a']\n__all__ += other.__all__", None),
    ],
)
def test_exports(text: str, names: tuple[str, ...] | None) -> None:
    assert read(text).exports == names


def test_globals() -> None:
    facts = read("""
        lock: Lock = make()
        a, b = one, two
        for item in items: pass
        with open(p) as handle: pass
        if (found := look()): pass
        def f():
            global cache
            cache = build()
            local = 1
    """)
    assert [(item.name, item.value is not None, item.function) for item in facts.globals] == [
        ("lock", True, MODULE),
        ("a", True, MODULE),
        ("b", True, MODULE),
        ("item", False, MODULE),
        ("handle", False, MODULE),
        ("found", True, MODULE),
        ("cache", True, "f"),
    ]
    assert facts.globals[0].annotation == Name("Lock")
    assert facts.globals[2].value == Name("two")
    assert function(facts, "f").globals == ("cache",)


def test_attributes() -> None:
    facts = read("""
        class Room(Base):
            limit = 3
            name: str
            def __init__(self, n):
                self.lock = Lock()
                self.size: int = n
                self.a, (self.b, *self.c) = x, y
                n.other = 1
                def later():
                    self.late = 1
                def hidden(self):
                    self.not_mine = 1
                with open(n) as self.handle: pass
            @classmethod
            def make(cls):
                cls.made = True
            def reset(this):
                type(this).total = 0
                this.__class__.count += 1
            @staticmethod
            def free(x):
                x.nothing = 1
    """)
    (room,) = facts.classes
    init = "Room.__init__"
    assert [(item.name, item.value is not None, item.function) for item in room.attributes] == [
        ("limit", True, None),
        ("name", False, None),
        ("lock", True, init),
        ("size", True, init),
        ("a", True, init),
        ("b", False, init),
        ("c", False, init),
        ("late", True, f"{init}.<locals>.later"),
        ("handle", False, init),
        ("made", True, "Room.make"),
        ("total", True, "Room.reset"),
        ("count", False, "Room.reset"),
    ]
    assert room.bases == (Name("Base"),)
    assert dict(room.methods)["make"] == "Room.make"
    assert function(facts, init).stored == ("a", "b", "c", "handle", "lock", "other", "size")


def test_functions_are_named_as_python_names_them() -> None:
    facts = read("""
        key = lambda: 1
        class A:
            field = lambda self: 2
            class B:
                async def m(self):
                    def inner():
                        return lambda: (lambda: 3)
                    class C:
                        def n(self): yield
    """)
    inner = "A.B.m.<locals>.inner"
    found = {item.qualname: (item.owner, item.parent) for item in facts.functions}
    assert found == {
        MODULE: (None, None),
        "<lambda:2:7>": (None, None),
        "A.<body>": (None, None),
        "A.<lambda:4:13>": (None, None),
        "A.B.<body>": (None, None),
        "A.B.m": ("A.B", None),
        inner: (None, "A.B.m"),
        f"{inner}.<locals>.<lambda:2:24>": (None, inner),
        f"{inner}.<locals>.<lambda:2:24>.<locals>.<lambda:2:33>": (None, f"{inner}.<locals>.<lambda:2:24>"),
        "A.B.m.<locals>.C.<body>": (None, "A.B.m"),
        "A.B.m.<locals>.C.n": ("A.B.m.<locals>.C", "A.B.m"),
    }
    assert function(facts, "A.B.m").is_async
    assert function(facts, "A.B.m.<locals>.C.n").is_generator
    assert [item.parent for item in facts.classes] == [None, "A", "A.B.m"]


def test_places_of_definitions() -> None:
    facts = read("""\
        @first
        @second(
            3)
        async  def  größe(a):
            pass
        class Ä: x = 1
    """)
    assert [(item.qualname, item.span, item.first_row, item.last_row) for item in facts.functions[1:]] == [
        ("größe", Span(4, 13, 4, 18), 1, 5),
        ("Ä.<body>", Span(6, 7, 6, 8), 6, 6),
    ]
    assert facts.lines == 6


def test_places_stay_the_same_when_rows_are_put_above() -> None:
    text = dedent("""\
        class A:
            def f(self, a=g()):
                def inner():
                    return [lambda: h(1), self.x]
                with self.lock: self.y = inner()

            @property
            def p(self): return self._p

            @p.setter
            def p(self, value): self._p = q(value)
    """)
    first, second = (extract(before + text, visit_all=True) for before in ("", "\n" * 10))
    for one, other in zip(first.functions, second.functions, strict=True):
        if one.qualname in ("A.f", "A.f.<locals>.inner", "A.f.<locals>.inner.<locals>.<lambda:2:21>", "A.p"):
            assert (one.nodes(), one.span, one.above + 10) == (other.nodes(), other.span, other.above), one.qualname
    rows = [(each.qualname, each.span.row + each.above) for each in second.functions[1:]]
    assert rows == [
        ("A.<body>", 11),
        ("A.f", 12),
        ("A.f.<locals>.inner", 13),
        ("A.f.<locals>.inner.<locals>.<lambda:2:21>", 14),
        ("A.p", 18),
        ("A.p", 21),
    ]
    assert first.classes[0].attributes == second.classes[0].attributes


def test_parameters() -> None:
    facts = read("def f(a, /, b: int, c=1, *d, e: 'x.Y | None' = None, g, **h) -> 'Room': pass")
    found = function(facts, "f")
    assert [(item.name, item.kind) for item in found.parameters] == [
        ("a", "p"), ("b", "a"), ("c", "a"), ("d", "*"), ("e", "k"), ("g", "k"), ("h", "**"),
    ]  # fmt: skip
    assert found.parameters[2].default == Const(1)
    place = Span(1, 33, 1, 45)
    assert found.parameters[4].annotation == Opaque((Attr(Name("x"), "Y", place), Const(None)))
    assert found.returns == Name("Room")


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("A | B | None", Opaque((Name("A"), Name("B"), Const(None)))),
        ("list['Room']", Item(Name("list"), Name("Room"))),
        ("Literal['a']", Item(Name("Literal"), Const("a"))),
        ("Callable[[A], B]", Item(Name("Callable"), Group("tuple", (Group("list", (Name("A"),)), Name("B"))))),
        ("'not an expression'", Const("not an expression")),
        ("'Dict[str, Room]'", Item(Name("Dict"), Group("tuple", (Name("str"), Name("Room"))))),
    ],
)
def test_annotations(annotation: str, expected: object) -> None:
    (step,) = steps(f"x: {annotation}\n")
    assert isinstance(step, Assign)
    assert (step.value, step.annotation) == (None, expected)


def test_called_and_stored() -> None:
    found = function(read("def f(x):\n    a.b.c(d())\n    x.y = self.z.w = 1\n    e(1)(2)\n"), "f")
    assert found.called == ("c", "d", "e")
    assert found.stored == ("w", "y")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("-1", Const(-1)),
        ("a + 1", Opaque(())),
        ("'x' * 3 + f'{y}'", Opaque(())),
        ("a.b + c()", Opaque((Attr(Name("a"), "b", Span(1, 5, 1, 8)), Call(Name("c"), (), (), Span(1, 11, 1, 14))))),
        ("f'{g()} {w:{h()}}'", Opaque((Call(Name("g"), (), (), Span(1, 8, 1, 11)), Call(Name("h"), (), (), Span(1, 17, 1, 20))))),
        ("a < b < c", Opaque(())),
        ("a is not b", Compare(Name("a"), "is not", Name("b"), Span(1, 5, 1, 15))),
        ("b if a else c", IfElse(Name("a"), Name("b"), Name("c"))),
        ("{1: a, **b, 2: c}", Group("dict", (Const(1), Const(2), Name("a"), Name("c"), Star(Name("b"))))),
        ("a[1:b]", Item(Name("a"), Opaque(()), Span(1, 5, 1, 11))),
        ("(y := a)", Walrus("y", Name("a"))),
        ("lambda: 1", Lambda("<lambda:1:5>")),
        ("...", Const(None)),
        ("b'x'", Const(None)),
        ("1j", Const(None)),
        (str(2**70), Const(None)),
        ("'" + "x" * 300 + "'", Const("x" * 200)),
        ("'\\ud800'", Const("?")),
    ],
)  # fmt: skip
def test_expressions(expression: str, expected: object) -> None:
    assert value(expression) == expected


def test_what_cannot_matter_is_dropped() -> None:
    found = steps("""
        def f(a, b):
            "doc"
            a
            a + b
            a[b]
            if a: pass
            while not b: pass
            a.b
            [c for c in a]
            [c for c in a if c()]
    """, "f")  # fmt: skip
    assert [type(step) for step in found] == [Do, Do, Do]
    kept = [type(step.value) for step in found if isinstance(step, Do)]
    assert [kind.__name__ for kind in kept] == ["Item", "Attr", "Comprehension"]


def test_flat_order() -> None:
    found = steps("""
        async def f(a):
            @deco(1)
            def g(x=default()): pass
            async with a.lock as held, other():
                async for x in a.items():
                    await x
            try:
                return a.b
            except (E, F) as e:
                yield e
            finally:
                match a.c():
                    case {"k": v, **rest} if v.ok: pass
                    case [p, *q] | (p, q): pass
                    case _: done()
    """, "f")  # fmt: skip
    found = flatten(found)
    kinds = [type(step) for step in found]
    assert kinds == [Do, Do, Define, Enter, Enter, Iterate, Do, Return, Caught, Do, Do, Bound, Do, Bound, Do]
    assert isinstance(found[3], Enter)
    assert found[3].is_async
    assert found[3].target == Name("held")
    assert isinstance(found[6], Do)
    assert isinstance(found[6].value, Await)
    assert found[8] == Caught(Group("tuple", (Name("E"), Name("F"))), "e")
    assert isinstance(found[9], Do)
    assert isinstance(found[9].value, Yield)
    assert (found[11], found[13]) == (Bound(("v", "rest")), Bound(("p", "q")))


def test_columns_count_code_points() -> None:
    (step,) = steps("é = '🔒'; ü = ß.ö('é', x())")[1:]
    assert isinstance(step, Assign)
    assert step.span == Span(1, 10, 1, 27)
    assert isinstance(step.value, Call)
    assert step.value.span == Span(1, 14, 1, 27)
    assert step.value.args[1] == Call(Name("x"), (), (), Span(1, 23, 1, 26))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    text = end.join(["x = 1", "\x0cdef f():", "\tg('\u2028', '''", "''')", "h()", ""])
    facts = extract(text, visit_all=True)
    assert facts == extract(text.replace(end, "\n"), visit_all=True)
    assert facts.lines == 5
    (step,) = function(facts, "f").nodes()
    assert isinstance(step, Do)
    assert isinstance(step.value, Call)
    assert step.value.span == Span(2, 2, 3, 5)
    assert function(facts, "f").above == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n        with\\\n\\\\",
        "x = (\n",
        'x = """',
        "if x:\n",
        "x = 1 +\\\n",
        "\n\n  x",
        "def f(\\\n\\\n",
        "é = 'é\n",
    ],
)
def test_a_fault_lies_in_the_text(text: str) -> None:
    """A line that goes on in the next: Python counts columns from where it began."""
    fault = index(text).fault
    assert fault is not None
    lines = text.split("\n")
    for row, column in ((fault.span.row, fault.span.column), (fault.span.end_row, fault.span.end_column)):
        assert 1 <= row <= len(lines)
        assert 1 <= column <= len(lines[row - 1]) + 1


def test_one_identifier_in_two_spellings() -> None:
    (one,), (other,) = steps("ﬁ = ﬁ"), steps("fi = fi")
    assert isinstance(one, Assign)
    assert isinstance(other, Assign)
    assert (one.targets, one.value) == (other.targets, other.value)


def test_comments() -> None:
    facts = read("""\
        # lockcheck: disable-file
        x = "# noqa"  # NOQA: E501
        f(
            1,  # not this
            2,  # noqa
        )
        def g():
            # lockcheck: ignore[x]
            return 1 # other
        y = '''
        # noqa
        '''  # noqa: a
        @d
        class A:
            z = (1 +
                 2)  # noqa: b
        # noqa: end""")
    assert [(item.text, item.row, item.column, item.first_row, item.last_row) for item in facts.comments] == [
        ("# lockcheck: disable-file", 1, 1, 1, 1),
        ("# NOQA: E501", 2, 15, 2, 2),
        ("# noqa", 5, 9, 3, 6),
        ("# lockcheck: ignore[x]", 8, 5, 8, 8),
        ("# noqa: a", 12, 6, 10, 12),
        ("# noqa: b", 16, 14, 15, 16),
        ("# noqa: end", 17, 1, 17, 17),
    ]


def test_comments_where_statements_share_rows() -> None:
    facts = read("x = '''\n'''; y = 1  # noqa: a\nz = \\\n 2  # noqa: b\n")
    assert [(item.row, item.first_row, item.last_row) for item in facts.comments] == [(2, 1, 2), (4, 3, 4)]


@pytest.mark.parametrize("text", ["x = (", "def f(:\n", "x = 1\n  y = 2\n", "x = '\x00'", "\ud800", "((" * 300])
def test_what_is_not_python(text: str) -> None:
    facts = index(text)
    assert facts.fault is not None
    assert facts.functions == ()
    assert facts.fault.message


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python knows the syntax")
def test_a_newer_python_is_named() -> None:
    fault = index("x = t'{y}'\n").fault
    assert fault is not None
    assert "Python 3.14" in fault.message
    assert "Python" not in index("try: pass\nexcept A, e: pass\n").fault.message  # type: ignore[union-attr]


def test_too_deep_is_no_fault() -> None:
    with pytest.raises(TooDeep):
        index("x = f" + "()" * 2500 + "\n")
    with pytest.raises(TooDeep):
        index("x = " + "a.b" + ".c" * 100_000 + "\n")


def test_long_sums_and_elifs_are_not_deep() -> None:
    assert index("x = " + "a() + " * 700 + "a()\n").fault is None
    assert index("if a(): pass\n" + "elif b(): pass\n" * 300).fault is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("with self.lock: pass", True),
        ("with open(p) as f: pass", False),
        ("with open(p) as f, lock: pass", True),
        ("with mock.patch('x'), pytest.raises(E): pass", False),
        ("async with session.get(u): pass", True),
        ("x.acquire_write()", True),
        ("d.get(k)", False),
        ("d.get(k, None)", False),
        ("q.get()", True),
        ("q.get(True, 5)", True),
        ("q.get(timeout=t)", True),
        ("','.join(x)", False),
        ("sep.join(x)", False),
        ("t.join()", True),
        ("t.join(5)", True),
        ("t.join(self.timeout)", True),
        ("q.put(x)", True),
        ("f.result()", True),
        ("x = threading.RLock()", True),
        ("asyncio.create_task(f())", True),
        ("return a + b.c(d)", False),
        ("x = lambda: lock.acquire()", False),
    ],
)
def test_what_qualifies(body: str, expected: bool) -> None:
    assert function(read(f"async def f():\n    {body}\n"), "f").qualifies is expected


def test_lambdas_and_bodies_qualify_for_themselves() -> None:
    facts = read("x = lambda: lock.acquire()\nclass A:\n    lock = Lock()\n")
    assert [item.qualifies for item in facts.functions] == [False, True, True]


def test_facts_are_a_function_of_the_text() -> None:
    text = "class A:\n    def f(self):\n        with self.x: self.b, self.a, self.c = g(), h(), i()\n"
    assert extract(text) == extract(text)
    assert [item.visited for item in extract(text).functions] == [False, False, True]


def test_contracts_and_the_functions_they_belong_to() -> None:
    facts = read("""
        # lockcheck: holds LOCK
        # (a comment in between)
        @decorated
        def above():
            pass

        def inside():  # lockcheck: no-locks
            "Doc."
            # lockcheck: holds a.b, c
            def nested():
                pass

        class Store:
            def first(self):
                "Doc."

                # lockcheck: holds self._lock  # since nobody else may
                self.go()
    """)
    said = [(item.kind, item.spelled, item.name, item.first_row, item.span.row) for item in facts.contracts]
    assert said == [
        ("holds", "LOCK", "above", 4, 2),
        ("no-locks", "", "inside", 8, 8),
        ("holds", "a.b, c", "nested", 11, 10),
        ("holds", "self._lock", "first", 15, 18),
    ]
    assert not any(item.fault for item in facts.contracts)
    assert [name.id for name in facts.contracts[2].locks[1:] if isinstance(name, Name)] == ["c"]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # lockcheck: no-locks\n",
        "# lockcheck: holds LOCK\n\nx = 1\n",
        "def f():\n    x = 1\n    # lockcheck: no-locks\n",
        "def f():  # lockcheck: holds\n    pass\n",
        "def f():  # lockcheck: holds a b\n    pass\n",
        "def f():  # lockcheck: holds a.\n    pass\n",
        "def f():  # lockcheck: Holds a\n    pass\n",
        "def f():  # lockcheck:\n    pass\n",
    ],
)
def test_contracts_that_say_nothing(text: str) -> None:
    (contract,) = index(text).contracts
    assert contract.fault
    assert not contract.kind


def test_a_suppression_is_no_contract() -> None:
    facts = index("# lockcheck: noqa\ndef f():  # noqa: LCK101\n    'lockcheck: holds x'\n")
    assert not facts.contracts
