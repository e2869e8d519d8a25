"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from labserver.atomic_file import write_atomically


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_content_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*given: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(*(Path, call) if call == "replace" else (os, call), fail)
        with pytest.raises(OSError, match="full"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_an_error_names_the_file_and_not_its_draft(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(FileNotFoundError, match=r"nowhere/file'$"):
        write_atomically(path, b"content")
    with pytest.raises(FileExistsError) as caught:
        write_atomically(tmp_path / "file", b"1")
        write_atomically(tmp_path / "file", b"2", replace=False)
    assert str(caught.value).endswith("file'")


def test_the_content_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    present: list[bool] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        present.append(path.exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_atomically(path, b"content")
    assert present == [False]


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_the_mode_is_the_files_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"secret", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_several_that_must_not_replace_exactly_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    together = threading.Barrier(8)
    written: list[bytes] = []

    def write(content: bytes) -> None:
        together.wait()
        try:
            write_atomically(path, content, replace=False)
        except FileExistsError:
            return
        written.append(content)

    threads = [threading.Thread(target=write, args=[b"%d" % n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written == [path.read_bytes()]
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file", b"")
