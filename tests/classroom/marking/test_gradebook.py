from __future__ import annotations

import csv
from pathlib import Path

import pytest

from labserver.classroom.marking.gradebook import folders, gradebook, learner_of, submissions
from labserver.classroom.marking.mark import Mark, MarkedNotebook
from labserver.classroom.marking.references import Reference
from labserver.practice.checking.judge import Outcome

CLASS = Path("class")


def marked(path: str, **points: int) -> MarkedNotebook:
    """A notebook in which each exercise earned so many of 2 points."""
    marks = tuple(
        Mark(e, "name", Outcome.PASS if n else Outcome.WRONG, n, 2, "text")
        for e, n in points.items()
    )
    return MarkedNotebook(CLASS / path, "05_frames", marks)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("alice/05_frames.ipynb", "alice"),
        ("alice/late/05_frames.ipynb", "alice"),
        ("alice_05_frames.ipynb", "alice"),
        ("Bob Ross - 05_frames (1).ipynb", "Bob Ross"),
        ("05_frames.ipynb", "05_frames"),
        ("homework.ipynb", "homework"),
    ],
)
def test_whose_notebook_it_is_says_the_folder_or_the_file(
    path: str, name: str, references: list[Reference]
) -> None:
    assert learner_of(CLASS / path, CLASS, references) == name


def test_checkpoints_are_nobodys(tmp_path: Path) -> None:
    for name in ("bob/a.ipynb", "bob/.ipynb_checkpoints/a.ipynb", "alice/a.ipynb", "bob/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert submissions(tmp_path) == [tmp_path / "alice/a.ipynb", tmp_path / "bob/a.ipynb"]


def test_a_row_a_learner_and_the_best_of_several_attempts(references: list[Reference]) -> None:
    found = gradebook(
        [
            marked("bob/first.ipynb", E10=0, E11=2),
            marked("bob/second.ipynb", E10=2, E11=0),
            marked("Alice/05_frames.ipynb", E10=0),
        ],
        CLASS,
        references,
    )
    assert [(one.name, one.points) for one in found.learners] == [("Alice", 0), ("bob", 4)]
    assert (found.exercises, found.most) == (("E10", "E11"), 4)


def test_what_could_not_be_marked_is_a_row_with_its_reason(references: list[Reference]) -> None:
    broken = MarkedNotebook(CLASS / "eve/a.ipynb", problem="a.ipynb is no notebook.")
    found = gradebook([broken, marked("bob/a.ipynb", E10=2)], CLASS, references)
    rows = list(csv.reader(found.csv().splitlines()))
    assert rows == [
        ["learner", "E10", "points", "of", "problems"],
        ["bob", "2", "2", "2", ""],
        ["eve", "", "0", "2", "a.ipynb is no notebook."],
    ]


def test_a_spreadsheet_runs_nothing_of_a_name(references: list[Reference]) -> None:
    found = gradebook([marked("=1+1/a.ipynb", E10=2)], CLASS, references)
    assert found.csv().splitlines()[1].startswith("'=1+1,")


def test_who_handed_in_no_notebook_has_a_row_as_well(
    tmp_path: Path, references: list[Reference]
) -> None:
    (tmp_path / "mia").mkdir()
    (tmp_path / "mia" / "notes.txt").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / "again").symlink_to(tmp_path)
    found = gradebook([marked("bob/a.ipynb", E10=2)], CLASS, references, folders(tmp_path))
    assert [one.name for one in found.learners] == ["bob", "mia"]
    assert found.csv().splitlines()[2] == "mia,,0,2,no notebook in this folder."
