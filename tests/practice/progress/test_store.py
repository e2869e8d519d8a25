from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labserver.errors import LabError
from labserver.practice.progress.store import (
    SECTIONS,
    VERSION,
    ProgressFile,
    attempts_folder,
    exercises,
    kept,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


def test_what_was_kept_is_found_by_the_next_kernel(path: Path) -> None:
    ProgressFile(path).section("predictions")["gap"] = {"answer": "lost"}
    assert dict(ProgressFile(path).section("predictions")) == {"gap": {"answer": "lost"}}
    assert json.loads(path.read_text())["version"] == VERSION


def test_sections_do_not_disturb_each_other(path: Path) -> None:
    progress = ProgressFile(path)
    progress.section("predictions")["gap"] = {"answer": 1}
    progress.section("exercises")["E12"] = {"hints": 2}
    del progress.section("predictions")["gap"]
    nothing = {name: {} for name in SECTIONS}
    assert progress.read() == nothing | {"exercises": {"E12": {"hints": 2}}}


def test_a_file_of_the_first_version_keeps_what_it_holds(path: Path) -> None:
    path.write_text('{"version": 1, "predictions": {"gap": {"answer": 1}}, "exercises": {}}')
    ProgressFile(path).section("runs")["empty-polls"] = {"value": 67}
    progress = ProgressFile(path).read()
    assert progress["predictions"] == {"gap": {"answer": 1}}
    assert progress["runs"] == {"empty-polls": {"value": 67}}


def test_nothing_is_there_before_the_first_entry(path: Path) -> None:
    section = ProgressFile(path).section("exercises")
    assert (len(section), section.get("E12"), path.exists()) == (0, None, False)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff", b'{"version": "1"}', b'{"version": 1, "exercises": []}',
             b'{"version": 1, "predictions": {"gap": 3}}', b"[" * 100_000],
)  # fmt: skip
def test_a_broken_file_is_kept_aside_and_begun_anew(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.warns(UserWarning, match=r"starts again; the old file is progress.broken-"):
        ProgressFile(path).section("exercises")["E12"] = {"hints": 1}
    assert ProgressFile(path).read()["exercises"] == {"E12": {"hints": 1}}
    (aside,) = path.parent.glob("progress.broken-*.json")
    assert aside.read_bytes() == text


def test_the_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    text = f'{{"version": {VERSION + 1}, "exercises": {{"E12": {{}}}}}}'
    path.write_text(text)
    with pytest.raises(LabError, match="update labserver"):
        ProgressFile(path).section("exercises")["E12"] = {"hints": 1}
    assert path.read_text() == text


def test_a_change_that_fails_changes_nothing_and_leaves_no_draft(path: Path) -> None:
    progress = ProgressFile(path)
    progress.section("exercises")["E12"] = {"hints": 1}
    with pytest.raises(ValueError, match="JSON"):
        progress.section("exercises")["E12"] = {"hints": float("nan")}
    with pytest.raises(ZeroDivisionError), progress.change() as sections:
        sections["exercises"].clear()
        1 / 0  # noqa: B018
    assert progress.read()["exercises"] == {"E12": {"hints": 1}}
    assert sorted(one.name for one in path.parent.iterdir()) == ["progress.json", "progress.lock"]


COUNT = """
import sys
from pathlib import Path
from labserver.practice.progress.store import ProgressFile
progress = ProgressFile(Path(sys.argv[1]))
for _ in range(40):
    with progress.change() as kept:
        entry = kept["exercises"].setdefault("E12", {"checks": 0})
        entry["checks"] += 1
"""


def test_two_kernels_that_write_at_once_lose_nothing(path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", COUNT, str(path)]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert ProgressFile(path).read()["exercises"]["E12"] == {"checks": 80}


def test_a_file_that_cannot_be_written_is_a_lab_error(tmp_path: Path) -> None:
    (tmp_path / "progress.json").mkdir()
    with pytest.raises(LabError, match="cannot be read"):
        ProgressFile(tmp_path / "progress.json").read()
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="cannot be locked"):
        ProgressFile(tmp_path / "file" / "progress.json").read()


def test_it_lies_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSERVER_STATE", str(tmp_path))
    kept("predictions")["gap"] = {"answer": 3}
    exercises()["E12"] = {"hints": 1}
    assert attempts_folder() == tmp_path / "attempts"
    found = ProgressFile(tmp_path / "progress.json").read()
    assert found["predictions"] == {"gap": {"answer": 3}}
    assert found["exercises"] == {"E12": {"hints": 1}}
