"""Who is in which room, and what reaches them: the chat itself, whatever it travels on.

A connection is a *visit*: it catches up from its cursor, page by page, and goes live in the
same breath as it finds no more, so that nothing is lost or doubled between the two. A client
that polls is a visit that pauses between requests (poller.py). Everything here runs on one
thread and between two awaits nothing else happens: that is what the counts rely on.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from labserver.chat import events
from labserver.chat.events import ChatMessage, Envelope, Event, Ping, Receipt, Typing
from labserver.chat.log import Cursor, RoomLog
from labserver.chat.names import check_name
from labserver.chat.ports import Bus, Letter, Mailbox
from labserver.chat.post import Post
from labserver.chat.presence import GRACE_S, Presence
from labserver.chat.rate import SENDS_PER_S, RateLimit
from labserver.chat.typists import THROTTLE_S, TTL_S, Typists
from labserver.clock import Clock, iso
from labserver.errors import Refused

PAGE = 256  # entries read from the log at a time while catching up
ROOMS_MAX = 10_000  # a room is made by naming it, so the number must have an end
PRESENCE_ROOM_MAX = 200  # n users coming to a room cost n² notices; Discord's limit is 250

Deliver = Callable[[Envelope], None]


class Timed(Protocol):
    """Something that wants to be called at a time."""

    @property
    def deadline(self) -> float | None:
        """When, on the monotonic clock; None: not at all."""

    def tick(self) -> None:
        """Do what is due."""


@dataclass(slots=True, eq=False)
class Member:
    """One connection in one room.

    Attributes:
        user, room: who, and where.
        deliver: takes each envelope once the member is live; must neither raise, block, nor
            call the hub.
        log: the room's log.
        epoch: of the log when the member began to read it.
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
        """Where the member stands in the log: before its preface, while that is to be read."""
        first = self.preface[0].event.offset if self.preface else None
        return Cursor(self.position if first is None else first - 1, self.epoch)


@dataclass(slots=True)
class _Room:
    log: RoomLog
    members: set[Member] = field(default_factory=set)
    users: dict[str, int] = field(default_factory=dict)  # user → connections here
    live: dict[Member, Deliver] = field(default_factory=dict)
    announced: dict[str, bool] = field(default_factory=dict)  # user online here → was it told


def inbox(user: str) -> str:
    """The room in which `user` hears direct messages only; no room of a client's can be it."""
    return f"@{user}"


