from __future__ import annotations

from pathlib import Path

import pytest

from labserver.errors import LabError
from labserver.practice.checking.exercise import load
from labserver.practice.progress.hints import hint
from labserver.practice.progress.store import exercises


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))


def test_each_call_gives_one_more_of_three() -> None:
    said = [repr(hint("E12")).splitlines() for _ in range(4)]
    assert [len(lines) for lines in said] == [1, 2, 3, 4]
    assert said[0] == [f"Hint 1 of 3: {load('E12').hints[0]}"]
    assert said[2][:2] == said[1]
    assert said[3] == [*said[2], "There are no more hints: all of them are shown."]


def test_it_is_kept_how_many_were_given() -> None:
    exercises()["E12"] = {"checks": 4}
    hint("E12")
    hint("e08")
    hint("E08")
    assert dict(exercises()) == {"E12": {"checks": 4, "hints": 1}, "E08": {"hints": 2}}


def test_an_exercise_that_is_not_there_is_refused() -> None:
    with pytest.raises(LabError, match="There is no exercise"):
        hint("E99")
