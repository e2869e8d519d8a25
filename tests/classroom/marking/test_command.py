"""`labserver check`, as it is typed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from labserver.__main__ import main
from labserver.course.unpack import unpack
from tests.classroom.marking.books import EXERCISES, notebook, put

Write = Callable[..., Path]

NAME = "04_the_websocket_handshake"
SOLVED = EXERCISES / "solutions" / f"{NAME}.ipynb"


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_all_answers_right_exits_with_0() -> None:
    result = check(SOLVED)
    assert result.exit_code == 0
    assert "4 of 4 points; 2 of 2 exercises pass." in result.output


def test_one_wrong_answer_exits_with_1_and_says_what_is_wrong(write: Write) -> None:
    book = notebook(NAME, solved=True)
    put(book, "e08", "def accept_key(key):\n    return key\n")
    result = check(write(book, "mine.ipynb"))
    assert result.exit_code == 1
    assert "3 of 4 points" in result.output
    assert "✗ E08 accept_key: " in result.output


def test_by_default_the_notebooks_in_exercises_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exercises").mkdir()
    shutil.copy(EXERCISES / f"{NAME}.ipynb", tmp_path / "exercises")
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXERCISES / f"{NAME}.ipynb", tmp_path / "exercises" / "more.ipynb")
    monkeypatch.setenv("FORCE_COLOR", "1")  # even so, a bar is for a terminal
    result = check()
    assert result.exit_code == 1
    assert result.stderr == ""
    assert f"{NAME}.ipynb: 0 of 4 points; 0 of 2 exercises pass." in result.output


def test_a_copy_of_the_course_is_marked_from_within_and_from_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(tmp_path / "my-lab", EXERCISES.parent)
    own = tmp_path / "my-lab" / "exercises"
    for path in own.glob("*.ipynb"):
        path.unlink()
    shutil.copy(SOLVED, own)
    for beside in ("new", "old-2"):
        shutil.copy(EXERCISES / f"{NAME}.ipynb", own / f"{NAME}.{beside}.ipynb")
    (tmp_path / "exercises").mkdir()  # as in the repository, where these are the course's
    shutil.copy(EXERCISES / f"{NAME}.ipynb", tmp_path / "exercises")
    for folder in (tmp_path, tmp_path / "my-lab"):
        monkeypatch.chdir(folder)
        result = check()
        assert result.exit_code == 0, result.output
        assert "4 of 4 points; 2 of 2 exercises pass." in result.output


def test_a_folder_is_a_class(write: Write, tmp_path: Path) -> None:
    write(
        notebook(NAME, solved=True),
        f"class/alice_{NAME}.ipynb",
    )
    write(notebook(NAME), f"class/bob/{NAME}.ipynb")
    write("{", f"class/eve/{NAME}.ipynb")
    written = {name: tmp_path / f"marks.{name}" for name in ("html", "csv", "junit")}
    options = [f"--{name}={path}" for name, path in written.items()]
    result = check(tmp_path / "class", *options)
    assert result.exit_code == 1
    assert written["csv"].read_text(encoding="utf-8").splitlines() == [
        "learner,E08,E09,points,of,problems",
        "alice,1,3,4,4,",
        "bob,0,0,0,4,",
        f"eve,,,0,4,{NAME}.ipynb is not a notebook: its JSON is broken. Save it again.",
    ]
    assert "alice" in written["html"].read_text(encoding="utf-8")
    suites = ET.fromstring(written["junit"].read_text(encoding="utf-8"))
    assert [suite.get("errors") for suite in suites] == ["0", "0", "1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.ipynb"], "There is no none.ipynb."),
        ([SOLVED, "--csv=x.csv"], "--csv is for a class"),
        ([SOLVED, SOLVED.parent], "is a folder"),
        ([SOLVED, "--reference=/nowhere"], "give --reference FOLDER"),
        ([SOLVED, "--junit=/nowhere/x.xml"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_exits_with_2_and_a_sentence(
    arguments: list[object], told: str
) -> None:
    result = check(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_an_empty_folder_is_told_so(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert result.exit_code == 2
    assert "There is no notebook in" in result.output
