"""A ticket works once, and only for a short time."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.chat.tickets import TICKET_TTL_S, Tickets
from labserver.clock import VirtualClock
from labserver.errors import Refused


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def is_bad(refused: Refused, code: str = "bad_token", error: str = "invalid_token") -> bool:
    return (refused.status, refused.code, dict(refused.headers)) == (
        401,
        code,
        {"WWW-Authenticate": f'Bearer error="{error}"'},
    )


def test_a_ticket_works_once(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    ticket = tickets.issue("alice")
    assert tickets.redeem(ticket) == "alice"
    with pytest.raises(Refused) as refused:
        tickets.redeem(ticket)
    assert is_bad(refused.value, "bad_ticket")


def test_a_ticket_expires_after_half_a_minute(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    early, late = tickets.issue("alice"), tickets.issue("alice")
    clock.advance(TICKET_TTL_S - 0.001)
    assert tickets.redeem(early) == "alice"
    clock.advance(0.001)
    with pytest.raises(Refused) as refused:
        tickets.redeem(late)
    assert is_bad(refused.value, "bad_ticket")


@given(st.text())
def test_what_is_no_ticket_is_refused(text: str) -> None:
    tickets = Tickets(VirtualClock())
    tickets.issue("alice")
    with pytest.raises(Refused) as refused:
        tickets.redeem(text)
    assert is_bad(refused.value, "bad_ticket")


def test_no_two_tickets_are_the_same_and_each_fits_in_a_url(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    issued = [tickets.issue("alice") for _ in range(1000)]
    assert len(set(issued)) == 1000
    assert set("".join(issued)) <= set(string.ascii_letters + string.digits + "_-")
    assert min(map(len, issued)) >= 22  # 128 bits


def test_at_the_limit_the_oldest_ticket_goes(clock: VirtualClock) -> None:
    tickets = Tickets(clock, limit=2)
    oldest, second, third = (tickets.issue(user) for user in ("alice", "bob", "carol"))
    with pytest.raises(Refused):
        tickets.redeem(oldest)
    assert [tickets.redeem(second), tickets.redeem(third)] == ["bob", "carol"]


def test_expired_tickets_take_no_memory(clock: VirtualClock) -> None:
    tickets = Tickets(clock)
    for _ in range(50):
        tickets.issue("alice")
    clock.advance(TICKET_TTL_S)
    tickets.issue("bob")
    assert len(tickets._open) == 1
