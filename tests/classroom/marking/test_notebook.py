from __future__ import annotations

import json
from pathlib import Path

import pytest

from labserver.classroom.marking.notebook import CodeCell, read
from labserver.errors import LabError
from tests.classroom.marking.books import EXERCISES


def test_code_cells_come_with_their_ids_and_marks() -> None:
    cells = read(EXERCISES / "05_frames.ipynb")
    answer = next(cell for cell in cells if cell.id == "e12")
    assert (answer.grade_id, answer.solution) == ("E12", True)
    assert answer.source.startswith("from labserver.practice.frames import")
    assert not any(cell.source.startswith("#") for cell in cells), "prose is no code"


def test_a_cell_may_lack_an_id_and_ids_may_occur_twice(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "metadata": {}, "source": []},
        {"cell_type": "code", "id": "a", "metadata": {}, "source": ["one\n", "two"]},
        {"cell_type": "code", "id": "a", "metadata": {}, "source": "again"},
        {"cell_type": "markdown", "metadata": {}, "source": "prose"},
    ]
    path = tmp_path / "odd.ipynb"
    book = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    path.write_text(json.dumps(book), encoding="utf-8")
    assert read(path) == [
        CodeCell("", "", False, ""),
        CodeCell("a", "", False, "one\ntwo"),
        CodeCell("a", "", False, "again"),
    ]


def test_an_older_format_is_read(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": []}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old), encoding="utf-8")
    assert [one.source for one in read(path)] == ["x = 1\ny"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "its JSON is broken"),
        ("[" * 100_000, "its JSON is broken"),
        ("[]", "not a notebook that can be read"),
        ("{}", "not a notebook that can be read"),
        ('{"nbformat": 4, "cells": 3}', "not a notebook that can be read"),
        ('{"nbformat": 4, "cells": ["no cell"]}', "not a notebook that can be read"),
        ('{"nbformat": 9, "cells": []}', "not a notebook that can be read"),
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
