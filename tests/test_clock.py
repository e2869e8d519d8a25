"""The clocks that are passed in."""

from __future__ import annotations

import time

import pytest

from labserver.clock import SystemClock, VirtualClock, iso


def test_the_systems_clock_is_the_machines() -> None:
    clock = SystemClock()
    assert abs(clock.time() - time.time()) < 1
    assert abs(clock.monotonic() - time.monotonic()) < 1


def test_a_virtual_clock_moves_only_when_it_is_told_to() -> None:
    clock = VirtualClock(start=1000.0)
    assert (clock.monotonic(), clock.time()) == (0.0, 1000.0)
    clock.advance(2.5)
    assert (clock.monotonic(), clock.time()) == (2.5, 1002.5)


def test_time_does_not_go_back() -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
    assert clock.monotonic() == 0.0


def test_a_moment_is_written_in_utc() -> None:
    assert iso(1_750_000_000.1) == "2025-06-15T15:06:40.100Z"
