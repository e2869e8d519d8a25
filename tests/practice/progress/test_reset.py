from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.practice.checking.exercise import load
from labserver.practice.progress.reset import reset, source_of
from labserver.practice.progress.store import exercises

CELL = """import os
class FrameDecoder:
    limit = 3
    @staticmethod
    def feed(data):
        return []
def mask(payload): return payload
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def cell(tmp_path: Path) -> dict[str, Any]:
    """What a cell defined."""
    path = tmp_path / "cell.py"
    path.write_text(CELL)
    defined: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(CELL, path, "exec"), defined)
    return defined


@pytest.mark.parametrize("name", ["FrameDecoder", "mask"])
def test_the_whole_cell_is_the_source(cell: dict[str, Any], name: str) -> None:
    assert source_of(cell[name]) == CELL


@pytest.mark.parametrize("code", [print, int, None, 3, "text"])
def test_what_no_cell_defined_has_no_source(code: object) -> None:
    assert source_of(code) == ""


def test_a_reset_gives_the_stub_and_keeps_the_attempt(state: Path) -> None:
    exercises()["E12"] = {"outcome": "wrong", "checks": 3, "hints": 2, "source": CELL}
    said = repr(reset("E12", clock=VirtualClock(1_750_000_000)))
    kept = state / "attempts" / "E12-20250615T150640.000Z.py"
    assert kept.read_text() == CELL
    assert str(kept) in said
    assert said.endswith(load("E12").stub)
    assert "E12" not in exercises()


def test_without_an_attempt_there_is_only_the_stub(state: Path) -> None:
    assert repr(reset("E08")) == f"E08 starts again.\n\n{load('E08').stub}"
    assert not (state / "attempts").exists()


def test_in_a_notebook_the_stub_is_the_next_cell_and_the_last_source_is_kept(
    state: Path, cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    shell = SimpleNamespace(user_ns=cell, set_next_input=given.append)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    exercises()["E12"] = {"source": "older"}
    said = repr(reset("E12"))
    assert given == [load("E12").stub]
    assert "NotImplementedError" not in said
    (kept,) = (state / "attempts").iterdir()
    assert kept.read_text() == CELL


def test_an_exercise_that_is_not_there_is_refused() -> None:
    with pytest.raises(LabError, match="There is no exercise"):
        reset("E99")
