"""The log that the exercise about waiting is given: what happened, and a condition to wait on."""

from __future__ import annotations

import asyncio
from typing import NamedTuple


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        id: 1, 2, 3 …
        text: what.
    """

    id: int
    text: str


class EventLog:
    """Events in their order.

    Attributes:
        changed: notified, under its lock, after each append.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Condition()
        self._events: list[Event] = []

    def after(self, cursor: int) -> list[Event]:
        """The events whose id is larger than the cursor."""
        return self._events[cursor:]

    async def append(self, text: str, writing_s: float = 0.0) -> None:
        """Add an event and wake who waits.

        Args:
            text: what happened.
            writing_s: seconds that it takes to write it down; the lock is held meanwhile.
        """
        async with self.changed:
            await asyncio.sleep(writing_s)
            self._events.append(Event(len(self._events) + 1, text))
            self.changed.notify_all()
