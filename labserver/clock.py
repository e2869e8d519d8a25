"""Time that is passed in: the real clock, and one that a test moves by hand.

Nothing in chat/ asks the machine for the time; it asks the clock that it was given.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A clock that tells the time twice: to measure with, and to show."""

    def monotonic(self) -> float:
        """Return the seconds since some moment; they never decrease."""

    def time(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


class VirtualClock:
    """A clock that moves only when it is advanced.

    Args:
        start: the first reading of `time()`, seconds since 1970; `monotonic()` starts at 0.
    """

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._start = start
        self._elapsed = 0.0

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return self._elapsed

    def time(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""
        return self._start + self._elapsed

    def advance(self, seconds: float) -> None:
        """Advance the clock by some seconds.

        Raises:
            ValueError: if `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back: advance({seconds})")
        self._elapsed += seconds


def iso(seconds: float) -> str:
    """Format a moment, in seconds since 1970, as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
