from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labserver.errors import LabError
from labserver.practice.checking.exercise import ids
from labserver.practice.progress.store import exercises, kept
from labserver.practice.progress.table import ProgressRow, ProgressTable, progress
from tests.notebooks.execute import REPOSITORY


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))


def test_at_first_nothing_is_attempted() -> None:
    table = progress()
    assert [row.exercise[:3] for row in table.rows] == ids()
    assert {row.outcome for row in table.rows} == {"not attempted"}
    assert f"0 of {len(ids())} exercises pass; 0 predictions locked in." in repr(table)


def test_it_shows_what_was_kept() -> None:
    exercises()["E12"] = {"outcome": "pass", "checks": 4, "hints": 1}
    exercises()["E99"] = {"outcome": "pass"}  # of another version: it does not count here
    kept("predictions")["gap"] = {"answer": "lost"}
    table = progress()
    (row,) = (row for row in table.rows if row.exercise.startswith("E12"))
    assert row[:5] == ("E12 frames out of a stream", 5, "pass", 4, 1)
    assert table.passed == 1
    assert "1 prediction locked in" in repr(table)


def test_a_lesson_shows_its_own_exercises() -> None:
    assert [row.exercise[:3] for row in progress(lesson=4).rows] == ["E08", "E09"]


def test_the_table_of_a_lesson_does_not_count_the_predictions_of_others() -> None:
    kept("predictions")["gap"] = {"answer": "lost"}
    assert repr(progress(lesson=4)).endswith("\n0 of 2 exercises pass.")


def test_an_exercise_leads_to_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY / "notebooks")
    html = progress(lesson=4)._repr_html_()
    link = "../exercises/04_the_websocket_handshake.ipynb#cell-id=e08-task"
    assert f'<a href="{link}">E08 the accept key</a>' in html


@pytest.mark.parametrize("lesson", [99, "E10"])
def test_a_lesson_without_exercises_is_refused_with_those_that_have_some(lesson: Any) -> None:
    with pytest.raises(LabError, match=r"choose one of 1, 2, 3, "):
        progress(lesson=lesson)


def test_it_is_a_table_in_text_and_in_the_page() -> None:
    table = ProgressTable((ProgressRow("E01 <b>", 1, "wrong", 10, 0),), 0)
    assert repr(table).splitlines()[:2] == [
        "exercise  lesson  outcome  checks  hints",
        "E01 <b>   1       wrong    10      0",
    ]
    assert "E01 &lt;b&gt;" in table._repr_html_()
