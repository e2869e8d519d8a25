"""What the load's process tells the kernel: lines of JSON, one report each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import IO, Any

import msgspec

EVERY_S = 0.1  # a progress bar need not move more often


class ProgressReport(msgspec.Struct, tag="progress"):
    """How far the measurement is: `done` of `total`, and what it is doing."""

    done: int
    total: int
    doing: str


class Rows(msgspec.Struct, tag="rows"):
    """What was measured."""

    rows: list[tuple[Any, ...]]


class Failed(msgspec.Struct, tag="failed"):
    """Why the measurement cannot go on, for the person at the notebook."""

    message: str


Report = ProgressReport | Rows | Failed


class Reporter:
    """Writes reports to a stream."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._progress = ProgressReport(0, 0, "")
        self._told_at = 0.0

    def expect(self, total: int) -> None:
        """Say how much there is to do."""
        self._progress.total = total

    def doing(self, what: str) -> None:
        """Say what is being done now."""
        self._progress.doing = what
        self._tell()

    def step(self) -> None:
        """Count one more thing as done; this is reported now and then."""
        self._progress.done += 1
        if time.monotonic() - self._told_at > EVERY_S:
            self._tell()

    def reach(self, done: int) -> None:
        """Say how much is done, counting what was lost on the way."""
        self._progress.done = done
        self._tell()

    def rows(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Report what was measured."""
        self._write(Rows(list(rows)))

    def failed(self, message: str) -> None:
        """Report why the measurement cannot go on."""
        self._write(Failed(message))

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        self._write(self._progress)

    def _write(self, report: Report) -> None:
        self._out.write(msgspec.json.encode(report) + b"\n")
        self._out.flush()
