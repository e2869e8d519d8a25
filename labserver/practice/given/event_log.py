"""The log for the exercise about waiting: events, and a condition to wait on."""

from __future__ import annotations

import asyncio
from typing import NamedTuple


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        id: 1, 2, 3 …
        text: what happened.
    """

    id: int
    text: str


class EventLog:
    """Events in order.

    Attributes:
        changed: notified, with its lock held, after each append.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Condition()
        self._events: list[Event] = []

    def after(self, cursor: int) -> list[Event]:
        """Return the events whose id is larger than the cursor."""
        return self._events[cursor:]

    async def append(self, text: str, writing_s: float = 0.0) -> None:
        """Add an event and wake all waiters.

        Args:
            text: what happened.
            writing_s: how many seconds writing it takes, during which the lock is held.
        """
        async with self.changed:
            await asyncio.sleep(writing_s)
            self._events.append(Event(len(self._events) + 1, text))
            self.changed.notify_all()
