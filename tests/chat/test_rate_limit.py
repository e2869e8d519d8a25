from __future__ import annotations

import pytest

from labserver.chat.rate_limit import RateLimit
from labserver.clock import VirtualClock
from labserver.errors import Refused


def spent(limit: RateLimit, user: str, times: int) -> int:
    """Return how many of `count` sends are allowed."""
    through = 0
    for _ in range(times):
        try:
            limit.spend(user)
        except Refused:
            continue
        through += 1
    return through


def test_a_burst_may_use_up_the_window_and_no_more() -> None:
    clock = VirtualClock()
    limit = RateLimit(clock, per_s=50, window_s=2)
    assert spent(limit, "ann", 150) == 100
    clock.advance(1.99)
    assert spent(limit, "ann", 1) == 0
    clock.advance(0.02)
    assert spent(limit, "ann", 150) == 100


def test_fifty_a_second_may_go_on_for_ever() -> None:
    clock = VirtualClock()
    limit = RateLimit(clock)
    for _ in range(1000):
        limit.spend("ann")
        clock.advance(0.0201)


def test_who_is_refused_is_told_how_long_to_wait() -> None:
    clock = VirtualClock()
    limit = RateLimit(clock, per_s=1, window_s=2)
    spent(limit, "ann", 2)
    clock.advance(0.5)
    with pytest.raises(Refused) as refused:
        limit.spend("ann")
    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.retry_after_s == pytest.approx(1.5)
    assert refused.value.headers["Retry-After"] == "2"


def test_users_do_not_count_for_each_other_and_the_silent_are_forgotten() -> None:
    clock = VirtualClock()
    limit = RateLimit(clock, per_s=1, window_s=2)
    for number in range(100):
        limit.spend(f"u{number}")
    clock.advance(3)
    limit.spend("ann")
    assert list(limit._sends) == ["ann"]


def test_without_a_limit_nothing_is_counted() -> None:
    assert spent(RateLimit(VirtualClock(), per_s=None), "ann", 10_000) == 10_000
