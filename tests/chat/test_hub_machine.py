"""The hub under whatever may happen to it: several users, tabs, rooms, cut cables, restarts.

The machine plays clients that do what ours do (remember a cursor, resume from it) over a hub
with small pages, and with a log that forgets soon or never. What it holds the hub to:

- a stream is exactly what its user may see after its start: no loss, nothing twice, in order;
- RESET is said where the log cannot serve a cursor, and only there;
- a direct message is in the mailbox until one of the recipient's cursors is past it, and no
  cursor comes to be past it before it was heard;
- each observer hears online and offline in turn, and what is heard last is true;
- no one hears of one's own typing, and of anybody's twice within the throttle.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from labserver.backends.memory import MemoryBus
from labserver.backends.sqlite import SqliteMailbox
from labserver.chat import hub as hub_module
from labserver.chat import poller as poller_module
from labserver.chat.events import Envelope, Event
from labserver.chat.hub import Hub, Member, inbox
from labserver.chat.log import Cursor, RoomLog
from labserver.chat.poller import LINGER_S, Pollers
from labserver.chat.presence import GRACE_S
from labserver.chat.typists import THROTTLE_S, TTL_S
from labserver.clock import VirtualClock

T = TypeVar("T")

USERS = st.sampled_from(["ann", "bob", "cat"])
ROOMS = st.sampled_from(["x", "y"])
FOR_EVER = 10_000


@dataclass(eq=False)
class Client:
    """One tab: what it remembers, and its connection while it has one."""

    user: str
    room: str
    cursor: Cursor | None = None
    mail: set[int] = field(default_factory=set)  # numbers of the direct messages it has heard
    member: Member | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    deaf: bool = False  # the cable is cut, which the server has not noticed
    position: int = 0  # it has all that it may see up to here
    began: int = 0  # the log's end when it came from now on; 0: it resumed
    preface: int = 0  # the mail from before that, up to here
    last_mail: int = 0  # the number heard last on this connection
    notices: list[tuple[float, Event]] = field(default_factory=list)


class Chat(RuleBasedStateMachine):
    """See above; the rules are what people and cables do."""

    @initialize(retain=st.sampled_from([6, FOR_EVER]))
    def begin(self, retain: int) -> None:
        self.retain = retain
        self.clock = VirtualClock()
        self.mailbox = SqliteMailbox()
        self.clients: list[Client] = []  # with a stream
        self.away: list[Client] = []  # that may resume
        self.polling: dict[tuple[str, str], Client] = {}
        self.letters: dict[int, tuple[str, str]] = {}  # number → recipient, id
        self.acknowledged: set[int] = set()
        self.serial = 0
        self.start()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.patches = [patch.object(module, "PAGE", 3) for module in (hub_module, poller_module)]
        for one in self.patches:
            one.start()

    def start(self) -> None:
        """A server's process begins; only the mailbox is from before."""
        self.bus = MemoryBus(self.retain)
        self.hub = Hub(
            bus=self.bus, mailbox=self.mailbox, clock=self.clock, sends_per_s=None, name="hub"
        )
        self.pollers = Pollers(self.hub)
        self.run(self.hub.open())
        self.entries: dict[str, list[Envelope]] = {}  # room → all that was ever in its log
        self.said: dict[tuple[str, str], int] = {}  # sender, id → offset
        self.shown: dict[str, set[str]] = {}  # room → those who are online in it
        self.leaving: dict[str, float] = {}  # user → when the last connection went
        self.lingering: dict[tuple[str, str], float] = {}  # poller → when it asked last
        for room in ("x", "y", *map(inbox, ("ann", "bob", "cat"))):
            self.entries[room] = []
            self.run(self.bus.log(room)).watch(self.entries[room].append)

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def log(self, room: str) -> RoomLog:
        return self.run(self.bus.log(room))

    def tell(self, user: str, room: str, kind: str, **data: Any) -> Event | None:
        raw = json.dumps({"type": kind, "data": data})
        answer = self.run(self.hub.receive(user, room, raw))
        return None if answer is None else answer.event

    # Coming and going

    @rule(user=USERS, room=ROOMS)
    def come(self, user: str, room: str) -> None:
        self.connect(Client(user, room))

    @rule(user=USERS)
    def open_the_inbox(self, user: str) -> None:
        self.connect(Client(user, inbox(user)))

    @precondition(lambda self: self.away)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.away), label="client")
        self.away.remove(client)
        self.connect(client)

    def connect(self, client: Client) -> None:
        log, after = self.log(client.room), client.cursor
        covered = after is not None and log.covers(after)
        if covered:
            assert after is not None
            self.expect_receipt(client, after.offset)
        client.began = client.preface = client.last_mail = 0
        client.deaf = False
        client.notices = []
        if after is None:
            client.began = log.newest
        else:
            client.position = after.offset
        deliver = lambda entry: self.hear(client, entry)  # noqa: E731
        client.member = self.run(
            client.stack.enter_async_context(
                self.hub.visit(client.user, client.room, deliver, after)
            )
        )
        if after is None:
            client.position = client.began
            client.cursor = client.member.cursor  # HELLO, or the id with which SSE begins
        said_reset = [entry.event.type for entry in client.member.preface] == ["RESET"]
        assert said_reset == (after is not None and not covered)
        self.clients.append(client)
        self.arrived(client.user, client.room)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), all_of_it=st.booleans())
    def read(self, data: st.DataObject, all_of_it: bool) -> None:
        client = data.draw(st.sampled_from(self.clients), label="client")
        member = client.member
        assert member is not None
        page = [None]
        while page:
            overtaken = not member.preface and not member.live
            overtaken = overtaken and not member.log.covers(member.cursor)
            began_with = bool(member.preface)
            page = self.hub.catch_up(member)
            if not began_with:
                assert [entry.event.type == "RESET" for entry in page[:1]] == [
                    True
                ] * overtaken or (not overtaken)
            for entry in page:
                self.hear(client, entry)
            if not all_of_it:
                return

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def cut_the_cable(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.clients), label="client").deaf = True

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients), label="client")
        self.clients.remove(client)
        self.away.append(client)
        self.run(client.stack.aclose())
        self.left(client.user)

    @rule(user=USERS, room=ROOMS, from_now=st.booleans(), answer_is_lost=st.booleans())
    def poll(self, user: str, room: str, from_now: bool, answer_is_lost: bool) -> None:
        client = self.polling.setdefault((user, room), Client(user, room))
        after = None if from_now else client.cursor
        log = self.log(room)
        covered = after is not None and log.covers(after)
        if covered:
            assert after is not None
            self.expect_receipt(client, after.offset)
        began = log.newest

        async def ask() -> tuple[list[Envelope], Cursor]:
            async with self.pollers.poll(user, room, "tab") as poller:
                page = await poller.read(after)
                return page.entries, page.cursor

        entries, cursor = self.run(ask())
        self.arrived(user, room)
        self.lingering[user, room] = self.clock.monotonic()
        assert (entries[:1] != [] and entries[0].event.type == "RESET") == (
            after is not None and not covered
        )
        if answer_is_lost:
            return
        client.began, client.preface, client.last_mail = (
            (began, 0, 0) if after is None else (0,) * 3
        )
        client.position = began if after is None else after.offset
        for entry in entries:
            self.hear(client, entry)
        assert cursor.offset >= client.position
        client.cursor = cursor
        assert not self.between(client, client.position, cursor.offset)

    @rule()
    def kill_the_server(self) -> None:
        for client in self.clients:
            self.run(client.stack.aclose())
        self.away += self.clients
        self.clients.clear()
        self.pollers.close()
        self.start()

    # Speaking

    @rule(user=USERS, room=ROOMS)
    def say(self, user: str, room: str) -> None:
        self.serial += 1
        ack = self.tell(user, room, "CHAT_MESSAGE", content="x", id=f"m{self.serial}")
        assert ack is not None
        newest = self.entries[room][-1].event
        assert ack.data == {"id": f"m{self.serial}", "offset": newest.offset, "status": "delivered"}
        self.said[user, f"m{self.serial}"] = ack.data["offset"]

    @rule(user=USERS, room=ROOMS, to=USERS)
    def write(self, user: str, room: str, to: str) -> None:
        self.serial += 1
        message_id = f"d{self.serial}"
        ack = self.tell(user, room, "CHAT_MESSAGE", content="x", id=message_id, recipientId=to)
        assert ack is not None
        assert ack.data["status"] == ("delivered" if self.connected(to) else "queued")
        self.letters[ack.data["offset"]] = (to, f"{user}/{message_id}")

    @precondition(lambda self: self.said)
    @rule(data=st.data(), room=ROOMS)
    def repeat(self, data: st.DataObject, room: str) -> None:
        (user, message_id), offset = data.draw(st.sampled_from(sorted(self.said.items())))
        ack = self.tell(user, room, "CHAT_MESSAGE", content="again", id=message_id)
        assert ack is not None
        assert ack.data == {"id": message_id, "offset": offset, "status": "duplicate"}

    @precondition(lambda self: self.letters)
    @rule(data=st.data(), room=ROOMS)
    def repeat_a_letter(self, data: st.DataObject, room: str) -> None:
        number, (to, name) = data.draw(st.sampled_from(sorted(self.letters.items())))
        user, _, message_id = name.partition("/")
        ack = self.tell(user, room, "CHAT_MESSAGE", content="no", id=message_id, recipientId=to)
        assert ack is not None
        assert ack.data == {"id": message_id, "offset": number, "status": "duplicate"}

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients), label="client")
        cursor = client.cursor
        if cursor is None or client.deaf or cursor.epoch != self.bus.epoch:
            return
        self.expect_receipt(client, cursor.offset)
        self.tell(client.user, client.room, "ACK", offset=cursor.offset)

    @rule(user=USERS, room=ROOMS, kind=st.sampled_from(["TYPING_START", "TYPING_STOP"]))
    def type(self, user: str, room: str, kind: str) -> None:
        self.tell(user, room, kind)

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 5.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        now = self.clock.monotonic()
        for key in [key for key, at in self.lingering.items() if at + LINGER_S <= now]:
            del self.lingering[key]
            self.left(key[0])
        for user in [user for user, at in self.leaving.items() if at + GRACE_S <= now]:
            del self.leaving[user]
            for shown in self.shown.values():
                shown.discard(user)
        self.hub.tick()

    # What is true of it

    def hear(self, client: Client, entry: Envelope) -> None:
        if client.deaf:
            return
        event = entry.event
        if event.type == "RESET":
            client.position = event.data["newest"]
            client.cursor = Cursor(client.position, event.data["epoch"])
            client.began = 0
            return
        if event.offset is None:
            assert event.data["userId"] != client.user
            client.notices.append((self.clock.monotonic(), event))
            return
        if event.offset <= client.began:  # mail from before it came
            assert entry.recipient == client.user
            assert event.offset > client.preface
            client.preface = event.offset
        else:
            missed = self.between(client, client.position, event.offset - 1)
            assert not missed, f"{missed} came before {event.offset}"
            assert event.offset > client.position, "twice"
            assert entry.visible_to(client.user)
            client.position = event.offset
        client.cursor = Cursor(event.offset, self.bus.epoch)
        if entry.mail is not None:
            client.mail.add(entry.mail)
            if self.retain == FOR_EVER:  # else a letter that has left the log is placed anew
                assert entry.mail > client.last_mail, "not in the order they were kept"
            client.last_mail = entry.mail

    def between(self, client: Client, after: int, until: int) -> list[int]:
        """The offsets in (after, until] of what the client may see."""
        entries = self.entries[client.room][after:until]
        return [e.event.offset or 0 for e in entries if e.visible_to(client.user)]

    def expect_receipt(self, client: Client, offset: int) -> None:
        """The client says that it has all up to `offset`: so it must have."""
        log = self.log(client.room)
        places: dict[int, int] = {}
        for entry in self.entries[client.room]:
            if entry.recipient == client.user and entry.mail is not None:
                places[entry.mail] = entry.event.offset or 0
        for number, at in places.items():
            if log.oldest <= at <= offset and number not in self.acknowledged:
                assert number in client.mail, f"letter {number} was never heard"
                self.acknowledged.add(number)

    def connected(self, user: str) -> bool:
        polling = any(name == user for name, _ in self.lingering)
        return polling or any(client.user == user for client in self.clients)

    def arrived(self, user: str, room: str) -> None:
        self.leaving.pop(user, None)
        if room != inbox(user):
            self.shown.setdefault(room, set()).add(user)

    def left(self, user: str) -> None:
        if not self.connected(user):
            self.leaving[user] = self.clock.monotonic()

    @invariant()
    def who_is_live_has_all_there_is(self) -> None:
        for client in getattr(self, "clients", ()):
            if client.member is not None and client.member.live and not client.deaf:
                log = self.log(client.room)
                assert not self.between(client, client.position, log.newest)

    @invariant()
    def the_mailbox_holds_what_is_not_acknowledged(self) -> None:
        for user in ("ann", "bob", "cat") if hasattr(self, "hub") else ():
            pending = [letter.number for letter in self.run(self.mailbox.pending(user))]
            expected = [n for n, (to, _) in self.letters.items() if to == user]
            assert pending == [n for n in expected if n not in self.acknowledged]

    @invariant()
    def presence_alternates_and_is_true(self) -> None:
        for client in getattr(self, "clients", ()):
            if client.member is None or not client.member.live or client.deaf:
                continue
            online: set[str] = set()
            for _, event in client.notices:
                if event.type != "PRESENCE":
                    continue
                user = event.data["userId"]
                assert (event.data["status"] == "online") == (user not in online)
                online ^= {user}
            assert online == self.shown.get(client.room, set()) - {client.user}

    @invariant()
    def typing_is_throttled_and_expires(self) -> None:
        for client in getattr(self, "clients", ()):
            last: dict[str, float] = {}
            typing: dict[str, float] = {}
            for at, event in client.notices:
                if event.type == "TYPING_START":
                    user = event.data["userId"]
                    assert at >= last.get(user, -THROTTLE_S) + THROTTLE_S
                    last[user] = typing[user] = at
                elif event.type == "TYPING_STOP":
                    typing.pop(event.data["userId"], None)
            now = self.clock.monotonic()
            if not client.deaf:
                assert all(now < at + TTL_S + THROTTLE_S for at in typing.values())

    def teardown(self) -> None:
        if hasattr(self, "hub"):
            self.end()
        self.runner.close()
        for one in self.patches:
            one.stop()

    def end(self) -> None:
        """In the end everybody looks once more, and then nothing is missing."""
        heard: dict[str, set[int]] = {}
        for client in [*self.clients, *self.away, *self.polling.values()]:
            heard.setdefault(client.user, set()).update(client.mail)
        for user in ("ann", "bob", "cat"):
            last = Client(user, "x")
            self.connect(last)
            assert last.member is not None
            while page := self.hub.catch_up(last.member):
                for entry in page:
                    self.hear(last, entry)
            letters = {number for number, (to, _) in self.letters.items() if to == user}
            assert letters <= heard.get(user, set()) | last.mail
        for client in self.clients:
            self.run(client.stack.aclose())
        self.pollers.close()
        self.run(self.hub.aclose())


TestChat = Chat.TestCase
TestChat.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
