"""A report's folder: whole or not at all, and nothing of anybody else is replaced."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from labserver.errors import LabError
from labserver.measure.comparison import Comparison
from labserver.measure.overhead import Overhead
from labserver.report.folder import LIST_FILE, check_folder, write_report


def test_everything_is_written_and_nothing_else(four: Comparison, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    names = write_report(four, folder)
    assert sorted(file.name for file in folder.iterdir()) == names
    assert names == [
        LIST_FILE,
        "latency.csv",
        "latency.json",
        "overhead.csv",
        "overhead.json",
        "report.html",
    ]
    assert Overhead.load(folder / "overhead.csv").message_bytes()["sse"] == 260 + 64
    assert str(tmp_path) not in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["report.html", "latency.csv", "overhead.json", LIST_FILE])
def test_a_file_of_somebody_else_is_named_and_stays(
    name: str, four: Comparison, tmp_path: Path
) -> None:
    (tmp_path / name).write_text('{"theirs": true}', encoding="utf-8")
    with pytest.raises(LabError, match=f"{name} is in the way: it was not written by") as refused:
        check_folder(tmp_path)
    with pytest.raises(LabError, match="choose another folder"):
        write_report(four, tmp_path)
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == '{"theirs": true}'


def test_a_folder_or_a_link_of_somebody_else_is_in_the_way_too(
    two: Comparison, tmp_path: Path
) -> None:
    (tmp_path / "report.html" / "inside").mkdir(parents=True)
    with pytest.raises(LabError, match="in the way"):
        check_folder(tmp_path)
    (other := tmp_path / "other").mkdir()
    (other / "latency.csv").symlink_to(tmp_path / "nothing")
    with pytest.raises(LabError, match="in the way"):
        write_report(two, other)
    assert [file.name for file in other.iterdir()] == ["latency.csv"]


def test_what_was_changed_after_it_was_written_stays(four: Comparison, tmp_path: Path) -> None:
    write_report(four, tmp_path)
    with (tmp_path / "overhead.csv").open("a", encoding="utf-8") as file:
        file.write("a line of mine\n")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(LabError, match=r"overhead\.csv is in the way: it was changed after"):
        write_report(four, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_earlier_report_is_replaced(two: Comparison, four: Comparison, tmp_path: Path) -> None:
    write_report(two, tmp_path)
    before = (tmp_path / "report.html").read_bytes()
    check_folder(tmp_path)
    names = write_report(four, tmp_path)
    assert (tmp_path / "report.html").read_bytes() != before
    listed = json.loads((tmp_path / LIST_FILE).read_text(encoding="utf-8"))
    assert listed["written_by"] == "labserver compare"
    assert sorted([*listed["files"], LIST_FILE]) == names


def test_where_the_machine_stops_in_the_middle_the_next_report_replaces_all(
    two: Comparison, four: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(two, tmp_path)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if target.name == "overhead.csv":
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(LabError, match="No space left on device"):
            write_report(four, tmp_path)
    write_report(four, tmp_path)
    assert len(Overhead.load(tmp_path / "overhead.csv").table) == 8
    assert len(list(tmp_path.iterdir())) == 6


def test_of_an_earlier_comparison_nothing_is_left(
    two: Comparison, four: Comparison, tmp_path: Path
) -> None:
    (tmp_path / "of_others.csv").touch()
    write_report(four, tmp_path)
    names = write_report(two, tmp_path)
    assert names == [LIST_FILE, "latency.csv", "latency.json", "report.html"]
    assert {file.name for file in tmp_path.iterdir()} == {*names, "of_others.csv"}


def test_a_folder_is_there_or_can_be_made(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "to" / "be" / "made")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "further"])
def test_a_file_is_no_folder(below: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LabError, match="is a file"):
        check_folder(file / below)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(LabError, match="choose another folder"):
        check_folder(Path("/proc/self/results"))


def test_a_link_to_nothing_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(LabError, match="link to nothing"):
        check_folder(tmp_path / "link")
    assert not (tmp_path / "nothing").exists()
