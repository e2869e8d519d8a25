from __future__ import annotations

import pytest

from labserver.chat.events import Envelope, Event, envelope
from labserver.chat.outbox import Outbox


def entry(size: int = 1) -> Envelope:
    return envelope(Event("X", {"x": "y" * size}))


def test_what_waits_comes_out_in_order() -> None:
    outbox, entries = Outbox(), [entry(size) for size in (1, 2, 3)]
    assert all(outbox.put(one) for one in entries)
    assert len(outbox) == 3
    assert outbox.take() is entries[0]
    assert outbox.take_all() == entries[1:]
    assert (len(outbox), outbox.bytes) == (0, 0)


@pytest.mark.parametrize(
    "outbox", [Outbox(limit_events=3), Outbox(limit_bytes=3 * len(entry().json))]
)
def test_past_its_bound_it_is_overrun_emptied_and_takes_nothing_more(outbox: Outbox) -> None:
    assert [outbox.put(entry()) for _ in range(5)] == [True, True, True, False, False]
    assert outbox.overrun
    assert (len(outbox), outbox.bytes) == (0, 0)


def test_nothing_to_take_is_an_error() -> None:
    with pytest.raises(IndexError):
        Outbox().take()
