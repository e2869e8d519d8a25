"""The two things that a hub needs from outside: a bus to other servers, a mailbox for people.

Both are kept by backends/. Their methods may wait (a disk, a network), so they are
coroutines; what they call on a hub is plain, and is called on the hub's own thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from labserver.chat.events import Envelope, Event
from labserver.chat.log import RoomLog


@dataclass(frozen=True, slots=True)
class Letter:
    """A direct message as the mailbox keeps it.

    Attributes:
        sender, recipient: users.
        id: the sender's id for it; (sender, id) names one message.
        content: the text.
        ts: when it was accepted, ISO 8601 in UTC.
        number: its place in the recipient's mailbox; grows; 0 before it is kept.
    """

    sender: str
    recipient: str
    id: str
    content: str
    ts: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an entry: its offset or number, and whether it is new."""

    at: int
    fresh: bool


class Mailbox(Protocol):
    """Keeps each direct message until its recipient has acknowledged it."""

    async def keep(self, letter: Letter) -> Kept:
        """Store `letter` durably; the same (sender, id) again is not fresh."""

    async def pending(self, recipient: str) -> Sequence[Letter]:
        """What `recipient` has not acknowledged, in the order in which it was kept."""

    async def drop(self, recipient: str, numbers: Sequence[int]) -> None:
        """These have been acknowledged."""

    async def aclose(self) -> None:
        """Let go of files and threads."""


class Listener(Protocol):
    """What a bus tells each of its hubs about the others."""

    def on_signal(self, room: str, notice: Envelope) -> None:
        """Another server passes on an event that is not kept (typing)."""

    def on_arrived(self, server: str, user: str, room: str) -> None:
        """A user has a first connection to `room` on another server."""

    def on_left(self, server: str, user: str, room: str) -> None:
        """A user has no more connection to `room` on that server."""


class Bus(Protocol):
    """The room logs, shared by all hubs that are attached to it."""

    async def attach(self, server: str, listener: Listener) -> None:
        """Begin to tell `listener` about the other servers; `server` is its own name."""

    async def detach(self, server: str) -> None:
        """Tell it no more, and tell the others that its users have left."""

    async def log(self, room: str) -> RoomLog:
        """The room's log, loaded, and kept up to date from now on."""

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
            room: whose log.
            event: type, data and ts; offset and room are filled in.
            recipient: the only user who may see it.
            mail: its number in that user's mailbox.
            key: the same key again within the log's retention is not fresh, and is not appended.
        """

    def signal(self, server: str, room: str, notice: Envelope) -> None:
        """Pass on an event that is not kept to the hubs of other servers; may be lost."""

    def arrived(self, server: str, user: str, room: str) -> None:
        """This server's first connection of `user` to `room`."""

    def left(self, server: str, user: str, room: str) -> None:
        """This server's last connection of `user` to `room` is gone."""

    async def aclose(self) -> None:
        """Let go of connections and tasks."""
