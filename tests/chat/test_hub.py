"""The hub on a virtual clock, with the embedded backends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat.events import Envelope, Event
from labserver.chat.hub import Hub
from labserver.chat.log import Cursor
from labserver.chat.room import PRESENCE_ROOM_MAX, Member, inbox
from labserver.clock import VirtualClock
from labserver.errors import Refused


class Lab:
    """A hub, its clock, and what its visitors have received."""

    def __init__(self, retain_entries: int = 10_000) -> None:
        self.clock = VirtualClock()
        self.bus = MemoryBus(retain_entries)
        self.hub = Hub(bus=self.bus, mailbox=SqliteMailbox(), clock=self.clock, grace_s=2)
        self.stack = AsyncExitStack()

    async def visit(
        self, user: str, room: str = "lobby", after: Cursor | None = None
    ) -> tuple[Member, list[Event]]:
        """Visit a room, catch up and stay; what is received is added to the list."""
        heard: list[Event] = []
        deliver = lambda entry: heard.append(entry.event)  # noqa: E731
        member = await self.stack.enter_async_context(self.hub.visit(user, room, deliver, after))
        while page := self.hub.catch_up(member):
            heard.extend(entry.event for entry in page)
        return member, heard

    async def say(self, user: str, content: str, room: str = "lobby", **data: Any) -> Event:
        """Send a message, and return the answer."""
        answer = await self.tell(user, "CHAT_MESSAGE", room, content=content, **data)
        assert answer is not None
        return answer.event

    async def tell(self, user: str, kind: str, room: str = "lobby", **data: Any) -> Envelope | None:
        """Send any event, and return the answer."""
        self.clock.advance(0.1)  # well within the rate limit
        return await self.hub.receive(user, room, json.dumps({"type": kind, "data": data}))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and have the hub do what is due."""
        self.clock.advance(seconds)
        self.hub.tick()


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    lab = Lab()
    await lab.hub.open()
    yield lab
    await lab.stack.aclose()
    await lab.hub.aclose()


def said(events: list[Event]) -> list[str]:
    return [event.data["content"] for event in events if event.type == "CHAT_MESSAGE"]


def of(events: list[Event], kind: str) -> list[dict[str, Any]]:
    return [event.data for event in events if event.type == kind]


async def test_a_message_reaches_all_in_the_room_and_nobody_else(lab: Lab) -> None:
    _, ann = await lab.visit("ann")
    _, bob = await lab.visit("bob")
    _, eve = await lab.visit("eve", room="other")
    ack = await lab.say("ann", "hi", id="m1")
    assert ack.data == {"id": "m1", "offset": 1, "status": "delivered"}
    assert (said(ann), said(bob), said(eve)) == (["hi"], ["hi"], [])
    assert bob[-1].ts == "2025-06-15T15:06:40.100Z"


async def test_the_same_id_twice_is_one_message(lab: Lab) -> None:
    _, bob = await lab.visit("bob")
    first, again = await lab.say("ann", "hi", id="m1"), await lab.say("ann", "hi", id="m1")
    other = await lab.say("eve", "hi", id="m1")
    assert (first.data["status"], again.data["status"]) == ("delivered", "duplicate")
    assert again.data["offset"] == first.data["offset"]
    assert other.data["status"] == "delivered"
    assert len(said(bob)) == 2


async def test_who_comes_without_a_cursor_hears_what_is_new(lab: Lab) -> None:
    await lab.say("ann", "old")
    _, bob = await lab.visit("bob")
    await lab.say("ann", "new")
    assert said(bob) == ["new"]


async def test_who_comes_with_a_cursor_hears_all_since_then_once(lab: Lab) -> None:
    for number in range(600):  # more than two pages
        await lab.say("ann", str(number))
    _, bob = await lab.visit("bob", after=Cursor(10))
    await lab.say("ann", "new")
    assert said(bob) == [*map(str, range(10, 600)), "new"]


async def test_what_is_said_between_two_pages_is_neither_lost_nor_doubled(lab: Lab) -> None:
    for number in range(300):
        await lab.say("ann", str(number))
    heard: list[Event] = []
    deliver = lambda entry: heard.append(entry.event)  # noqa: E731
    async with lab.hub.visit("bob", "lobby", deliver, Cursor(0)) as member:
        number = 300
        while page := lab.hub.catch_up(member):
            heard.extend(entry.event for entry in page)
            if number < 303:
                await lab.say("ann", str(number))
                number += 1
        await lab.say("ann", str(number))
    assert said(heard) == [str(n) for n in range(number + 1)]