class Hub:
    """One server's view of the conversation.

    Args:
        bus: the room logs, perhaps shared with other servers.
        mailbox: keeps direct messages.
        clock: the time.
        grace_s: seconds without a connection after which a user is offline.
        sends_per_s: how often a user may speak, on average over 2 s; None: no limit.
        name: this server's name on the bus.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        mailbox: Mailbox,
        clock: Clock,
        grace_s: float = GRACE_S,
        sends_per_s: float | None = SENDS_PER_S,
        name: str | None = None,
    ) -> None:
        self.name = name or secrets.token_hex(4)
        self.clock = clock
        self.on_deadline: Callable[[float], None] = lambda deadline: None
        self._bus = bus
        self._mailbox = mailbox
        self._post = Post(bus, mailbox, self._open)
        self._presence = Presence(clock, grace_s)
        self._typists = Typists(clock)
        # Those on other servers, whose STOP may be lost; their STARTs come a throttle apart.
        self._typists_elsewhere = Typists(clock, throttle_s=0, ttl_s=TTL_S + THROTTLE_S)
        self._rate = RateLimit(clock, sends_per_s)
        self.timers: list[Timed] = []
        self._rooms: dict[str, _Room] = {}
        self._members_of: dict[str, set[Member]] = {}  # user → members
        self._elsewhere: dict[str, set[tuple[str, str]]] = {}  # user → (server, room)

    async def open(self) -> None:
        """Join the bus."""
        await self._bus.attach(self.name, self)

    async def aclose(self) -> None:
        """Leave the bus, and let go of it and of the mailbox."""
        await self._bus.detach(self.name)
        await self._bus.aclose()
        await self._mailbox.aclose()

    # Listening

    @asynccontextmanager
    async def visit(
        self, user: str, room: str, deliver: Deliver, after: Cursor | None = None
    ) -> AsyncIterator[Member]:
        """Be in a room: read on from a cursor with `catch_up`, then hear what is said.

        Args:
            user: a checked name.
            room: a room's name, or `inbox(user)`.
            deliver: called with each envelope once the member is live.
            after: the reader's cursor; None: from now on.

        Raises:
            Refused: `bad_name` (400) or `too_many_rooms` (429).
        """
        member = await self.arrive(user, room, deliver)
        try:
            member.preface, member.position = await self.begin(member, after)
            yield member
        finally:
            self.leave(member)

    def catch_up(self, member: Member) -> list[Envelope]:
        """The next page of what the member has not read; empty once it is live.

        The caller sends each page before it asks for the next.
        """
        if member.live:
            return []
        if member.preface:
            page, member.preface = member.preface, []
            return page
        if not member.log.covers(member.cursor):  # overtaken while it was sending the last page
            member.epoch, member.position = member.log.epoch, member.log.before_mail(member.user)
            return [member.log.reset(member.position)]
        page, member.position = member.log.after(member.position, member.user, PAGE)
        if not page:
            self.go_live(member)
        return page

    def go_live(self, member: Member) -> None:
        """From now on `deliver` is called; first with who is online here."""
        member.live = True
        room = self._rooms[member.room]
        room.live[member] = member.deliver
        if len(room.announced) <= PRESENCE_ROOM_MAX:
            for user in room.announced:
                room.announced[user] = True
                if user != member.user:
                    member.deliver(events.presence(user, online=True))

    async def arrive(self, user: str, room: str, deliver: Deliver) -> Member:
        """Count a new member in. Who calls this calls `leave`."""
        log = await self._open(room)
        member = Member(user, room, deliver, log, log.epoch, log.newest)
        here = self._rooms[room]
        here.members.add(member)
        here.users[user] = here.users.get(user, 0) + 1
        self._members_of.setdefault(user, set()).add(member)
        self._post.moved_in(user, room)
        self._presence.connect(user, member)
        self._announce(user, here)
        if here.users[user] == 1:
            self._bus.arrived(self.name, user, room)
        return member

    def leave(self, member: Member) -> None:
        """Count a member out; twice does no harm."""
        here = self._rooms[member.room]
        if member not in here.members:
            return
        here.members.remove(member)
        here.users[member.user] -= 1
        here.live.pop(member, None)
        mine = self._members_of[member.user]
        mine.remove(member)
        if not mine:
            del self._members_of[member.user]
        if not here.users[member.user]:
            del here.users[member.user]
            self._stop_typing(member.user, member.room)
            self._bus.left(self.name, member.user, member.room)
        self._presence.disconnect(member.user, member)
        self.schedule()

    async def begin(
        self, member: Member, after: Cursor | None, *, collect: bool = True
    ) -> tuple[list[Envelope], int]:
        """Where a reader with cursor `after` starts.

        Args:
            member: has arrived.
            after: its cursor; None: from now on.
            collect: whether to look into the mailbox where `after` is covered.

        Returns:
            What to hand over first, and the offset to read on from.
        """
        log = member.log
        if after is not None and log.covers(after):
            await self._post.acknowledge(member.user, log, after.offset)
            if collect:
                await self._post.collect(member.user, log, after.offset)
            return [], after.offset
        # The reader gets what comes after this moment in any case, mail placed meanwhile too.
        position = log.newest
        mail = await self._post.collect(member.user, log, position)
        if after is None:
            return mail, position
        if mail:
            position = (mail[0].event.offset or 0) - 1
        return [log.reset(position)], position

    # Speaking

    async def receive(self, user: str, room: str, raw: bytes | str) -> Envelope | None:
        """Do what a client says.

        Args:
            user: who says it.
            room: where.
            raw: the event as JSON.

        Returns:
            The answer: an ACK, a PONG, or None where none is due.

        Raises:
            Refused: with a code for the ERROR event and an HTTP status.
        """
        try:
            said = events.decode_said(raw)
        except Refused:
            self._rate.spend(user)  # nonsense is not free either
            raise
        if isinstance(said, Receipt):
            await self._post.acknowledge(user, await self._open(room), said.offset)
            return None
        self._rate.spend(user)
        if isinstance(said, ChatMessage):
            return await self._message(user, room, said)
        if isinstance(said, Ping):
            return events.PONG
        await self._open(room)
        self._typing(user, room, said)
        return None

    async def _message(self, user: str, room: str, message: ChatMessage) -> Envelope:
        message_id = message.id or secrets.token_hex(8)
        ts = iso(self.clock.time())
        if message.recipient_id is None:
            await self._open(room)
            kept = await self._bus.append(
                room,
                Event(
                    "CHAT_MESSAGE",
                    {"senderId": user, "content": message.content, "id": message_id},
                    ts=ts,
                ),
                key=f"{user}/{message_id}",
            )
            status = "delivered"
        else:
            letter = Letter(user, message.recipient_id, message_id, message.content, ts)
            status = "delivered" if self._connected_rooms(letter.recipient) else "queued"
            kept = await self._post.send(letter, self._connected_rooms, room)
        return events.ack(message_id, kept.at, status if kept.fresh else "duplicate")

    def _typing(self, user: str, room: str, said: Typing) -> None:
        if not said.started:
            self._stop_typing(user, room)
        elif self._typists.start(user, room):
            self._notify(room, events.typing(user, started=True), but=user)
        self.schedule()

    def _stop_typing(self, user: str, room: str) -> None:
        if self._typists.stop(user, room):
            self._notify(room, events.typing(user, started=False), but=user)

    # Time

    @property
    def deadline(self) -> float | None:
        """When `tick` next has something to do, on the monotonic clock."""
        deadlines = [
            self._presence.deadline,
            self._typists.deadline,
            self._typists_elsewhere.deadline,
            *(timer.deadline for timer in self.timers),
        ]
        return min((at for at in deadlines if at is not None), default=None)

    def schedule(self) -> None:
        """Tell the owner of the timer when the next deadline is."""
        deadline = self.deadline
        if deadline is not None:
            self.on_deadline(deadline)

    def tick(self) -> None:
        """Do what is due: pollers that ceased to ask, users who left, typists who fell silent."""
        for timer in tuple(self.timers):
            timer.tick()
        for user in self._presence.expire():
            notice = events.presence(user, online=False)
            for name, room in self._rooms.items():
                if room.announced.pop(user, False):
                    self._tell(name, notice)
        for user, name in self._typists.expire():
            self._notify(name, events.typing(user, started=False), but=user)
        for user, name in self._typists_elsewhere.expire():
            self._tell(name, events.typing(user, started=False), but=user)
        self.schedule()

    # What the bus tells of other servers

    def on_signal(self, room: str, notice: Envelope) -> None:
        """Another server passes on an event that is not kept."""
        user = notice.event.data["userId"]
        self._tell(room, notice, but=user)
        if notice.event.type == "TYPING_START":
            self._typists_elsewhere.start(user, room)
            self.schedule()
        else:
            self._typists_elsewhere.stop(user, room)

    def on_arrived(self, server: str, user: str, room: str) -> None:
        """A user is connected to `room` on another server."""
        self._elsewhere.setdefault(user, set()).add((server, room))
        self._presence.connect(user, (server, room))
        if room in self._rooms:
            self._announce(user, self._rooms[room])

    def on_left(self, server: str, user: str, room: str) -> None:
        """A user is no more connected to `room` on that server."""
        places = self._elsewhere.get(user, set())
        places.discard((server, room))
        if not places:
            self._elsewhere.pop(user, None)
        self._presence.disconnect(user, (server, room))
        self.schedule()

    # Within

    async def _open(self, name: str) -> RoomLog:
        room = self._rooms.get(name)
        if room is not None:
            return room.log
        if not name.startswith("@"):
            check_name(name, "room")
        if len(self._rooms) >= ROOMS_MAX:
            raise Refused(429, "too_many_rooms", "Use one of the rooms that are there.")
        log = await self._bus.log(name)
        if name not in self._rooms:  # another task may have opened it while we waited
            self._rooms[name] = _Room(log)
            log.watch(self._fan_out)
            for user, places in self._elsewhere.items():
                if any(there == name for _, there in places):
                    self._announce(user, self._rooms[name])
        return self._rooms[name].log

    def _fan_out(self, entry: Envelope) -> None:
        room = self._rooms[entry.event.room or ""]
        if entry.recipient is None:
            for deliver in room.live.values():
                deliver(entry)
            return
        for member, deliver in room.live.items():
            if member.user == entry.recipient:
                deliver(entry)

    def _announce(self, user: str, room: _Room) -> None:
        if user in room.announced or room.log.room.startswith("@"):
            return
        room.announced[user] = len(room.announced) < PRESENCE_ROOM_MAX
        if room.announced[user]:
            self._tell(room.log.room, events.presence(user, online=True), but=user)

    def _notify(self, room: str, notice: Envelope, but: str) -> None:
        self._tell(room, notice, but)
        self._bus.signal(self.name, room, notice)

    def _tell(self, room: str, notice: Envelope, but: str | None = None) -> None:
        here = self._rooms.get(room)
        for member, deliver in here.live.items() if here else ():
            if member.user != but:
                deliver(notice)

    def _connected_rooms(self, user: str) -> set[str]:
        local = {member.room for member in self._members_of.get(user, ())}
        return local | {room for _, room in self._elsewhere.get(user, ())}
