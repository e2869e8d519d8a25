"""What the load's process tells the kernel: lines of JSON, one report each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import IO, Any

import msgspec

EVERY_S = 0.1  # a bar need not move more often


class Progress(msgspec.Struct, tag="progress"):
    """How far it is: `done` of `total`, and what it is at."""

    done: int
    total: int
    doing: str


class Rows(msgspec.Struct, tag="rows"):
    """What was measured."""

    rows: list[tuple[Any, ...]]


class Failed(msgspec.Struct, tag="failed"):
    """It cannot go on, and what the person at the notebook can do."""

    message: str


Report = Progress | Rows | Failed


class Reporter:
    """Writes reports.

    Args:
        out: where to.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._progress = Progress(0, 0, "")
        self._told_at = 0.0

    def expect(self, total: int) -> None:
        """So much is to be done."""
        self._progress.total = total

    def doing(self, what: str) -> None:
        """It is at this now."""
        self._progress.doing = what
        self._tell()

    def step(self) -> None:
        """One more is done; told now and then."""
        self._progress.done += 1
        if time.monotonic() - self._told_at > EVERY_S:
            self._tell()

    def reach(self, done: int) -> None:
        """It is so far, whatever was lost on the way."""
        self._progress.done = done
        self._tell()

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """This was measured."""
        self._write(Rows(list(rows)))

    def failed(self, message: str) -> None:
        """It cannot go on."""
        self._write(Failed(message))

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self._write(self._progress)

    def _write(self, report: Report) -> None:
        self._out.write(msgspec.json.encode(report) + b"\n")
        self._out.flush()