@pytest.mark.parametrize("after", [Cursor(99), Cursor(1, "other"), Cursor(0)])
async def test_what_cannot_be_had_is_said_first(after: Cursor) -> None:
    lab = Lab(retain_entries=3)
    for number in range(5):
        await lab.say("ann", str(number))
    _, bob = await lab.visit("bob", after=after)
    await lab.say("ann", "new")
    assert bob[0].type == "RESET"
    assert (bob[0].data["oldest"], bob[0].data["newest"]) == (3, 5)
    assert said(bob) == ["new"]
    await lab.stack.aclose()
    await lab.hub.aclose()


async def test_a_reader_overtaken_while_it_catches_up_is_told() -> None:
    lab = Lab(retain_entries=400)
    for number in range(400):
        await lab.say("ann", str(number))
    heard: list[Event] = []
    async with lab.hub.visit("bob", "lobby", lambda e: heard.append(e.event), Cursor(0)) as bob:
        heard += [entry.event for entry in lab.hub.catch_up(bob)]
        for number in range(400):
            await lab.say("ann", str(number))
        assert [entry.event.type for entry in lab.hub.catch_up(bob)] == ["RESET"]
        assert lab.hub.catch_up(bob) == []
        await lab.say("ann", "live")
        assert said(heard)[-1] == "live"
    await lab.hub.aclose()


async def test_typing_is_told_to_the_others_and_expires(lab: Lab) -> None:
    _, ann = await lab.visit("ann")
    _, tab = await lab.visit("ann")
    _, bob = await lab.visit("bob")
    await lab.tell("ann", "TYPING_START")
    await lab.tell("ann", "TYPING_START")
    assert of(bob, "TYPING_START") == [{"userId": "ann"}]
    assert of(ann, "TYPING_START") == of(tab, "TYPING_START") == []
    lab.pass_time(5)
    assert of(bob, "TYPING_STOP") == [{"userId": "ann"}]


async def test_who_leaves_while_typing_has_stopped(lab: Lab) -> None:
    member, _ = await lab.visit("ann")
    _, bob = await lab.visit("bob")
    await lab.tell("ann", "TYPING_START")
    lab.hub.leave(member)
    assert of(bob, "TYPING_STOP") == [{"userId": "ann"}]


async def test_presence_comes_with_the_first_tab_and_goes_after_the_last(lab: Lab) -> None:
    _, bob = await lab.visit("bob")
    first, _ = await lab.visit("ann")
    second, _ = await lab.visit("ann")
    lab.hub.leave(first)
    lab.pass_time(10)
    assert of(bob, "PRESENCE") == [{"userId": "ann", "status": "online"}]
    lab.hub.leave(second)
    lab.hub.leave(second)
    lab.pass_time(1.9)
    assert len(of(bob, "PRESENCE")) == 1
    lab.pass_time(0.1)
    assert of(bob, "PRESENCE")[-1] == {"userId": "ann", "status": "offline"}


async def test_a_reload_is_not_told(lab: Lab) -> None:
    _, bob = await lab.visit("bob")
    before, _ = await lab.visit("ann")
    lab.hub.leave(before)
    lab.pass_time(1)
    await lab.visit("ann")
    lab.pass_time(10)
    assert of(bob, "PRESENCE") == [{"userId": "ann", "status": "online"}]


async def test_who_comes_is_told_who_is_there_but_not_of_oneself(lab: Lab) -> None:
    await lab.visit("ann")
    _, bob = await lab.visit("bob")
    assert of(bob, "PRESENCE") == [{"userId": "ann", "status": "online"}]


async def test_a_large_room_is_spared_the_notices(lab: Lab) -> None:
    _, first = await lab.visit("first")
    for number in range(PRESENCE_ROOM_MAX + 20):
        await lab.visit(f"u{number}")
    _, last = await lab.visit("last")
    assert len(of(first, "PRESENCE")) == PRESENCE_ROOM_MAX - 1
    assert of(last, "PRESENCE") == []


async def test_the_hub_says_when_it_wants_to_be_called(lab: Lab) -> None:
    deadlines: list[float] = []
    lab.hub.on_deadline = deadlines.append
    member, _ = await lab.visit("ann")
    assert lab.hub.deadline is None
    lab.hub.leave(member)
    assert deadlines == [lab.clock.monotonic() + 2]
    lab.pass_time(2)
    assert lab.hub.deadline is None


async def test_pings_are_answered_and_nonsense_counts_against_the_limit(lab: Lab) -> None:
    pong = await lab.tell("ann", "PING")
    assert pong is not None
    assert pong.json == b'{"type":"PONG"}'
    codes = []
    for _ in range(101):
        with pytest.raises(Refused) as refused:
            await lab.hub.receive("eve", "lobby", "nonsense")
        codes.append(refused.value.code)
    assert codes[-1] == "rate_limited"


