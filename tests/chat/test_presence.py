from __future__ import annotations

from labserver.chat.presence import Presence
from labserver.clock import VirtualClock


def test_the_first_tab_brings_a_user_online_and_only_the_first() -> None:
    presence = Presence(VirtualClock())
    assert presence.connect("ann", 1)
    assert not presence.connect("ann", 2)
    assert presence.online("ann")


def test_the_last_tab_takes_a_user_offline_after_the_grace() -> None:
    clock = VirtualClock()
    presence = Presence(clock, grace_s=2)
    for tab in (1, 2, 3):
        presence.connect("ann", tab)
    presence.disconnect("ann", 1)
    presence.disconnect("ann", 2)
    assert presence.deadline is None
    presence.disconnect("ann", 3)
    assert presence.deadline == clock.monotonic() + 2
    clock.advance(1.9)
    assert presence.expire() == []
    assert presence.online("ann")
    clock.advance(0.1)
    assert presence.expire() == ["ann"]
    assert not presence.online("ann")


def test_a_reload_within_the_grace_goes_unnoticed() -> None:
    clock = VirtualClock()
    presence = Presence(clock, grace_s=2)
    presence.connect("ann", 1)
    presence.disconnect("ann", 1)
    clock.advance(1)
    assert not presence.connect("ann", 2)
    clock.advance(9)
    assert presence.expire() == []


def test_a_connection_that_is_not_known_changes_nothing() -> None:
    clock = VirtualClock()
    presence = Presence(clock)
    presence.disconnect("ann", 1)
    presence.connect("ann", 1)
    presence.disconnect("ann", 7)
    presence.disconnect("ann", 1)
    presence.disconnect("ann", 1)
    clock.advance(9)
    assert presence.expire() == ["ann"]
    assert list(presence) == []
