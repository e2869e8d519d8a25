from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labserver.clock import VirtualClock
from labserver.errors import LabError
from labserver.measure.measurement import Measurement
from labserver.practice.progress import transfer
from labserver.practice.progress.runs import PER_SERIES, all_runs, keep
from labserver.practice.progress.store import (
    SECTIONS,
    VERSION,
    attempts_folder,
    everything,
    exercises,
    kept,
)
from labserver.practice.progress.transfer import (
    MOST_BYTES,
    Imported,
    export_progress,
    import_progress,
    read_export,
    write_export,
)

PASSED = {"outcome": "pass", "checks": 3, "hints": 1, "source": "def a(): ..."}
TRIED = {"outcome": "wrong", "checks": 9, "hints": 2, "source": "def b(): ..."}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    monkeypatch.setenv("LABSERVER_STATE", str(folder))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Goes to another host, where nothing is kept yet."""

    def go(name: str = "elsewhere") -> None:
        monkeypatch.setenv("LABSERVER_STATE", str(tmp_path / name))

    return go


def file(**sections: Any) -> bytes:
    nothing: dict[str, Any] = {"version": VERSION, "predictions": {}, "exercises": {}}
    return json.dumps(nothing | sections).encode()


def bring(**sections: Any) -> Imported:
    return import_progress(file(**sections), "progress.json")


def test_what_was_exported_is_there_on_another_host(elsewhere: Any) -> None:
    for section in set(SECTIONS) - {"exercises", "runs"}:
        kept(section)["one"] = {"answer": "ja, größer"}
    exercises()["E12"] = PASSED
    keep([Measurement("latency.p50", 21.5, "ms", {"technique": "sse"})])
    (attempts_folder() / "E12-20261130T101500.123Z.py").write_text("def attempt(): ...")
    before, content = everything(), export_progress()
    elsewhere()
    said = import_progress(content, "progress.json")
    assert everything() == before
    assert [path.read_text() for path in attempts_folder().iterdir()] == ["def attempt(): ..."]
    assert str(said) == (
        "added 1 prediction, 1 exercise, 1 explanation, 1 recall, 1 verdict, 1 run, 1 attempt;"
        " now passed: E12."
    )


def test_a_second_import_changes_nothing(elsewhere: Any) -> None:
    exercises()["E12"] = PASSED
    keep([Measurement("n", 1)])
    content = export_progress()
    elsewhere()
    import_progress(content, "progress.json")
    before = everything()
    assert str(import_progress(content, "progress.json")) == "nothing was new."
    assert everything() == before


def test_the_progress_file_itself_can_be_imported(state: Path, elsewhere: Any) -> None:
    exercises()["E12"] = PASSED
    content = (state / "progress.json").read_bytes()
    elsewhere()
    assert import_progress(content, "progress.json").passed == ("E12",)


def test_an_export_is_what_the_next_version_reads_as_well() -> None:
    assert bring(version=1, exercises={"E01": PASSED}).passed == ("E01",)


@pytest.mark.parametrize(("here", "there"), [(PASSED, TRIED), (TRIED, PASSED)])
def test_a_pass_is_never_lost(here: dict[str, Any], there: dict[str, Any]) -> None:
    exercises()["E12"] = here
    bring(exercises={"E12": there})
    assert exercises()["E12"] == PASSED | {"checks": 9, "hints": 2}


def test_what_is_only_here_stays() -> None:
    exercises()["E12"] = PASSED
    kept("predictions")["gap"] = {"answer": "lost"}
    bring(exercises={"E13": TRIED})
    assert set(exercises()) == {"E12", "E13"}
    assert dict(kept("predictions")) == {"gap": {"answer": "lost"}}


def test_it_says_what_changed_and_what_was_left() -> None:
    early = {"answer": 60, "locked": "2026-11-01T10:00:00.000Z"}
    late = {"answer": 50, "locked": "2026-11-02T10:00:00.000Z"}
    kept("predictions").update({"a": early, "b": late})
    said = bring(predictions={"a": late, "b": early})
    assert (kept("predictions")["a"], kept("predictions")["b"]) == (early, early)
    assert str(said) == (
        "nothing was new; changed 1 that went further in the file; left 1 that went further here."
    )


def test_runs_of_two_hosts_become_one_series_within_its_bounds(elsewhere: Any) -> None:
    clock = VirtualClock()
    for value in range(0, 2 * PER_SERIES, 2):
        keep([Measurement("n", value)], clock=clock)
        clock.advance(2)
    content = export_progress()
    elsewhere()
    clock = VirtualClock()
    clock.advance(1)
    for value in range(1, 2 * PER_SERIES, 2):
        keep([Measurement("n", value)], clock=clock)
        clock.advance(2)
    import_progress(content, "progress.json")
    assert [run.value for run in all_runs()] == list(range(PER_SERIES, 2 * PER_SERIES))


def test_the_second_attempt_of_a_moment_comes_along_as_well(elsewhere: Any) -> None:
    name = "E12-20261130T101500.123Z-2.py"  # as practice/progress/reset.py names it
    (attempts_folder() / name).write_text("def attempt(): ...")
    exercises()["E12"] = {"attempt": {"file": name, "was": PASSED}}
    content = export_progress()
    elsewhere()
    assert import_progress(content, "progress.json").attempts == 1
    assert (attempts_folder() / name).read_text() == "def attempt(): ..."


def test_where_attempts_cannot_be_written_nothing_changes(state: Path) -> None:
    exercises()["E12"] = TRIED
    before = (state / "progress.json").read_bytes()
    (state / "attempts").touch()
    with pytest.raises(LabError, match="attempts"):
        bring(exercises={"E12": PASSED}, attempts={"E12-20261130T101500.123Z.py": "mine"})
    assert (state / "progress.json").read_bytes() == before
    with pytest.raises(LabError, match="attempts"):
        export_progress()


def test_an_attempt_that_is_here_already_is_not_overwritten() -> None:
    name = "E12-20261130T101500.123Z.py"
    (attempts_folder() / name).write_text("mine")
    assert bring(attempts={name: "another"}).attempts == 0
    assert (attempts_folder() / name).read_text() == "mine"


BROKEN = {
    "empty": b"",
    "cut off": file(exercises={"E12": PASSED})[:-3],
    "a list": b"[]",
    "another program's": b'{"cells": [], "metadata": {}, "nbformat": 4}',
    "no UTF-8": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "a version in words": b'{"version": "2"}',
    "a section that is a list": file(predictions=[]),
    "an entry that is a number": file(predictions={"gap": 3}),
    "another program's, with a version": b'{"version": 2, "name": "realtime"}',
    "NaN": file(predictions={"gap": {"answer": float("nan")}}),
    "beyond any number": file(predictions={"gap": {"answer": 7}}).replace(b"7", b"1e999"),
    "an outcome in other words": file(exercises={"E12": {"outcome": "super"}}),
    "checks in words": file(exercises={"E12": {"checks": "many"}}),
    "less than no hints": file(exercises={"E12": {"hints": -1}}),
    "a source that is a number": file(exercises={"E12": {"source": 7}}),
    "runs without values": file(
        runs={"n": {"key": "n", "unit": "", "conditions": {}, "values": []}}
    ),
    "attempts that are a list": file(attempts=[]),
    "an attempt elsewhere": file(attempts={"../../E12-20261130T101500Z.py": "x"}),
    "an attempt of another name": file(attempts={"progress.json": "x"}),
    "an attempt that is a number": file(attempts={"E12-20261130T101500Z.py": 1}),
    "half a character": file(attempts={"E12-20261130T101500Z.py": "\ud800"}),
    "too many attempts": file(attempts={f"E12-{n:015}Z.py": "" for n in range(1001)}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_or_foreign_is_refused_and_nothing_changes(what: str, state: Path) -> None:
    exercises()["E12"] = TRIED
    before = (state / "progress.json").read_bytes()
    with pytest.raises(LabError, match=r"^my\.json is no export of progress, or it is damaged"):
        import_progress(BROKEN[what], "my.json")
    assert (state / "progress.json").read_bytes() == before
    assert not list(attempts_folder().iterdir())


def test_the_file_of_a_newer_version_is_refused() -> None:
    with pytest.raises(LabError, match=r"A newer labserver wrote my\.json"):
        import_progress(file(version=99), "my.json")


def test_a_huge_file_is_refused_before_it_is_read_to_its_end(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as made:
        made.truncate(100 * MOST_BYTES)  # without a byte on the disk
    content = read_export(huge)
    assert len(content) == MOST_BYTES + 1
    with pytest.raises(LabError, match="more than 8,000,000 bytes"):
        import_progress(content, "huge.json")


def test_files_that_are_too_much_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MOST_BYTES", 2000)
    bring(predictions={"a": {"answer": "x" * 1000}})
    with pytest.raises(LabError, match="your progress would have more than"):
        bring(predictions={"b": {"answer": "x" * 1000}})
    assert set(kept("predictions")) == {"a"}
    (attempts_folder() / "E12-20261130T101500Z.py").write_text("x" * 1000)
    with pytest.raises(LabError, match="delete attempts"):
        export_progress()


def test_an_earlier_export_is_replaced_and_another_file_is_not(tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    write_export(target)
    exercises()["E12"] = PASSED
    write_export(target)
    assert json.loads(target.read_bytes())["exercises"] == {"E12": PASSED}
    other = tmp_path / "thesis.txt"
    other.write_text("dear reader")
    with pytest.raises(LabError, match=r"thesis\.txt is no export of your progress"):
        write_export(other)
    assert other.read_text() == "dear reader"


def test_a_place_that_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be written"):
        write_export(tmp_path / "missing" / "mine.json")
    with pytest.raises(LabError, match="cannot be read"):
        read_export(tmp_path / "missing.json")
