from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from labserver.practice.checking.exercise import ids, load
from labserver.practice.course_links import exercise_link, lesson_link
from tests.notebooks.execute import REPOSITORY

LESSONS = REPOSITORY / "notebooks"


def test_a_lesson_is_found_from_lessons_exercises_and_documents() -> None:
    name = "04_the_websocket_handshake.ipynb"
    assert lesson_link(4, LESSONS) == name
    assert lesson_link(4, REPOSITORY / "exercises") == f"../notebooks/{name}"
    assert lesson_link(4, REPOSITORY / "docs") == f"../notebooks/{name}"


def test_what_is_not_there_has_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lesson_link(99, LESSONS) is None
    monkeypatch.chdir(tmp_path)
    assert lesson_link(4) is None
    assert exercise_link(4, "E08") is None


@pytest.mark.parametrize("exercise_id", ids())
def test_an_exercise_leads_to_the_cell_with_its_task(exercise_id: str) -> None:
    exercise = load(exercise_id)
    link = exercise_link(exercise.lesson, exercise_id, LESSONS)
    assert link is not None
    path, _, fragment = link.partition("#")
    cells = nbformat.read(LESSONS / path, as_version=4).cells
    (task,) = (cell for cell in cells if f"cell-id={cell.id}" == fragment)
    assert task.source.startswith(f"## {exercise_id} · {exercise.title}\n")
