from __future__ import annotations

import json
from pathlib import Path

import pytest

from labserver.classroom.marking.notebook import Cell, read
from labserver.errors import LabError
from tests.classroom.marking.books import EXERCISES


def test_code_cells_come_with_their_ids_and_marks() -> None:
    cells = read(EXERCISES / "05_frames.ipynb")
    answer = next(cell for cell in cells if cell.id == "e12")
    assert (answer.grade_id, answer.solution) == ("E12", True)
    assert answer.source.startswith("from labserver.practice.given.frames import")
    assert not any(cell.source.startswith("#") for cell in cells), "prose is no code"


def test_a_cell_may_lack_everything_or_hold_nonsense(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code"},
        {"cell_type": "code", "id": 7, "metadata": [], "source": {"a": 1}},
        {"cell_type": "code", "metadata": {"nbgrader": "x"}, "source": ["a", 1, "b"]},
        "no cell",
        {"cell_type": "markdown", "source": "prose"},
    ]
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert read(path) == [
        Cell("", "", False, ""),
        Cell("", "", False, ""),
        Cell("", "", False, "ab"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "its JSON is broken"),
        ("[" * 100_000, "its JSON is broken"),
        ("[]", "no notebook of format 4"),
        ('{"worksheets": []}', "no notebook of format 4"),
        ('{"cells": 3}', "no notebook of format 4"),
    ],
)
def test_what_is_no_notebook_is_told_so(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabError, match=told):
        read(path)


def test_bytes_that_are_no_text_are_told_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(LabError, match="its JSON is broken"):
        read(path)


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read"):
        read(tmp_path / "none.ipynb")


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(LabError, match="more than 50 MB"):
        read(path)
