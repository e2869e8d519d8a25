"""How the tests observe a bus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from labserver.chat.events import Envelope, Event
from labserver.chat.interfaces import Bus, Letter, Mailbox
from labserver.chat.log import RoomLog

Buses = Callable[..., AbstractAsyncContextManager[tuple[Bus, Bus]]]
Mailboxes = Callable[[], Awaitable[Mailbox]]


def say(content: str) -> Event:
    """Return a message as a hub hands it to the bus."""
    return Event("CHAT_MESSAGE", {"content": content}, ts="2025-01-01T00:00:00.000Z")


def letter(number: int, recipient: str = "bob") -> Letter:
    """Return a letter that is not kept yet."""
    return Letter("alice", recipient, f"id-{number}", f"content {number}", "2025-01-01T00:00:00Z")


def contents(log: RoomLog) -> list[str]:
    """Return the contents of a log's messages."""
    return [log[offset].event.data["content"] for offset in range(log.oldest, log.newest + 1)]


@dataclass
class RecordingListener:
    """A listener that remembers what it was told."""

    signals: list[tuple[str, Event]] = field(default_factory=list)
    present: set[tuple[str, str, str]] = field(default_factory=set)
    calls: list[tuple[str, str, str, str]] = field(default_factory=list)

    def on_notice(self, room: str, notice: Envelope) -> None:
        self.signals.append((room, notice.event))

    def on_arrived(self, server: str, user: str, room: str) -> None:
        self.calls.append(("arrived", server, user, room))
        self.present.add((server, user, room))

    def on_left(self, server: str, user: str, room: str) -> None:
        self.calls.append(("left", server, user, room))
        self.present.discard((server, user, room))