@pytest.mark.parametrize("room", ["", "a b", "x" * 65, "@bob", "ä"])
async def test_a_room_with_a_bad_name_is_refused(lab: Lab, room: str) -> None:
    if room == "@bob":
        return  # an inbox; techniques check the names that clients give
    with pytest.raises(Refused) as refused:
        await lab.visit("ann", room=room)
    assert refused.value.code == "bad_name"


async def test_two_hubs_on_one_bus_are_one_conversation(lab: Lab) -> None:
    other = Lab()
    other.hub = Hub(bus=lab.bus, mailbox=SqliteMailbox(), clock=lab.clock, grace_s=2)
    await other.hub.open()
    _, ann = await lab.visit("ann")
    member, bob = await other.visit("bob")
    await lab.say("ann", "from one")
    await lab.hub.receive("bob", "lobby", '{"type":"TYPING_START"}')
    await other.say("bob", "from the other")
    assert said(ann) == said(bob) == ["from one", "from the other"]
    assert of(ann, "PRESENCE") == [{"userId": "bob", "status": "online"}]
    assert of(bob, "PRESENCE") == [{"userId": "ann", "status": "online"}]
    other.hub.leave(member)
    lab.pass_time(3)
    assert of(ann, "PRESENCE")[-1] == {"userId": "bob", "status": "offline"}
    await other.stack.aclose()
    await other.hub.aclose()


async def test_an_inbox_hears_direct_messages_only(lab: Lab) -> None:
    _, box = await lab.visit("bob", room=inbox("bob"))
    await lab.visit("eve")
    await lab.say("ann", "to all")
    ack = await lab.say("ann", "psst", recipientId="bob")
    assert ack.data["status"] == "delivered"
    assert said(box) == ["psst"]
    assert of(box, "PRESENCE") == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["come", "resume", "leave", "say", "direct", "repeat", "wait", "ack"]),
        st.sampled_from(["ann", "bob", "cat"]),
        st.sampled_from(["x", "y"]),
    ),
    max_size=60,
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(STEPS)
async def test_each_stream_is_the_log_and_no_direct_message_is_lost(
    steps: list[tuple[str, str, str]],
) -> None:
    """Whatever happens: streams have no gaps and no duplicates, and mail waits for its receipt."""
    lab = Lab()
    await lab.hub.open()
    here: dict[tuple[str, str], tuple[Member, list[Event], bool]] = {}
    cursors: dict[tuple[str, str], Cursor] = {}
    mail: dict[str, set[str]] = {"ann": set(), "bob": set(), "cat": set()}
    heard_by: dict[str, set[str]] = {"ann": set(), "bob": set(), "cat": set()}
    for number, (step, user, room) in enumerate(steps):
        key = (user, room)
        if step in ("come", "resume") and key not in here:
            after = cursors.get(key) if step == "resume" else None
            member, heard = await lab.visit(user, room, after)
            here[key] = (member, heard, after is not None)
        elif step == "leave" and key in here:
            member, heard, resumed = here.pop(key)
            lab.hub.leave(member)
            check_stream(lab, member, heard, resumed, cursors.get(key))
            heard_by[user] |= set(said(heard))
            offsets = [event.offset for event in heard if event.offset]
            if offsets:
                cursors[key] = Cursor(max(offsets), member.epoch)
        elif step == "say":
            await lab.say(user, f"{number}", room)
        elif step == "direct":
            to = "bob" if user != "bob" else "cat"
            await lab.say(user, f"dm {number}", room, recipientId=to, id=f"i{number}")
            mail[to].add(f"dm {number}")
        elif step == "repeat":
            await lab.say(user, "twice", room, id="same")
        elif step == "wait":
            lab.pass_time(1)
    for (user, _), (member, heard, _) in here.items():
        heard_by[user] |= set(said(heard))
        lab.hub.leave(member)
    for user, sent in mail.items():
        _, heard = await lab.visit(user, "x")
        assert sent <= heard_by[user] | set(said(heard))
    await lab.stack.aclose()
    await lab.hub.aclose()


def check_stream(
    lab: Lab, member: Member, heard: list[Event], resumed: bool, cursor: Cursor | None
) -> None:
    offsets = [event.offset for event in heard if event.offset is not None]
    assert len(offsets) == len(set(offsets))
    if resumed and cursor is not None:
        log = member.log
        visible = [
            offset
            for offset in range(cursor.offset + 1, log.newest + 1)
            if log[offset].visible_to(member.user)
        ]
        assert offsets == visible[: len(offsets)]
        assert offsets == sorted(offsets)
