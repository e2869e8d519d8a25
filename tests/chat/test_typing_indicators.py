from __future__ import annotations

from labserver.chat.typing_indicators import TypingIndicators
from labserver.clock import VirtualClock


def test_twenty_keys_in_two_seconds_are_one_notice() -> None:
    clock = VirtualClock()
    indicators = TypingIndicators(clock)
    told = []
    for _ in range(20):
        told.append(indicators.start("ann", "r"))
        clock.advance(0.1)
    assert told.count(True) == 1
    assert indicators.start("ann", "r")


def test_each_room_is_counted_on_its_own() -> None:
    indicators = TypingIndicators(VirtualClock())
    assert indicators.start("ann", "a")
    assert indicators.start("ann", "b")


def test_a_stop_is_told_once_and_only_after_a_start() -> None:
    indicators = TypingIndicators(VirtualClock())
    assert not indicators.stop("ann", "r")
    indicators.start("ann", "r")
    assert indicators.stop("ann", "r")
    assert not indicators.stop("ann", "r")


def test_a_start_that_was_not_told_needs_no_stop() -> None:
    indicators = TypingIndicators(VirtualClock())
    indicators.start("ann", "r")
    indicators.stop("ann", "r")
    assert not indicators.start("ann", "r")  # within the throttle
    assert not indicators.stop("ann", "r")


def test_a_lost_stop_expires_and_each_key_puts_it_off() -> None:
    clock = VirtualClock()
    indicators = TypingIndicators(clock, throttle_s=2, ttl_s=5)
    indicators.start("ann", "r")
    clock.advance(1)
    indicators.start("ann", "r")  # not told, but a sign of life
    clock.advance(4.9)
    assert indicators.expire() == []
    assert indicators.deadline == clock.monotonic() + 0.1
    clock.advance(0.2)
    assert indicators.expire() == [("ann", "r")]
    assert indicators.deadline is None
