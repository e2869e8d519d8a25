"""What a learner has done so far: one JSON file per user, in the state folder.

It is written as a whole or not at all, by one kernel at a time. A file that cannot be read is set
aside and a new one begun; a file that a newer labserver wrote is left alone.
"""

from __future__ import annotations

import json
import os
import secrets
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from labserver.atomic_file import write_atomically
from labserver.errors import LabError
from labserver.runtime.state import FOLDER_VARIABLE, folder

VERSION = 2  # 1 had predictions and exercises only, and reads as such
SECTIONS = ("predictions", "exercises", "explanations", "recalls", "verdicts", "runs")

Entry = dict[str, Any]


def kept(section: str) -> MutableMapping[str, Entry]:
    """Return one of SECTIONS on this machine, as a mapping that reads and writes the file."""
    return ProgressFile(_file()).section(section)


def exercises() -> MutableMapping[str, Entry]:
    """Return what is kept of each exercise, by id.

    `outcome`, `checks`, `hints`, `source`; `said`: the last verdict; `attempt`: what a reset kept;
    `follow_up`, `follow_up_shown`: what the learner wrote to the interviewer's question.
    """
    return kept("exercises")


@contextmanager
def change_exercises() -> Iterator[MutableMapping[str, Entry]]:
    """Give what is kept of each exercise; it is written when the block ends.

    No other kernel can write in between.
    """
    with change() as sections:
        yield sections["exercises"]


def change() -> AbstractContextManager[dict[str, dict[str, Entry]]]:
    """Give all sections to a block; they are written, once, when it ends without an error."""
    return ProgressFile(_file()).change()


def everything() -> dict[str, dict[str, Entry]]:
    """Return all sections as they are now."""
    return ProgressFile(_file()).read()


def attempts_folder() -> Path:
    """Return the folder for attempts that were reset; it is made if it is missing."""
    path = folder() / "attempts"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _file() -> Path:
    return folder() / "progress.json"


class ProgressFile:
    """A progress file; one that does not exist yet is empty.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def section(self, name: str) -> MutableMapping[str, Entry]:
        """Return one of SECTIONS as a mapping that reads and writes the file at each use."""
        return _Section(self, name)

    def read(self) -> dict[str, dict[str, Entry]]:
        """Return everything that is kept.

        Raises:
            LabError: if it cannot be read, or a newer labserver wrote it.
        """
        with self._locked():
            return self._read()

    @contextmanager
    def change(self) -> Iterator[dict[str, dict[str, Entry]]]:
        """Give everything that is kept; changes are written if the block ends without an error.

        Raises:
            LabError: if it cannot be read or written, or a newer labserver wrote it.
        """
        with self._locked():
            kept = self._read()
            yield kept
            self._write(kept)

    def _read(self) -> dict[str, dict[str, Entry]]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {name: {} for name in SECTIONS}
        except OSError as error:
            raise self._unusable("read", error) from error
        try:
            return understood(json.loads(text), f"your progress {self._path}")
        except (ValueError, RecursionError):
            aside = self._path.with_name(f"{self._path.stem}.broken-{secrets.token_hex(4)}.json")
            os.replace(self._path, aside)
            warnings.warn(
                f"Your progress could not be read and starts again; the old file is {aside.name}.",
                stacklevel=2,
            )
            return {name: {} for name in SECTIONS}

    def _write(self, kept: dict[str, dict[str, Entry]]) -> None:
        text = json.dumps({"version": VERSION, **kept}, indent=1, sort_keys=True, allow_nan=False)
        try:
            write_atomically(self._path, f"{text}\n".encode())
        except OSError as error:
            raise self._unusable("written", error) from error

    def _unusable(self, done: str, error: OSError) -> LabError:
        return LabError(
            f"Your progress {self._path} cannot be {done} ({error}): set {FOLDER_VARIABLE} to a"
            " folder that you can write to, and restart the kernel."
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The lock is a file of its own, because each write replaces the progress file.
        lock = FileLock(self._path.with_suffix(".lock"), poll_interval=0.01)
        try:
            lock.acquire()
        except OSError as error:
            raise self._unusable("locked", error) from error
        try:
            yield
        finally:
            lock.release()  # the system does that, too, if the kernel is killed


class _Section(MutableMapping[str, Entry]):
    def __init__(self, progress: ProgressFile, name: str) -> None:
        self._progress = progress
        self._name = name

    def __getitem__(self, key: str) -> Entry:
        return self._progress.read()[self._name][key]

    def __setitem__(self, key: str, entry: Entry) -> None:
        with self._progress.change() as kept:
            kept[self._name][key] = entry

    def __delitem__(self, key: str) -> None:
        with self._progress.change() as kept:
            del kept[self._name][key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._progress.read()[self._name])

    def __len__(self) -> int:
        return len(self._progress.read()[self._name])


def understood(found: Any, name: str) -> dict[str, dict[str, Entry]]:
    """Return the sections of what was read from a progress file.

    Args:
        found: what its JSON says.
        name: what an error calls the file.

    Raises:
        LabError: if a newer labserver wrote it.
        ValueError: if it is not a progress file.
    """
    if not isinstance(found, dict) or type(found.get("version")) is not int:
        raise ValueError("no version")
    if found["version"] > VERSION:
        raise LabError(f"A newer labserver wrote {name}: update labserver, or move the file.")
    sections: dict[str, dict[str, Entry]] = {}
    for key in SECTIONS:
        section = found.get(key, {})
        if not isinstance(section, dict) or not all(isinstance(e, dict) for e in section.values()):
            raise ValueError(key)
        sections[key] = section
    return sections
