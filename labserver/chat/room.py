"""A room: its log, who is connected to it, and how an event reaches them.

A member is one connection. It catches up on the log first, and is *live* from then on: whatever is
appended to the log, and every notice that no log keeps, is delivered to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from labserver.chat import events
from labserver.chat.events import Envelope
from labserver.chat.log import Cursor, RoomLog

PRESENCE_ROOM_MAX = 200  # n users coming to a room cost n² notices; Discord's limit is 250

Deliver = Callable[[Envelope], None]


def inbox(user: str) -> str:
    """Return the room in which `user` receives only direct messages; no client can name it."""
    return f"@{user}"


@dataclass(slots=True, eq=False)
class Member:
    """One connection to one room.

    Attributes:
        user, room: the user, and the room.
        deliver: takes each envelope once the member is live; must neither raise nor block, nor
            call the hub.
        log: the room's log.
        epoch: the log's epoch when the member began to read it.
        position: the last offset read while catching up.
        preface: what comes before the log: a RESET, or mail from before `position`.
        live: whether `deliver` is called.
    """

    user: str
    room: str
    deliver: Deliver
    log: RoomLog
    epoch: str
    position: int
    preface: list[Envelope] = field(default_factory=list)
    live: bool = False

    @property
    def cursor(self) -> Cursor:
        """How far the member has read; before its preface, until that has been read."""
        first = self.preface[0].event.offset if self.preface else None
        return Cursor(self.position if first is None else first - 1, self.epoch)


@dataclass(slots=True)
class Room:
    """One room, as one server sees it.

    Attributes:
        log: what was sent.
        members: the connections to it.
        users: user → number of connections.
        live: the members that are live, and what delivers to them.
        announced: users who are online here → whether the room was told so.
    """

    log: RoomLog
    members: set[Member] = field(default_factory=set)
    users: dict[str, int] = field(default_factory=dict)
    live: dict[Member, Deliver] = field(default_factory=dict)
    announced: dict[str, bool] = field(default_factory=dict)

    def add(self, member: Member) -> bool:
        """Add a member; return whether it is the user's first here."""
        self.members.add(member)
        self.users[member.user] = self.users.get(member.user, 0) + 1
        return self.users[member.user] == 1

    def remove(self, member: Member) -> bool:
        """Remove a member; return whether it was the user's last here."""
        self.members.remove(member)
        self.live.pop(member, None)
        self.users[member.user] -= 1
        if self.users[member.user]:
            return False
        del self.users[member.user]
        return True

    def go_live(self, member: Member) -> None:
        """From now on call the member's `deliver`, beginning with the users who are online here."""
        member.live = True
        self.live[member] = member.deliver
        if len(self.announced) <= PRESENCE_ROOM_MAX:
            for user in self.announced:
                self.announced[user] = True
                if user != member.user:
                    member.deliver(events.presence(user, online=True))

    def fan_out(self, entry: Envelope) -> None:
        """Deliver an entry of the log to all who may see it."""
        if entry.recipient is None:
            for deliver in self.live.values():
                deliver(entry)
            return
        for member, deliver in self.live.items():
            if member.user == entry.recipient:
                deliver(entry)

    def notify(self, notice: Envelope, but: str | None = None) -> None:
        """Deliver a notice that no log keeps to all but one user."""
        for member, deliver in self.live.items():
            if member.user != but:
                deliver(notice)

    def announce(self, user: str) -> None:
        """Tell the room that a user is online, unless it is an inbox or too large."""
        if user in self.announced or self.log.room.startswith("@"):
            return
        self.announced[user] = len(self.announced) < PRESENCE_ROOM_MAX
        if self.announced[user]:
            self.notify(events.presence(user, online=True), but=user)

    def withdraw(self, user: str) -> None:
        """Tell the room that a user is offline, if it was told that they were online."""
        if self.announced.pop(user, False):
            self.notify(events.presence(user, online=False))
