"""What an unpacking did, in sentences for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labserver.course.source import LESSONS

_NAMED_MAX = 4  # paths in a sentence


@dataclass(slots=True)
class Report:
    """What an unpacking did with each file; paths are relative to the learner's folder.

    Attributes:
        folder: the learner's, as it was given.
        first: whether the course was not there before.
        manifest_lost: whether nobody knows any more what was unpacked earlier.
        added: files that are new in the course.
        updated: files that the learner had not changed, and now has in the new edition.
        beside: the new editions beside the files that the learner has changed, by those.
        deleted: files that the learner has deleted or renamed; they stay away.
        fresh: files that were asked for anew, with what the learner's own is called now, if it
            had been changed.
        removed: notebooks that have left the course, and that the learner had not changed.
        kept: notebooks that have left the course and the learner has changed, with the name that
            the course has for them now, if there is one.
        broken: notebooks that JupyterLab cannot open.
        failed: files that could not be written, by the reason.
    """

    folder: Path
    first: bool = False
    manifest_lost: bool = False
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    fresh: dict[str, str | None] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    kept: dict[str, str | None] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return what a learner should know, one sentence or two per line."""
        place = self.folder.resolve()
        if self.first:
            said = [f"Your new copy of the course is in {place}."]
        else:
            said = [f"Your copy of the course is in {place}."]
        if self.manifest_lost:
            said.append(
                "The record of what was unpacked there could not be read, and is made anew."
                " Every file stays as it is; --fresh gets one in the newest edition."
            )
        if self.added and not self.first:
            said.append(f"New: {_named(self.added)}.")
        if self.updated:
            said.append(f"Updated, never changed by you: {_named(self.updated)}.")
        for path, new in self.beside.items():
            said.append(
                f"{path} has a new edition. Yours is kept; the new one is beside it: {new}."
            )
        for path, old in self.fresh.items():
            yours = f" Yours is kept beside it: {old}." if old else ""
            said.append(f"{path} is as the course has it.{yours}")
        if self.removed:
            said.append(
                "Removed, no longer in the course and never changed by you:"
                f" {_named(self.removed)}."
            )
        for path, successor in self.kept.items():
            now = f"is now called {successor}" if successor else "is no longer in the course"
            said.append(f"{path} {now}. Yours is kept.")
        for path in self.broken:
            said.append(
                f"{path} is broken and will not open. {self._how_to_get(path)} starts it anew and"
                " keeps the broken file beside it."
            )
        if self.deleted:
            said.append(
                f"Deleted or renamed by you: {_named(self.deleted)}."
                f" {self._how_to_get(self.deleted[0])} brings it back."
            )
        for reason, paths in self.failed.items():
            said.append(f"Not written ({reason}): {_named(paths)}. The rest is up to date.")
        return said

    def _how_to_get(self, path: str) -> str:
        folder = f"'{self.folder}'" if " " in str(self.folder) else self.folder
        return f"`labserver lab {folder} --fresh {short_name(path)}`"


def short_name(path: str) -> str:
    """Return the shortest name by which `--fresh` finds a file: 03, exercises/03, or its path."""
    place = PurePosixPath(path)
    number = lesson_number(path)
    if number is None or place.suffix != ".ipynb":
        return path
    return number if str(place.parent) == LESSONS else f"{place.parent}/{number}"


def lesson_number(path: str) -> str | None:
    """Return the number with which a file's name begins, as 12 in 12_socket_io.ipynb, or None.

    A letter may follow the number, as in 12a.
    """
    found = re.match(r"(\d+[a-z]?)_", PurePosixPath(path).name)
    return found[1] if found else None


def _named(paths: Iterable[str]) -> str:
    names = list(paths)
    more = len(names) - _NAMED_MAX
    shown = ", ".join(names[:_NAMED_MAX])
    return f"{shown}, and {more} more" if more > 0 else shown
