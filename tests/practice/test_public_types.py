"""What learners' notebooks import keeps its public names."""

from __future__ import annotations

from importlib import import_module

import pytest

PUBLIC = {
    "answers": {"Choice", "CloseReply", "Overhead", "PollCost", "Req", "Response"},
    "event_log": {"Event", "EventLog"},
    "frames": {"Close", "Frame", "Message", "Pong", "ProtocolError"},
    "sse_events": {"Event", "Reset"},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_module_hands_on_the_very_types_that_checks_compare(name: str) -> None:
    public = import_module(f"labserver.practice.{name}")
    given = import_module(f"labserver.practice.given.{name}")
    assert set(public.__all__) == PUBLIC[name]
    assert all(getattr(public, one) is getattr(given, one) for one in PUBLIC[name])
