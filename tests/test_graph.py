"""`lockcheck graph`: the order of locks in all its forms."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lockcheck.ui.render.graph.layers import layered
from tests.conftest import Lockcheck, Write
from tests.programs import BANK, GATE, HARM, HARMFUL_NAME, many

BOTH_IN_ONE_THREAD = """\
import threading

A = threading.Lock()
B = threading.Lock()


def _there() -> None:
    with A, B:
        print("there")


def _back() -> None:
    with B, A:
        print("back")


def _run() -> None:
    while True:
        _there()
        _back()


threading.Thread(target=_run, daemon=True).start()
"""

THREE = """\
import threading

A = threading.Lock()
B = threading.Lock()
C = threading.Lock()


def one() -> None:
    with A, B:
        print(1)


def two() -> None:
    with B, C:
        print(2)


def three() -> None:
    with C, A:
        print(3)
"""


def graph(lockcheck: Lockcheck, *arguments: str) -> dict[str, Any]:
    run = lockcheck("graph", "--output-format", "json", *arguments)
    assert (run.status, run.err) == (0, "")
    found: dict[str, Any] = json.loads(run.out)
    return found


def edges(drawn: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    names = {lock["id"]: lock["name"] for lock in drawn["locks"]}
    return {(names[edge["outer"]], names[edge["inner"]]): edge for edge in drawn["edges"]}


def steps(chain: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    return [(step["what"], step["location"]["row"], step["source"]) for step in chain]


def test_both_sides_of_a_nesting_are_told_call_by_call(write: Write, lockcheck: Lockcheck) -> None:
    write({"bank.py": BANK})
    drawn = graph(lockcheck)
    found = edges(drawn)
    assert set(found) == {("Bank._accounts_lock", "Bank._audit_lock"), ("Bank._audit_lock", "Bank._accounts_lock")}
    (nesting,) = found["Bank._audit_lock", "Bank._accounts_lock"]["nestings"]
    assert nesting["function"] == "bank.Bank.replay"
    assert steps(nesting["holds"]) == [("takes", 15, "with self._audit_lock:")]
    assert steps(nesting["takes"]) == [("calls", 16, "self._zero()"), ("takes", 19, "with self._accounts_lock:")]


def test_locks_are_told_with_kind_and_place_and_who_takes_them(write: Write, lockcheck: Lockcheck) -> None:
    write({"bank.py": BANK})
    accounts, audit = graph(lockcheck)["locks"]
    assert (accounts["kind"], accounts["reentrant"], accounts["made"]["location"]["row"]) == (
        "threading.Lock",
        False,
        6,
    )
    assert (audit["kind"], audit["reentrant"], audit["made"]["source"]) == (
        "threading.RLock",
        True,
        "self._audit_lock = threading.RLock()",
    )
    assert [use["function"] for use in accounts["taken_in"]] == ["bank.Bank._zero", "bank.Bank.deposit"]


def test_a_cycle_that_can_happen_is_marked_with_one_way_for_each_side(write: Write, lockcheck: Lockcheck) -> None:
    write({"three.py": THREE})
    drawn = graph(lockcheck)
    assert {edge["verdict"] for edge in drawn["edges"]} == {"cycle"}
    (cycle,) = drawn["cycles"]
    assert len(cycle["sides"]) == 3
    ends = [side["nesting"]["takes"][-1]["text"] for side in cycle["sides"]]
    starts = [side["nesting"]["holds"][0]["text"] for side in cycle["sides"]]
    assert ends == starts[1:] + starts[:1]


@pytest.mark.parametrize(
    ("program", "reason"),
    [(GATE, "`Switch._gate` is held around both sides"), (BOTH_IN_ONE_THREAD, "one thread")],
)
def test_a_cycle_that_cannot_happen_is_ruled_out_with_its_reason(
    write: Write, lockcheck: Lockcheck, program: str, reason: str
) -> None:
    write({"a.py": program})
    drawn = graph(lockcheck)
    assert drawn["cycles"] == []
    ruled_out = [edge for edge in drawn["edges"] if edge["verdict"] == "ruled-out"]
    assert len(ruled_out) == 2
    assert all(reason in " ".join(edge["reasons"]) for edge in ruled_out)


def test_paths_choose_what_is_drawn_of_the_project(write: Write, lockcheck: Lockcheck) -> None:
    write({"lockcheck.toml": "", "bank.py": BANK, "sub/gate.py": GATE})
    assert len(graph(lockcheck)["locks"]) == 5
    assert {lock["name"].partition(".")[0] for lock in graph(lockcheck, "sub")["locks"]} == {"Switch"}


def test_graphviz_and_mermaid_show_the_cycle(write: Write, lockcheck: Lockcheck) -> None:
    write({"bank.py": BANK})
    dot = lockcheck("graph").out
    assert dot.startswith('digraph "lock order" {\n')
    assert r'l0 [label="Bank._accounts_lock\nthreading.Lock\nbank.py:6"' in dot
    assert 'l0 -> l1 [color="#dc2626", penwidth=2, label="1 place"' in dot
    mermaid = lockcheck("graph", "--output-format", "mermaid").out
    assert mermaid.splitlines()[:2] == ["flowchart LR", '  l0["Bank._accounts_lock<br/>threading.Lock<br/>bank.py:6"]']
    assert '  l1 -->|"1 place"| l0' in mermaid
    assert "  linkStyle 0,1 stroke:#dc2626,stroke-width:2px" in mermaid


def test_names_cannot_leave_their_label(write: Write, lockcheck: Lockcheck) -> None:
    write({'a"];x[label="b.py': BANK})
    dot = lockcheck("graph").out
    label = re.search(r'l0 \[label="((?:[^"\\]|\\.)*)", tooltip="((?:[^"\\]|\\.)*)", color="#dc2626"\];', dot)
    assert label is not None
    assert r"a\"];x[label=\"b.py:6" in label[1]
    assert 'a#34;#93;#59;x#91;label#61;#34;b.py:6"]' in lockcheck("graph", "--output-format", "mermaid").out


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True, capture_output=True)


def test_review_tells_the_edges_that_a_change_adds(write: Write, lockcheck: Lockcheck) -> None:
    before, _, after = BANK.partition("    def replay")
    root = write({"src/bank.py": before, "src/gone.py": THREE.partition("def two")[0]})
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "before")
    assert "not taken so before" in lockcheck("graph", "--since", "HEAD").out
    (root / "src/bank.py").write_text(f"{before}    def replay{after}")
    (root / "src/gone.py").unlink()
    status = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True).stdout
    run = lockcheck("graph", "--since", "HEAD")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("## Lock order since `HEAD`\n\n### New: `Bank._audit_lock` → `Bank._accounts_lock`\n")
    assert "**This closes a cycle: a deadlock can happen.**" in run.out
    assert "   - `src/bank.py:16` calls `_zero`: `self._zero()`\n" in run.out
    assert "### Nestings that were there before and lie on a cycle now\n\n- `Bank._accounts_lock` →" in run.out
    assert run.out.endswith("### Nestings that are gone\n\n- `A` → `B`\n")
    assert subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True).stdout == status


def test_review_of_what_git_does_not_know_is_a_complaint(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": BANK})
    git("init", "-q")
    for ref in ("nowhere", "--output=x"):
        run = lockcheck("graph", f"--since={ref}")
        assert (run.status, run.out) == (2, "")
        assert f"there is no commit `{ref}`" in run.err


def test_it_can_be_written_to_a_file(write: Write, lockcheck: Lockcheck) -> None:
    root = write({"a.py": BANK})
    assert lockcheck("graph", "-o", "g.dot") == (0, "", "")
    assert (root / "g.dot").read_text() == lockcheck("graph").out
    run = lockcheck("graph", "-o", "no/where/g.dot")
    assert (run.status, run.out) == (2, "")
    assert "g.dot: cannot be written" in run.err


def test_what_could_not_be_read_is_said_and_the_rest_is_drawn(write: Write, lockcheck: Lockcheck) -> None:
    write({"a.py": BANK, "b.py": b"\xff"})
    run = lockcheck("graph")
    assert run.status == 2
    assert "Bank._audit_lock" in run.out
    assert "b.py: cannot be decoded" in run.err


class Page(HTMLParser):
    """What a browser makes of the page, as far as it matters here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = "" if tag else self._open

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def page(lockcheck: Lockcheck) -> Page:
    run = lockcheck("graph", "--output-format", "html")
    assert (run.status, run.err) == (0, "")
    return Page(run.out)


