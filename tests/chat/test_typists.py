from __future__ import annotations

from labserver.chat.typists import Typists
from labserver.clock import VirtualClock


def test_twenty_keys_in_two_seconds_are_one_notice() -> None:
    clock = VirtualClock()
    typists = Typists(clock)
    told = []
    for _ in range(20):
        told.append(typists.start("ann", "r"))
        clock.advance(0.1)
    assert told.count(True) == 1
    assert typists.start("ann", "r")


def test_each_room_is_counted_on_its_own() -> None:
    typists = Typists(VirtualClock())
    assert typists.start("ann", "a")
    assert typists.start("ann", "b")


def test_a_stop_is_told_once_and_only_after_a_start() -> None:
    typists = Typists(VirtualClock())
    assert not typists.stop("ann", "r")
    typists.start("ann", "r")
    assert typists.stop("ann", "r")
    assert not typists.stop("ann", "r")


def test_a_start_that_was_not_told_needs_no_stop() -> None:
    typists = Typists(VirtualClock())
    typists.start("ann", "r")
    typists.stop("ann", "r")
    assert not typists.start("ann", "r")  # within the throttle
    assert not typists.stop("ann", "r")


def test_a_lost_stop_expires_and_each_key_puts_it_off() -> None:
    clock = VirtualClock()
    typists = Typists(clock, throttle_s=2, ttl_s=5)
    typists.start("ann", "r")
    clock.advance(1)
    typists.start("ann", "r")  # not told, but a sign of life
    clock.advance(4.9)
    assert typists.expire() == []
    assert typists.deadline == clock.monotonic() + 0.1
    clock.advance(0.2)
    assert typists.expire() == [("ann", "r")]
    assert typists.deadline is None
