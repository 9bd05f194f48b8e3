"""How the documentation of a rule is read."""

from __future__ import annotations

import pytest

from lockcheck.rules.document import DocumentError, ExampleFile, Mark, Step, parse_document

PAGE = """\
A lock is held too long.

## What it does
It says `# LCK101`.

```
## Bad is no heading here
```

## Bad: two files
The first one waits.

```python
# file: pkg/a.py
import pkg.b

with pkg.b.LOCK:  # (1)
    pkg.b.wait()  # it takes long  # LCK101 (2)
```

```python
# file: pkg/b.py
def wait(): ...  # (3)
```

## Fixed

```python
pass
```

## Bad

```python
first(); second()  # LCK101 x2 LCK201
third()  # noqa: LCK101
```

## Good: nothing
```python
print("# LCK101")
```
"""


def test_a_page_has_title_sections_and_examples() -> None:
    document = parse_document(PAGE, "page")
    assert document.title == "A lock is held too long."
    assert [section.heading for section in document.sections] == ["What it does"]
    assert "## Bad is no heading here" in (document.section("What it does") or "")
    assert document.section("Why") is None
    assert [(example.kind, example.title) for example in document.examples] == [
        ("bad", "two files"),
        ("fixed", ""),
        ("bad", ""),
        ("good", "nothing"),
    ]
    assert document.examples[0].prose == "The first one waits."
    assert document.examples[0].row == 10


def test_a_program_has_files_reports_and_steps() -> None:
    bad = parse_document(PAGE, "page").examples[0]
    assert bad.files == (
        ExampleFile("pkg/a.py", "import pkg.b\n\nwith pkg.b.LOCK:\n    pkg.b.wait()  # it takes long\n"),
        ExampleFile("pkg/b.py", "def wait(): ...\n"),
    )
    assert bad.reports == (Mark("pkg/a.py", 4, "LCK101"),)
    assert bad.steps == (Step("pkg/a.py", 3), Step("pkg/a.py", 4), Step("pkg/b.py", 1))


def test_a_row_can_be_marked_several_times() -> None:
    bad = parse_document(PAGE, "page").examples[2]
    assert [mark.code for mark in bad.reports] == ["LCK101", "LCK101", "LCK201"]
    assert bad.files[0].name == "example.py"
    assert bad.files[0].text == "first(); second()\nthird()  # noqa: LCK101\n"


def test_what_looks_like_a_mark_in_a_string_is_none() -> None:
    good = parse_document(PAGE, "page").examples[3]
    assert good.files[0].text == 'print("# LCK101")\n'


def test_a_fixed_program_belongs_to_the_bad_one_before_it() -> None:
    document = parse_document(PAGE, "page")
    assert document.repairs() == ((document.examples[0], document.examples[1]),)


def test_a_title_may_be_a_heading() -> None:
    assert parse_document("# Gate locks\n", "page").title == "Gate locks"


def bad(*lines: str) -> str:
    return "\n".join(["Title", "## Bad", "```python", *lines, "```", ""])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "page: the document is empty"),
        ("## Bad\n", "page:1: the first line must be the title"),
        ("Title\n## Good\n```python\npass\n", "page:3: this fenced block is never closed"),
        ("Title\n## Good\n", "page:2: there is no program under 'Good'"),
        ("Title\n## Good\n```python\n\n```\n", "page:3: this program is empty"),
        ("Title\n## Good\n```toml\na = 1\n```\n", "page:3: this block must begin with a line `# file: "),
        ("Title\n## Fixed\n```python\npass\n```\n", "page:2: a Fixed program must follow the Bad one"),
        ("Title\n## Good\n```python\nf()  # LCK101\n```\n", "page:2: a Good program has no marks"),
        (bad("f()"), "page:2: a Bad program needs a mark"),
        (bad("f()  # LCK101: it waits"), "page:4: cannot read the marks in '# LCK101: it waits'"),
        (bad("f()  # LCK101 (2)"), r"page:2: the steps must be numbered from 1, each number once; found \[2\]"),
        (bad("f()  # LCK101 (1)", "f()  # LCK101"), "page:2: steps belong to one finding, but 2 reports"),
        (bad("# file: ../a.py", "f()  # LCK101"), "page:3: ../a.py must lie inside the program"),
        (bad("f()  # LCK101", "```", "```python", "g()"), "page:3: this block must begin with a line"),
        (
            bad("# file: a.py", "f()  # LCK101", "```", "```python", "# file: a.py", "g()"),
            "page:2: two files of this program have the same name",
        ),
    ],
)
def test_a_malformed_document_says_where_and_what(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        parse_document(text, "page")
