from __future__ import annotations

from pathlib import Path

import pytest

from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.practice.checking.exercise import load
from labserver.practice.progress.reset import bring_back, reset, start_again
from labserver.practice.progress.store import exercises
from tests.practice.notebook_cells import Cells

MINE = "class FrameDecoder:\n    def feed(self, data):\n        return []\n"
OTHER = "class FrameDecoder:\n    pass\n"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    return tmp_path


def test_a_reset_gives_the_stub_and_keeps_the_attempt(state: Path) -> None:
    exercises()["E12"] = {"outcome": "wrong", "checks": 3, "hints": 2, "source": MINE}
    said = repr(reset("e12", clock=VirtualClock(1_750_000_000)))
    kept = state / "attempts" / "E12-20250615T150640.000Z.py"
    assert kept.read_text() == MINE
    assert str(kept) in said
    assert said.endswith(load("E12").stub)
    assert set(exercises()["E12"]) == {"attempt"}


def test_without_an_attempt_there_is_only_the_stub(state: Path) -> None:
    assert repr(reset("E08")) == f"E08 starts again.\n\n{load('E08').stub}"
    assert not list((state / "attempts").glob("*"))
    assert "E08" not in exercises()


def test_in_a_notebook_what_was_run_last_is_kept_and_no_cell_is_added(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = Cells(monkeypatch)
    cells.run(MINE)
    exercises()["E12"] = {"source": OTHER}
    assert load("E12").stub in repr(reset("E12"))
    (kept,) = (state / "attempts").iterdir()
    assert kept.read_text() == MINE
    assert not hasattr(cells.shell, "rl_next_input")


def test_a_stub_is_no_attempt_and_keeps_the_one_before_it() -> None:
    exercise = load("E12")
    assert start_again(exercise, MINE) is not None
    assert start_again(exercise, f"\n{exercise.stub}") is None
    assert bring_back(exercise, exercise.stub) == MINE


def test_an_attempt_comes_back_with_how_it_had_gone() -> None:
    exercise = load("E12")
    exercises()["E12"] = {"outcome": "pass", "checks": 3, "hints": 1, "follow_up": "said"}
    start_again(exercise, MINE)
    assert set(exercises()["E12"]) == {"attempt", "follow_up"}
    assert bring_back(exercise, "") == MINE
    entry = exercises()["E12"]
    assert entry == {"outcome": "pass", "checks": 3, "hints": 1, "follow_up": "said"}
    with pytest.raises(LabError, match="E12 has no attempt that was reset"):
        bring_back(exercise, "")


def test_what_an_attempt_replaces_is_kept_in_turn(state: Path) -> None:
    exercise, clock = load("E12"), VirtualClock()
    start_again(exercise, MINE, clock=clock)
    assert bring_back(exercise, OTHER, clock=clock) == MINE
    assert bring_back(exercise, MINE, clock=clock) == OTHER
    assert bring_back(exercise, OTHER, clock=clock) == MINE
    # The clock stands still, and yet no file was written over.
    assert {one.read_text() for one in (state / "attempts").iterdir()} == {MINE, OTHER}


def test_the_same_attempt_is_kept_once(state: Path) -> None:
    exercise = load("E12")
    exercises()["E12"] = {"outcome": "pass"}
    assert start_again(exercise, MINE) == start_again(exercise, MINE)
    assert len(list((state / "attempts").iterdir())) == 1
    bring_back(exercise, "")
    assert exercises()["E12"]["outcome"] == "pass"


def test_an_attempt_whose_file_is_gone_is_said(state: Path) -> None:
    path = start_again(load("E12"), MINE)
    assert path is not None
    path.unlink()
    with pytest.raises(LabError, match="cannot be read"):
        bring_back(load("E12"), "")


def test_an_exercise_that_is_not_there_is_refused() -> None:
    with pytest.raises(LabError, match="There is no exercise"):
        reset("E99")