def classed(drawn: Page, word: str) -> int:
    return sum(word in (attributes.get("class") or "").split() for _, attributes in drawn.tags)


@pytest.mark.parametrize("number", [0, 1, 600])
def test_page_shows_every_lock(write: Write, lockcheck: Lockcheck, number: int) -> None:
    write({"many.py": many(number)})
    drawn = page(lockcheck)
    data = json.loads(drawn.inside["script"][0])
    assert classed(drawn, "lock") == len(data["locks"]) == number
    assert classed(drawn, "edge") == len(data["edges"])
    boxes = [tuple(float(rect[key] or 0) for key in ("x", "y", "width", "height")) for rect in drawn.all("rect")]
    places = {(x, y) for x, y, _, _ in boxes}
    assert len(places) == number
    (svg,) = [each for each in drawn.all("svg") if each.get("id") == "picture"]
    assert all(
        x >= 0 and x + w <= float(svg["data-width"] or 0) + 1 and y + h <= float(svg["data-height"] or 0) + 1
        for x, y, w, h in boxes
    )


def test_page_needs_nothing_but_itself(write: Write, lockcheck: Lockcheck) -> None:
    write({"bank.py": BANK})
    drawn = page(lockcheck)
    loading = [
        a for tag, a in drawn.tags if tag in ("link", "img", "iframe", "object", "embed", "base", "image", "use")
    ]
    assert loading == []
    assert not any(key in a for _, a in drawn.tags for key in ("src", "href", "xlink:href", "style"))
    assert not any(key.startswith("on") for _, a in drawn.tags for key in a)
    assert "url(" not in drawn.inside["style"][0].replace("url(#", "")
    (policy,) = [a["content"] or "" for a in drawn.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    for text in (drawn.inside["script"][1], drawn.inside["style"][0]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_nothing_of_the_program_becomes_markup(
    write: Write, lockcheck: Lockcheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({f"{HARMFUL_NAME}/harm.py": HARM, f"{HARMFUL_NAME}/<b onclick=x>.py": BANK})
    monkeypatch.chdir(root / HARMFUL_NAME)
    drawn = page(lockcheck)
    assert [tag for tag, _ in drawn.tags if tag in ("img", "b", "i")] == []
    assert len(drawn.inside["script"]) == 2
    assert "<" not in drawn.inside["script"][0]
    data = json.loads(drawn.inside["script"][0])
    told = json.dumps(data, ensure_ascii=False)
    assert "</script><script>window.hurt" in told  # it is there, as a text
    assert "{{data}}" in told


def test_page_is_the_same_every_time(write: Write, lockcheck: Lockcheck) -> None:
    write({"many.py": many(60), "three.py": THREE})
    first = lockcheck("graph", "--output-format", "html", "--no-cache", "-j", 1).out
    assert lockcheck("graph", "--output-format", "html", "--no-cache", "-j", 2).out == first


def test_layers_lead_from_left_to_right_and_keep_their_distance() -> None:
    random_numbers = random.Random(1)
    for size in (1, 2, 5, 40):
        arcs = sorted({(a, b) for a in range(size) for b in random_numbers.sample(range(size), min(size, 3)) if a != b})
        laid = layered(size, arcs, 50.0)
        for a, b in arcs:
            left, right = (b, a) if (a, b) in laid.turned else (a, b)
            assert laid.layer[left] < laid.layer[right]
            assert len(laid.bends[a, b]) == laid.layer[right] - laid.layer[left] - 1
        for column in set(laid.layer):
            heights = sorted(h for layer, h in zip(laid.layer, laid.height, strict=True) if layer == column)
            assert all(below - above >= 50.0 - 1e-6 for above, below in itertools.pairwise(heights))


def test_a_graph_without_cycles_has_no_arrow_to_the_left() -> None:
    arcs = [(a, b) for a in range(12) for b in range(a + 1, 12, 3)]
    assert layered(12, arcs, 10.0).turned == frozenset()


def test_the_assets_are_in_the_package() -> None:
    import lockcheck.ui.render.graph as package

    folder = Path(package.__file__).parent
    assert {file.suffix for file in folder.glob("page.*")} == {".py", ".html", ".css", ".js"}
