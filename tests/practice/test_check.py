from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labserver as lab
from labserver.errors import LabError
from labserver.practice.check import check
from labserver.practice.checking.exercise import Exercise, load
from labserver.practice.progress.store import exercises
from tests.practice.notebook_cells import Cells


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))


def exercise(exercise_id: str = "E10") -> Exercise:
    return load(exercise_id)


def test_it_is_what_a_notebook_calls() -> None:
    assert lab.check is check
    assert repr(check("E10", exercise().reference)) == "✓ E10 mask: passes all 24 cases."


@pytest.mark.parametrize("nothing", [None, b"bytes", 3])
def test_what_cannot_be_called_is_refused_with_what_to_write(nothing: Any) -> None:
    with pytest.raises(LabError, match=r"check\('E10', mask\)"):
        check("E10", nothing)


def test_an_exercise_that_is_not_there_is_refused() -> None:
    with pytest.raises(LabError, match="There is no exercise 'E99': take one of E01, "):
        check("E99", print)


def test_an_id_may_be_written_in_lower_case() -> None:
    assert check("e10", exercise().reference).exercise == "E10"
    assert list(exercises()) == ["E10"]


def test_after_a_syntax_error_the_older_function_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = Cells(monkeypatch)
    cells.run("def mask(payload, key, offset=0):\n    return payload")
    assert not check("E10", cells["mask"]).passed
    cells.run("def mask(payload, key, offset=0):\n    return payload +")
    with pytest.raises(LabError, match="SyntaxError in line 2"):
        check("E10", cells["mask"])
    assert exercises()["E10"]["checks"] == 1


def test_how_it_went_is_kept_with_the_source() -> None:
    def wrong(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        return payload

    check("E10", wrong)
    check("E10", wrong)
    entry = exercises()["E10"]
    assert (entry["outcome"], entry["checks"]) == ("wrong", 2)
    assert "def test_how_it_went_is_kept_with_the_source" in entry["source"]
    check("E10", exercise().reference)
    assert (exercises()["E10"]["outcome"], exercises()["E10"]["checks"]) == ("pass", 3)


def test_a_pass_stays_one_and_a_stub_counts_as_nothing() -> None:
    def stub(payload: bytes, key: bytes, offset: int = 0) -> bytes:
        raise NotImplementedError

    check("E10", stub)
    assert dict(exercises()) == {}
    check("E10", exercise().reference)
    check("E10", stub)
    check("E10", lambda *given: b"")
    assert (exercises()["E10"]["outcome"], exercises()["E10"]["checks"]) == ("pass", 2)
