from __future__ import annotations

from html import unescape
from pathlib import Path
from re import sub

import pytest

import labserver as lab
from labserver.errors import LabError

PROGRAM = '''"""A program,
of some lines."""


def greet(name):
    return f"<{name}>"
'''


@pytest.fixture(autouse=True)
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a notebook, with a program beside it."""
    folder = tmp_path / "notebooks"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "greet.py").write_text(PROGRAM)
    monkeypatch.chdir(folder)
    return folder


def test_the_text_is_the_program() -> None:
    assert repr(lab.source("code/greet.py")) == PROGRAM.rstrip("\n")


def test_some_lines_of_it() -> None:
    assert repr(lab.source("code/greet.py", (5, 6))) == ('def greet(name):\n    return f"<{name}>"')


def test_the_page_has_the_same_lines_with_their_numbers_and_colours() -> None:
    html = lab.source("code/greet.py", (2, 6))._repr_html_()
    _, _, body = html.partition("<pre")
    text = unescape(sub("<[^>]+>", "", body.partition(">")[2]))
    assert [line[:1] for line in text.splitlines()[:5]] == ["2", "3", "4", "5", "6"]
    assert "lines 2–6" in html
    assert '<span class="sd">of some lines' in html  # the docstring began above
    assert '<span class="k">def</span>' in html
    assert "--jp-mirror-editor-keyword-color" in html
    assert "<{name}>" not in html


@pytest.mark.parametrize("lines", [(0, 2), (3, 2), (5, 7), (-1, 2)])
def test_lines_that_are_not_there_are_refused(lines: tuple[int, int]) -> None:
    with pytest.raises(LabError, match="has lines 1 to 6"):
        lab.source("code/greet.py", lines)


@pytest.mark.parametrize("path", ["code/missing.py", "code", ""])
def test_a_file_that_is_not_there_is_told(path: str) -> None:
    with pytest.raises(LabError, match="There is no file"):
        lab.source(path)


@pytest.mark.parametrize("path", ["../secret.py", "/etc/passwd", "code/../../secret.py", "link.py"])
def test_a_file_outside_the_notebooks_folder_is_refused(path: str, lesson: Path) -> None:
    (lesson.parent / "secret.py").write_text("secret")
    (lesson / "link.py").symlink_to(lesson.parent / "secret.py")
    with pytest.raises(LabError, match="outside the notebook's folder"):
        lab.source(path)


def test_what_is_no_text_is_refused(lesson: Path) -> None:
    (lesson / "code" / "picture.py").write_bytes(b"\xff\xfe")
    with pytest.raises(LabError, match="UTF-8"):
        lab.source("code/picture.py")


def test_what_is_too_long_to_be_read_is_refused(lesson: Path) -> None:
    (lesson / "code" / "long.py").write_text("x\n" * 100_000)
    with pytest.raises(LabError, match="no program to read"):
        lab.source("code/long.py")


def test_an_empty_file_is_told(lesson: Path) -> None:
    (lesson / "code" / "empty.py").touch()
    with pytest.raises(LabError, match="is empty"):
        lab.source("code/empty.py")


def test_a_file_of_an_unknown_kind_is_shown_without_colours(lesson: Path) -> None:
    (lesson / "code" / "notes.unknown").write_text("a < b\n")
    assert "a &lt; b" in lab.source("code/notes.unknown")._repr_html_()
