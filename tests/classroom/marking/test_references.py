from __future__ import annotations

from pathlib import Path

import pytest

from labserver.classroom.marking.notebook import CodeCell, read
from labserver.classroom.marking.references import Reference, belongs_to, find_references
from labserver.errors import LabError
from labserver.practice.checking.exercise import ids
from tests.classroom.marking.books import EXERCISES


def test_every_exercise_is_in_one_of_them(references: list[Reference]) -> None:
    found = [exercise for reference in references for exercise in reference.answers]
    assert sorted(found) == ids()


def test_a_folder_without_solutions_is_told_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="--reference FOLDER"):
        find_references(tmp_path)


@pytest.mark.parametrize("path", sorted(EXERCISES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_known_by_its_cells(path: Path, references: list[Reference]) -> None:
    found = belongs_to(read(path), references)
    assert found is not None
    assert found.name == path.stem


def test_a_notebook_without_answers_belongs_to_none(references: list[Reference]) -> None:
    lesson = read(EXERCISES.parent / "notebooks" / "05_frames.ipynb")
    assert belongs_to(lesson, references) is None


REFERENCE = Reference(
    "02",
    (
        CodeCell("setup", "", False, "import labserver as lab"),
        CodeCell("e03", "E03", True, "solved"),
        CodeCell("e03-check", "E03-check", False, "check"),
        CodeCell("e04", "E04", True, "solved"),
    ),
)


def test_answers_are_found_by_id_and_own_cells_are_kept() -> None:
    answer, helper = (
        CodeCell("e04", "E04", True, "mine"),
        CodeCell("x1", "", False, "def helper(): …"),
    )
    check = CodeCell("e03-check", "E03-check", False, "def check(*_): return True")
    assert REFERENCE.place([check, helper, answer]) == ({"E04": answer}, [helper])


def test_an_answer_without_an_id_is_found_by_its_mark() -> None:
    answer = CodeCell("", "E04", True, "mine")
    assert REFERENCE.place([answer]) == ({"E04": answer}, [])


def test_of_two_cells_with_one_id_the_first_counts() -> None:
    first, second = CodeCell("e04", "E04", True, "mine"), CodeCell("e04", "E04", True, "print('✓')")
    assert REFERENCE.place([first, second]) == ({"E04": first}, [])


def test_a_copy_of_an_answer_is_a_cell_of_ones_own() -> None:
    answer, copied = CodeCell("e04", "E04", True, "mine"), CodeCell("x2", "E04", True, "before")
    assert REFERENCE.place([copied, answer]) == ({"E04": answer}, [copied])


def test_a_check_that_changed_its_id_does_not_count() -> None:
    check = CodeCell("x3", "E03-check", False, "raise SystemExit")
    assert REFERENCE.place([check]) == ({}, [])
