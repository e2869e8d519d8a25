"""Wrong ideas about a log that is read by cursor."""

from __future__ import annotations

import time
from typing import Any


class Base:
    """A log that works; each wrong idea changes one thing in it."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Any]] = []

    def append(self, event: Any) -> int:
        self.events.append((len(self.events) + 1, event))
        return len(self.events)

    def unread(self, after: int) -> list[tuple[int, Any]]:
        return [one for one in self.events if one[0] > after]

    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        batch = self.unread(after)[:limit]
        return [event for _, event in batch], batch[-1][0] if batch else after


class CursorIsATime(Base):
    def append(self, event: Any) -> int:
        self.events.append((int(time.time() * 1000), event))
        return self.events[-1][0]


class DeletesOnDelivery(Base):
    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        batch = self.unread(after)[:limit]
        self.events = [one for one in self.events if one not in batch]
        return [event for _, event in batch], batch[-1][0] if batch else after

    def append(self, event: Any) -> int:
        self.last = getattr(self, "last", 0) + 1
        self.events.append((self.last, event))
        return self.last


class RemembersTheReader(Base):
    """Believes that what it delivered has arrived, and ignores earlier cursors."""

    given = 0

    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        events, self.given = super().poll(max(after, self.given), limit)
        return events, self.given


class AtTheCursor(Base):
    def unread(self, after: int) -> list[tuple[int, Any]]:
        return [one for one in self.events if one[0] >= after]


class NextIsNewest(Base):
    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        return super().poll(after, limit)[0], max(after, len(self.events))


class NextIsNothing(Base):
    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        events, following = super().poll(after, limit)
        return events, following if events else 0


class NoLimit(Base):
    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        return super().poll(after, 1_000_000)


class NewestFirst(Base):
    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        batch = self.unread(after)[-limit:]
        return [event for _, event in batch], batch[-1][0] if batch else after


class CountsFromZero(Base):
    def append(self, event: Any) -> int:
        return super().append(event) - 1


class FindsTheEvent(Base):
    """Looks for the event itself, so two with the same text have one place."""

    def append(self, event: Any) -> int:
        super().append(event)
        return [one[1] for one in self.events].index(event) + 1


class ReturnsTheEventsAlone(Base):
    def poll(self, after: int, limit: int) -> Any:
        return super().poll(after, limit)[0]


class ReturnsPairs(Base):
    def poll(self, after: int, limit: int) -> tuple[list[Any], int]:
        batch = self.unread(after)[:limit]
        return list(batch), batch[-1][0] if batch else after


class KeepsAHundred(Base):
    def unread(self, after: int) -> list[tuple[int, Any]]:
        return [one for one in self.events[-100:] if one[0] > after]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "CursorIsATime": "your cursor is a time",
    "DeletesOnDelivery": "you took delivery for receipt",
    "RemembersTheReader": "you took delivery for receipt",
    "AtTheCursor": "the client has it already",
    "NextIsNewest": "next skips events that this answer does not hold:",
    "NextIsNothing": "no event was returned, and yet the cursor moved.",
    "NoLimit": "this answer holds more events than the limit allows.",
    "NewestFirst": "not the oldest unread events",
    "CountsFromZero": "the first event's id is 1",
    "FindsTheEvent": "wrong.",
    "ReturnsTheEventsAlone": "wrong.",
    "ReturnsPairs": "wrong.",
    "KeepsAHundred": "not the oldest unread events",
}
