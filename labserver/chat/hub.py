"""The hub: the chat itself, whatever it travels on.

A connection is a *visit*: it catches up from its cursor, page by page, and goes live in the moment
in which it finds nothing more, so that nothing is lost or duplicated in between. A client that
polls is a visit that pauses between requests (poller.py). Everything here runs on one thread, and
nothing else happens between two awaits; the counts rely on that.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from labserver.chat import events
from labserver.chat.direct_messages import DirectMessages
from labserver.chat.events import ChatMessage, Envelope, Event, Ping, Receipt, Typing
from labserver.chat.interfaces import Bus, Letter, Mailbox
from labserver.chat.log import Cursor, RoomLog
from labserver.chat.names import check_name
from labserver.chat.presence import GRACE_S, Presence
from labserver.chat.rate_limit import SENDS_PER_S, RateLimit
from labserver.chat.room import Deliver, Member, Room
from labserver.chat.typing_indicators import THROTTLE_S, TTL_S, TypingIndicators
from labserver.clock import Clock, iso
from labserver.errors import Refused

PAGE = 256  # entries that are read from the log at a time while catching up
ROOMS_MAX = 10_000  # naming a room creates it, so their number must be limited


class Timed(Protocol):
    """Something that is to be called at a certain time."""

    @property
    def deadline(self) -> float | None:
        """The monotonic time; None for no call."""

    def tick(self) -> None:
        """Do what is due."""


class Hub:
    """One server's view of the conversation.

    Args:
        bus: the room logs, which may be shared with other servers.
        mailbox: keeps direct messages.
        clock: the time.
        grace_s: seconds without a connection after which a user is offline.
        sends_per_s: sends per second that a user is allowed, on average over 2 s; None for any
            number.
        name: this server's name on the bus; random by default.

    Attributes:
        on_deadline: called with the monotonic time at which `tick` is to be called next.
        timers: what else has deadlines.
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
        self._direct_messages = DirectMessages(bus, mailbox, self._open)
        self._presence = Presence(clock, grace_s)
        self._typing_indicators = TypingIndicators(clock)
        # Of other servers, whose STOP may be lost, and whose STARTs come a throttle apart.
        self._typing_elsewhere = TypingIndicators(clock, throttle_s=0, ttl_s=TTL_S + THROTTLE_S)
        self._rate = RateLimit(clock, sends_per_s)
        self.timers: list[Timed] = []
        self._rooms: dict[str, Room] = {}
        self._members_of: dict[str, set[Member]] = {}  # user → members
        self._elsewhere: dict[str, set[tuple[str, str]]] = {}  # user → (server, room)

    async def open(self) -> None:
        """Join the bus."""
        await self._bus.attach(self.name, self)

    async def aclose(self) -> None:
        """Leave the bus, and close it and the mailbox."""
        await self._bus.detach(self.name)
        await self._bus.aclose()
        await self._mailbox.aclose()

    # Reading

    @asynccontextmanager
    async def visit(
        self, user: str, room: str, deliver: Deliver, after: Cursor | None = None
    ) -> AsyncIterator[Member]:
        """Be in a room for the duration of a block: catch up from a cursor, then go live.

        Args:
            user: a valid name.
            room: a room's name, or `inbox(user)`.
            deliver: called with each envelope once the member is live.
            after: the reader's cursor; None to begin with what comes from now on.

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
        """Return the next page of what the member has not read; empty once it is live.

        The caller must send each page before it asks for the next.
        """
        if member.live:
            return []
        if member.preface:
            page, member.preface = member.preface, []
            return page
        if not member.log.covers(
            member.cursor
        ):  # the log has moved past it while it sent the last page
            member.epoch, member.position = member.log.epoch, member.log.before_mail(member.user)
            return [member.log.reset(member.position)]
        page, member.position = member.log.after(member.position, member.user, PAGE)
        if not page:
            self.go_live(member)
        return page

    def go_live(self, member: Member) -> None:
        """From now on call the member's `deliver`, beginning with the users who are online here."""
        self._rooms[member.room].go_live(member)

    async def arrive(self, user: str, room: str, deliver: Deliver) -> Member:
        """Add a new member; the caller must call `leave` when its connection ends.

        Raises:
            Refused: `bad_name` (400) or `too_many_rooms` (429).
        """
        log = await self._open(room)
        member = Member(user, room, deliver, log, log.epoch, log.newest)
        here = self._rooms[room]
        first = here.add(member)
        self._members_of.setdefault(user, set()).add(member)
        self._direct_messages.note_visit(user, room)
        self._presence.connect(user, member)
        here.announce(user)
        if first:
            self._bus.arrived(self.name, user, room)
        return member

    def leave(self, member: Member) -> None:
        """Remove a member; removing it twice does no harm."""
        here = self._rooms[member.room]
        if member not in here.members:
            return
        last = here.remove(member)
        mine = self._members_of[member.user]
        mine.remove(member)
        if not mine:
            del self._members_of[member.user]
        if last:
            self._stop_typing(member.user, member.room)
            self._bus.left(self.name, member.user, member.room)
        self._presence.disconnect(member.user, member)
        self.schedule()

    async def begin(
        self, member: Member, after: Cursor | None, *, collect: bool = True
    ) -> tuple[list[Envelope], int]:
        """Return where a reader with cursor `after` starts.

        Args:
            member: a member that has arrived.
            after: its cursor; None to begin with what comes from now on.
            collect: whether to look into the mailbox even if `after` is covered.

        Returns:
            What to deliver first, and the offset to read on from.
        """
        log = member.log
        if after is not None and log.covers(after):
            await self._direct_messages.acknowledge(member.user, log, after.offset)
            if collect:
                await self._direct_messages.collect(member.user, log, after.offset)
            return [], after.offset
        # The reader gets what comes from this moment on in any case, including mail.
        position = log.newest
        mail = await self._direct_messages.collect(member.user, log, position)
        if after is None:
            return mail, position
        if mail:
            position = (mail[0].event.offset or 0) - 1
        return [log.reset(position)], position

    # Sending

    async def receive(self, user: str, room: str, raw: bytes | str) -> Envelope | None:
        """Do what an event of a client asks for.

        Args:
            user: the user who sends it.
            room: the room it is sent to.
            raw: the event as JSON.

        Returns:
            The answer, an ACK or a PONG; None if none is due.

        Raises:
            Refused: with a code for the ERROR event and an HTTP status.
        """
        try:
            event = events.decode_client_event(raw)
        except Refused:
            self._rate.spend(user)  # events that cannot be read count, too
            raise
        if isinstance(event, Receipt):
            await self._direct_messages.acknowledge(user, await self._open(room), event.offset)
            return None
        self._rate.spend(user)
        if isinstance(event, ChatMessage):
            return await self._message(user, room, event)
        if isinstance(event, Ping):
            return events.PONG
        await self._open(room)
        self._typing(user, room, event)
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
            kept = await self._direct_messages.send(letter, self._connected_rooms, room)
        return events.ack(message_id, kept.at, status if kept.fresh else "duplicate")

    def _typing(self, user: str, room: str, typing: Typing) -> None:
        if not typing.started:
            self._stop_typing(user, room)
        elif self._typing_indicators.start(user, room):
            self._notify(room, events.typing(user, started=True), but=user)
        self.schedule()

    def _stop_typing(self, user: str, room: str) -> None:
        if self._typing_indicators.stop(user, room):
            self._notify(room, events.typing(user, started=False), but=user)

    # Time

    @property
    def deadline(self) -> float | None:
        """The monotonic time at which `tick` next has something to do; None if it has nothing."""
        deadlines = [
            self._presence.deadline,
            self._typing_indicators.deadline,
            self._typing_elsewhere.deadline,
            *(timer.deadline for timer in self.timers),
        ]
        return min((at for at in deadlines if at is not None), default=None)

    def schedule(self) -> None:
        """Call `on_deadline` with the next deadline."""
        deadline = self.deadline
        if deadline is not None:
            self.on_deadline(deadline)

    def tick(self) -> None:
        """Do what is due: pollers that stopped asking, users who left, typing that stopped."""
        for timer in tuple(self.timers):
            timer.tick()
        for user in self._presence.expire():
            for room in self._rooms.values():
                room.withdraw(user)
        for user, name in self._typing_indicators.expire():
            self._notify(name, events.typing(user, started=False), but=user)
        for user, name in self._typing_elsewhere.expire():
            self._tell(name, events.typing(user, started=False), but=user)
        self.schedule()

    # Called by the bus: what happens on other servers

    def on_notice(self, room: str, notice: Envelope) -> None:
        """Another server has passed on an event that is not kept."""
        user = notice.event.data["userId"]
        self._tell(room, notice, but=user)
        if notice.event.type == "TYPING_START":
            self._typing_elsewhere.start(user, room)
            self.schedule()
        else:
            self._typing_elsewhere.stop(user, room)

    def on_arrived(self, server: str, user: str, room: str) -> None:
        """A user has opened a first connection to `room` on another server."""
        self._elsewhere.setdefault(user, set()).add((server, room))
        self._presence.connect(user, (server, room))
        if room in self._rooms:
            self._rooms[room].announce(user)

    def on_left(self, server: str, user: str, room: str) -> None:
        """A user has closed the last connection to `room` on that server."""
        places = self._elsewhere.get(user, set())
        places.discard((server, room))
        if not places:
            self._elsewhere.pop(user, None)
        self._presence.disconnect(user, (server, room))
        self.schedule()

    # Internals

    async def _open(self, name: str) -> RoomLog:
        room = self._rooms.get(name)
        if room is not None:
            return room.log
        if not name.startswith("@"):
            check_name(name, "room")
        if len(self._rooms) >= ROOMS_MAX:
            raise Refused(429, "too_many_rooms", "Use one of the rooms that exist.")
        log = await self._bus.log(name)
        if name not in self._rooms:  # another task may have opened it in the meantime
            opened = self._rooms[name] = Room(log)
            log.watch(opened.fan_out)
            for user, places in self._elsewhere.items():
                if any(there == name for _, there in places):
                    opened.announce(user)
        return self._rooms[name].log

    def _notify(self, room: str, notice: Envelope, but: str) -> None:
        self._tell(room, notice, but)
        self._bus.notify(self.name, room, notice)

    def _tell(self, room: str, notice: Envelope, but: str | None = None) -> None:
        if room in self._rooms:
            self._rooms[room].notify(notice, but)

    def is_connected(self, user: str, room: str) -> bool:
        """Return whether a user has a connection to a room on this server."""
        return any(member.room == room for member in self._members_of.get(user, ()))

    def _connected_rooms(self, user: str) -> set[str]:
        local = {member.room for member in self._members_of.get(user, ())}
        return local | {room for _, room in self._elsewhere.get(user, ())}
