"""The two things that a hub needs from outside: a bus to other servers, and a mailbox.

Both are implemented in backends/. Their methods may wait for a disk or a network, so they are
coroutines; what they call on a hub are plain functions, called on the hub's own thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from labserver.chat.events import Envelope, Event
from labserver.chat.log import RoomLog


@dataclass(frozen=True, slots=True)
class Letter:
    """A direct message, as the mailbox keeps it.

    Attributes:
        sender, recipient: the users.
        id: the sender's id for it; (sender, id) identifies the message.
        content: the text.
        ts: when it was accepted, ISO 8601 in UTC.
        number: its number in the mailbox, which grows; 0 before it is kept.
    """

    sender: str
    recipient: str
    id: str
    content: str
    ts: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an entry that was to be kept.

    Attributes:
        at: its offset in the log, or its number in the mailbox.
        fresh: True if it is new, False if it was already kept.
    """

    at: int
    fresh: bool


class Mailbox(Protocol):
    """Keeps each direct message until its recipient has acknowledged it."""

    async def keep(self, letter: Letter) -> Kept:
        """Store `letter` durably; if (sender, id) is known already, the result is not fresh."""

    async def pending(self, recipient: str) -> Sequence[Letter]:
        """Return what `recipient` has not acknowledged, in the order in which it was kept."""

    async def drop(self, recipient: str, numbers: Sequence[int]) -> None:
        """Remove the letters with these numbers, which were acknowledged."""

    async def aclose(self) -> None:
        """Release files and threads."""


class BusListener(Protocol):
    """What a bus tells each of its hubs about the other servers."""

    def on_notice(self, room: str, notice: Envelope) -> None:
        """Another server has passed on an event that is not kept (typing)."""

    def on_arrived(self, server: str, user: str, room: str) -> None:
        """A user has opened a first connection to `room` on another server."""

    def on_left(self, server: str, user: str, room: str) -> None:
        """A user has closed the last connection to `room` on that server."""


class Bus(Protocol):
    """The room logs, shared by all hubs that are attached to the bus."""

    async def attach(self, server: str, listener: BusListener) -> None:
        """Notify `listener` of the other servers' news from now on; `server` is its own name."""

    async def detach(self, server: str) -> None:
        """Stop notifying a server's listener, and tell the others that its users have left."""

    async def log(self, room: str) -> RoomLog:
        """Return the room's log, loaded, and kept up to date from now on."""

    async def append(
        self,
        room: str,
        event: Event,
        *,
        recipient: str | None = None,
        mail: int | None = None,
        key: str | None = None,
    ) -> Kept:
        """Append to the room's log, for all servers, in one order.

        Args:
            room: the room.
            event: the type, data and ts; offset and room are filled in.
            recipient: the only user who may see it; None for everyone.
            mail: its number in that user's mailbox, if it is a direct message.
            key: identifies the entry: while the log retains it, the same key is not appended
                again, and the result is not fresh.
        """

    def notify(self, server: str, room: str, notice: Envelope) -> None:
        """Pass on an event that is not kept to the hubs of the other servers; it may be lost."""

    def arrived(self, server: str, user: str, room: str) -> None:
        """Tell the others of this server's first connection of `user` to `room`."""

    def left(self, server: str, user: str, room: str) -> None:
        """Tell the others that this server's last connection of `user` to `room` is gone."""

    async def aclose(self) -> None:
        """Release connections and tasks."""
