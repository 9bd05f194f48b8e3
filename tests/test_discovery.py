"""Which files make up a program, what they are called, and what is said of those that cannot be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lockcheck.app.discovery import Reading, Replacement, read
from lockcheck.app.project import locate
from tests.conftest import HAZARD, Lockcheck, Write


def reading(*paths: str, replacement: Replacement | None = None) -> Reading:
    return read(locate(paths, here=str(Path.cwd())), (replacement,) if replacement else ())


def shown(*paths: str) -> list[str]:
    return [source.display for source in reading(*paths).sources]


def modules(*paths: str) -> dict[str, str]:
    return {Path(source.display).as_posix(): source.module for source in reading(*paths).sources}


def test_program_is_the_project_of_the_nearest_configuration(write: Write) -> None:
    write({"lockcheck.toml": "", "a.py": "", "sub/b.py": "", ".git/x": ""})
    assert shown("sub") == ["a.py", "sub/b.py"]


def test_program_is_the_project_under_version_control(write: Write) -> None:
    write({".git/HEAD": "", "a.py": "", "sub/b.py": ""})
    assert shown("sub/b.py") == ["a.py", "sub/b.py"]


def test_plain_folder_is_a_project_of_its_own(write: Write) -> None:
    write({"elsewhere.py": "", "given/a.py": "", "given/pkg/__init__.py": ""})
    assert shown("given") == ["given/a.py", "given/pkg/__init__.py"]


def test_file_of_a_package_brings_its_whole_package_and_nothing_else(write: Write) -> None:
    write({"other.py": "", "pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/sub/a.py": "", "pkg/b.py": ""})
    assert shown("pkg/sub/a.py") == ["pkg/__init__.py", "pkg/b.py", "pkg/sub/__init__.py", "pkg/sub/a.py"]
    assert shown("other.py") == ["other.py"]


def test_only_the_given_paths_are_reported(write: Write, lockcheck: Lockcheck) -> None:
    write({".git/HEAD": "", "a.py": HAZARD, "sub/b.py": HAZARD})
    run = lockcheck("--output-format", "concise", "sub")
    assert [line.partition(":")[0] for line in run.out.splitlines()] == ["sub/b.py"]


def test_folders_without_sources_are_left_out_unless_they_are_packages(write: Write) -> None:
    write(
        {
            "a.py": "",
            ".venv/b.py": "",
            "env/pyvenv.cfg": "",
            "env/c.py": "",
            "node_modules/d.py": "",
            "build/e.py": "",
            "pkg/__init__.py": "",
            "pkg/build/__init__.py": "",
            "pkg/build/f.py": "",
        }
    )
    assert shown(".") == ["a.py", "pkg/__init__.py", "pkg/build/__init__.py", "pkg/build/f.py"]


def test_default_exclusions_do_not_apply_to_what_lies_above_the_root(write: Write) -> None:
    write({"build/venv/given/a.py": ""})
    assert shown("build/venv/given") == ["build/venv/given/a.py"]


def test_folder_that_the_project_leaves_out_is_a_program_of_its_own_when_given(write: Write) -> None:
    write({".git/HEAD": "", ".gitignore": "/out/\n", "a.py": "", "out/pkg/__init__.py": "", "out/b.py": ""})
    assert shown(".") == ["a.py"]
    assert modules("out") == {"out/b.py": "b", "out/pkg/__init__.py": "pkg"}


def test_gitignore_files_hold_at_every_level(write: Write) -> None:
    write(
        {
            ".git/HEAD": "",
            ".gitignore": "*_pb2.py\n[z-a]\n/top.py\n",
            "x_pb2.py": "",
            "top.py": "",
            "sub/.gitignore": "!kept_pb2.py\nlocal/\n",
            "sub/kept_pb2.py": "",
            "sub/gone_pb2.py": "",
            "sub/top.py": "",
            "sub/local/a.py": "",
            "sub/deep/kept_pb2.py": "",
        }
    )
    assert shown("sub") == ["sub/deep/kept_pb2.py", "sub/kept_pb2.py", "sub/top.py"]
    Path("lockcheck.toml").write_text("respect-gitignore = false")
    assert len(shown(".")) == 7


def test_exclude_and_extend_exclude(write: Write) -> None:
    write({"lockcheck.toml": "extend-exclude = ['gen', '*_old.py']", "a.py": "", "gen/b.py": "", "x/c_old.py": ""})
    assert shown(".") == ["a.py"]
    Path("lockcheck.toml").write_text("exclude = ['x/']")
    assert shown(".") == ["a.py", "gen/b.py"]


def test_pattern_may_begin_as_paths_do(write: Write) -> None:
    write(
        {"lockcheck.toml": "exclude = ['./gen', './a.py']", "a.py": "", "gen/b.py": "", "x/gen/c.py": "", "x/a.py": ""}
    )
    assert shown(".") == ["x/a.py", "x/gen/c.py"]


def test_file_given_by_name_is_read_even_where_excluded(write: Write) -> None:
    write({"lockcheck.toml": "extend-exclude = ['gen']", "gen/b.py": "", "gen/script": "", "gen/c.py": ""})
    assert shown("gen/b.py", "gen/script") == ["gen/b.py", "gen/script"]


def test_names_of_packages_source_folders_and_loose_modules(write: Write) -> None:
    write(
        {
            "lockcheck.toml": "",
            "src/app/__init__.py": "",
            "src/app/core.py": "",
            "src/ns/part/__init__.py": "",
            "lib/tool/__init__.py": "import tool.x",
            "lib/tool/x.py": "",
            "lib/tool/data/loose.py": "",
            "tests/test_a.py": "import helper",
            "tests/helper.py": "",
            "setup.py": "",
            "my-script.py": "",
        }
    )
    assert modules(".") == {
        "src/app/__init__.py": "app",
        "src/app/core.py": "app.core",
        "src/ns/part/__init__.py": "ns.part",
        "lib/tool/__init__.py": "tool",
        "lib/tool/x.py": "tool.x",
        "lib/tool/data/loose.py": "tool.data.loose",
        "tests/test_a.py": "tests.test_a",
        "tests/helper.py": "helper",
        "setup.py": "setup",
        "my-script.py": "my-script",
    }


def test_configured_source_roots_name_namespace_packages(write: Write) -> None:
    write({"lockcheck.toml": "src = ['python']", "python/ns/pkg/__init__.py": "", "python/ns/a.py": ""})
    assert modules(".") == {"python/ns/pkg/__init__.py": "ns.pkg", "python/ns/a.py": "ns.a"}


def test_a_module_that_is_no_package_may_have_submodules(write: Write, lockcheck: Lockcheck) -> None:
    write(
        {
            "a.py": "__path__ = [__file__[:-3]]\n",
            "a/b.py": "import time\n\n\ndef work():\n    time.sleep(5)\n",
            "main.py": "import threading\nimport a.b\nLOCK = threading.Lock()\n\n\ndef f():\n    with LOCK:\n        a.b.work()\n",
        }
    )
    assert lockcheck("--output-format", "concise", ".").out.startswith("main.py:8:9: LCK202 ")


def test_imports_reveal_a_namespace_package(write: Write) -> None:
    write(
        {
            "lockcheck.toml": "",
            "python/cloud/storage/__init__.py": "from cloud.storage import (\n    blob,\n)\n",
            "python/cloud/storage/blob.py": "",
            "python/plain/__init__.py": "",
        }
    )
    assert modules(".") == {
        "python/cloud/storage/__init__.py": "cloud.storage",
        "python/cloud/storage/blob.py": "cloud.storage.blob",
        "python/plain/__init__.py": "plain",
    }


def test_unpacked_wheel(write: Write) -> None:
    write({"x/ns/pkg/__init__.py": "", "x/ns/pkg/a.py": "", "x/ns_pkg-1.0.dist-info/METADATA": "", "x/alone.py": ""})
    assert modules("x") == {"x/ns/pkg/__init__.py": "ns.pkg", "x/ns/pkg/a.py": "ns.pkg.a", "x/alone.py": "alone"}


def test_package_given_as_folder_keeps_its_name(write: Write) -> None:
    write({"pkg/__init__.py": "", "pkg/a.py": ""})
    assert modules("pkg") == {"pkg/__init__.py": "pkg", "pkg/a.py": "pkg.a"}


def test_files_of_one_name_are_kept_apart_as_whole_packages(write: Write) -> None:
    write({f"{folder}/pkg/{name}.py": "" for folder in ("x/one", "x/two") for name in ("__init__", "a")})
    assert modules("x") == {
        "x/one/pkg/__init__.py": "pkg",
        "x/one/pkg/a.py": "pkg.a",
        "x/two/pkg/__init__.py": "two.pkg",
        "x/two/pkg/a.py": "two.pkg.a",
    }


def test_source_stands_for_its_stub(write: Write) -> None:
    write({"x/a.py": "", "x/a.pyi": "", "x/b.pyi": ""})
    assert modules("x") == {"x/a.py": "a", "x/b.pyi": "b"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbfx = '\xc3\xa4'\r\n", "x = 'ä'\n"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe4'\n", "# -*- coding: latin-1 -*-\nx = 'ä'\n"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'", None),
        (b"\xef\xbb\xbf# coding: utf-8\nx = '\xc3\xa4'", "# coding: utf-8\nx = 'ä'"),
        (b"a\rb\r\nc\n", "a\nb\nc\n"),
        (b"", ""),
    ],
)
def test_texts_are_decoded_as_python_does(write: Write, content: bytes, text: str | None) -> None:
    write({"x/a.py": content})
    (source,) = reading("x").sources
    assert source.text == text if text is not None else "€" in source.text


@pytest.mark.parametrize(
    "content",
    [b"x = '\xe4'\n", b"# coding: klingon\n", b"# coding: utf-8\nx = '\xe4'\n", b"\xef\xbb\xbf# coding: latin-1\n"],
)
def test_undecodable_file_is_named_and_the_rest_goes_on(write: Write, lockcheck: Lockcheck, content: bytes) -> None:
    write({"bad.py": content, "good.py": HAZARD})
    run = lockcheck("--output-format", "concise", ".")
    assert run.status == 2
    assert run.out.startswith("good.py:9:9: LCK101 ")
    assert run.err.startswith("lockcheck: bad.py: cannot be decoded: ")


def test_path_that_is_not_there_is_named_and_the_rest_goes_on(write: Write, lockcheck: Lockcheck) -> None:
    write({"good.py": HAZARD})
    run = lockcheck("--output-format", "concise", "good.py", "nowhere.py")
    assert (run.status, run.err) == (2, "lockcheck: nowhere.py: no such file or folder\n")
    assert "LCK101" in run.out


def test_folder_with_the_name_of_a_module(write: Write) -> None:
    write({"x/folder.py/inner.py": ""})
    assert shown("x") == ["x/folder.py/inner.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links and pipes")
def test_links_and_pipes_are_safe(write: Write) -> None:
    root = write({"x/a.py": "", "outside/b.py": ""})
    (root / "x/loop").symlink_to(root / "x")
    (root / "x/again.py").symlink_to(root / "x/a.py")
    (root / "x/dangling.py").symlink_to(root / "nowhere.py")
    (root / "x/linked.py").symlink_to(root / "outside/b.py")
    os.mkfifo(root / "x/pipe.py")
    found = reading("x")
    assert [source.display for source in found.sources] == ["x/a.py", "x/linked.py"]
    assert found.failures == ()


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_folder_that_is_a_link_is_looked_into_where_it_is_named(write: Write) -> None:
    root = write({"x/lockcheck.toml": "", "x/a.py": "", "outside/b.py": "", "outside/c/d.py": ""})
    (root / "x/link").symlink_to(root / "outside")
    assert shown("x") == ["x/a.py"]
    assert shown("x/link") == ["x/link/b.py", "x/link/c/d.py"]
    assert shown("x/link/c") == ["x/link/c/d.py"]
    assert sorted(shown("x", "x/link")) == ["x/a.py", "x/link/b.py", "x/link/c/d.py"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable_file_is_named_and_the_rest_goes_on(write: Write) -> None:
    root = write({"x/a.py": "", "x/b.py": ""})
    (root / "x/a.py").chmod(0)
    found = reading("x")
    assert [source.display for source in found.sources] == ["x/b.py"]
    assert [Path(failure.what).name for failure in found.failures] == ["a.py"]


def test_absolute_paths_are_shown_absolute(write: Write) -> None:
    root = write({"x/a.py": ""})
    assert shown(str(root / "x")) == [str(root / "x/a.py")]


def test_home_and_temporary_folders_are_never_a_project(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({".git/HEAD": "", "private.py": "", "given/a.py": ""})
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("USERPROFILE", str(root))
    assert shown("given") == ["given/a.py"]


def test_replacement_stands_for_a_file_that_need_not_exist(write: Write) -> None:
    root = write({"pkg/__init__.py": "", "pkg/a.py": "old"})
    for name in ("a.py", "new.py"):
        found = reading(f"pkg/{name}", replacement=Replacement(str(root / "pkg" / name), "new"))
        assert {source.module: source.text for source in found.sources}[f"pkg.{name[:-3]}"] == "new"
        assert found.failures == ()
