"""What is particular to the bus within one process; the rest is in test_buses.py."""

from __future__ import annotations

import pytest

from labserver.backends import memory_bus
from labserver.backends.memory_bus import MemoryBus
from tests.backends.listening import say


async def test_another_bus_is_another_epoch() -> None:
    assert MemoryBus().epoch != MemoryBus().epoch


async def test_the_keys_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_bus, "KEYS_MAX", 3)
    bus = MemoryBus()
    for n in range(5):
        await bus.append("lobby", say(str(n)), key=str(n))
    assert not (await bus.append("lobby", say("again"), key="2")).fresh
    assert (await bus.append("lobby", say("again"), key="1")).fresh
