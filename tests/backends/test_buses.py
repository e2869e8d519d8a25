"""What a hub may rely on, whichever bus it has, and whether or not it shares it."""

from __future__ import annotations

import asyncio

import msgspec

from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat import events
from labserver.chat.events import Envelope
from labserver.chat.hub import Hub
from labserver.chat.log import Cursor
from labserver.clock import SystemClock
from tests.backends.listening import Buses, RecordingListener, contents, say
from tests.waiting import eventually


async def test_offsets_begin_at_one_and_grow_by_one(buses: Buses) -> None:
    async with buses() as (bus, _):
        kept = [await bus.append("lobby", say(str(n))) for n in range(5)]
        assert [(k.at, k.fresh) for k in kept] == [(n, True) for n in range(1, 6)]


async def test_the_log_has_the_entry_when_append_returns(buses: Buses) -> None:
    async with buses() as (bus, _):
        log = await bus.log("lobby")
        for n in range(20):
            kept = await bus.append("lobby", say(str(n)))
            assert log.newest == kept.at
            assert log[kept.at].event.data == {"content": str(n)}
            assert log[kept.at].event.room == "lobby"
            assert events.decode_event(log[kept.at].json) == log[kept.at].event


async def test_all_servers_see_one_order(buses: Buses) -> None:
    async with buses() as (one, other):
        log, other_log = await one.log("lobby"), await other.log("lobby")
        kept = await asyncio.gather(
            *(bus.append("lobby", say(f"{n}")) for n in range(150) for bus in (one, other))
        )
        assert sorted(k.at for k in kept) == list(range(1, 301))
        await eventually(lambda: log.newest == other_log.newest == 300)
        assert contents(log) == contents(other_log)


async def test_those_who_watch_are_told_once_and_in_order(buses: Buses) -> None:
    async with buses() as (one, other):
        told: list[int | None] = []
        (await one.log("lobby")).watch(lambda entry: told.append(entry.event.offset))
        for n in range(20):
            await (one, other)[n % 2].append("lobby", say(str(n)))
        await eventually(lambda: len(told) >= 20)
        assert told == list(range(1, 21))


async def test_a_log_that_is_opened_later_holds_what_was_said_before(buses: Buses) -> None:
    async with buses() as (one, other):
        for n in range(5):
            await one.append("lobby", say(str(n)))
        assert contents(await other.log("lobby")) == list("01234")


async def test_a_room_that_many_open_at_once_has_one_log(buses: Buses) -> None:
    async with buses() as (bus, _):
        logs = await asyncio.gather(*(bus.log("lobby") for _ in range(20)))
        assert len({id(log) for log in logs}) == 1


async def test_rooms_are_apart(buses: Buses) -> None:
    async with buses() as (bus, _):
        await bus.append("one", say("in one"))
        await bus.append("other", say("in other"))
        assert contents(await bus.log("one")) == ["in one"]
        assert contents(await bus.log("other")) == ["in other"]


async def test_the_same_key_is_kept_once(buses: Buses) -> None:
    async with buses() as (one, other):
        first = await one.append("lobby", say("first"), key="alice/1")
        again = await other.append("lobby", say("again"), key="alice/1")
        assert (again.at, again.fresh) == (first.at, False)
        assert contents(await one.log("lobby")) == ["first"]


async def test_of_many_with_the_same_key_one_is_fresh(buses: Buses) -> None:
    async with buses() as (one, other):
        kept = await asyncio.gather(
            *(bus.append("lobby", say("hi"), key="k") for bus in (one, other) for _ in range(20))
        )
        assert sum(k.fresh for k in kept) == 1
        assert {k.at for k in kept} == {1}


async def test_what_left_the_log_is_not_covered(buses: Buses) -> None:
    async with buses(retain_entries=10) as (one, other):
        log = await one.log("lobby")
        for n in range(1, 26):
            await one.append("lobby", say(str(n)))
        for seen in (log, await other.log("lobby")):
            assert (seen.oldest, seen.newest) == (16, 25)
            assert not seen.covers(Cursor(14))
            assert seen.covers(Cursor(15, seen.epoch))


async def test_the_epoch_is_the_same_everywhere(buses: Buses) -> None:
    async with buses() as (one, other):
        assert (await one.log("lobby")).epoch == (await other.log("another")).epoch


async def test_a_private_entry_is_private_on_every_server(buses: Buses) -> None:
    async with buses() as (one, other):
        other_log = await other.log("lobby")
        await one.append("lobby", say("for bob"), recipient="bob", mail=7)
        await eventually(lambda: other_log.newest == 1)
        for log in (await one.log("lobby"), other_log):
            assert log.mail_of("bob") == {7: 1}
            assert [len(log.after(0, user, 10)[0]) for user in ("alice", "bob")] == [0, 1]


async def test_signals_reach_the_others_and_not_oneself(buses: Buses) -> None:
    async with buses() as (one, other):
        here, there = RecordingListener(), RecordingListener()
        await one.attach("here", here)
        await other.attach("there", there)
        notice = events.typing("alice", started=True)
        await eventually(lambda: _signal(one, notice) or len(there.signals) > 0)
        assert there.signals[0] == ("lobby", notice.event)
        assert here.signals == []


def _signal(bus: object, notice: Envelope) -> bool:
    bus.notify("here", "lobby", notice)  # type: ignore[attr-defined]
    return False


async def test_arrivals_and_departures_reach_the_others_and_not_oneself(buses: Buses) -> None:
    async with buses() as (one, other):
        here, there = RecordingListener(), RecordingListener()
        await one.attach("here", here)
        await other.attach("there", there)
        one.arrived("here", "alice", "lobby")
        await eventually(lambda: there.present == {("here", "alice", "lobby")})
        one.left("here", "alice", "lobby")
        await eventually(lambda: not there.present)
        assert [call[0] for call in there.calls] == ["arrived", "left"]
        assert here.calls == []


async def test_who_attaches_later_hears_who_is_there(buses: Buses) -> None:
    async with buses() as (one, other):
        await one.attach("here", RecordingListener())
        one.arrived("here", "alice", "lobby")
        there = RecordingListener()
        await other.attach("there", there)
        await eventually(lambda: there.present == {("here", "alice", "lobby")})


async def test_who_detaches_takes_its_users_along(buses: Buses) -> None:
    async with buses() as (one, other):
        there = RecordingListener()
        await one.attach("here", RecordingListener())
        await other.attach("there", there)
        one.arrived("here", "alice", "lobby")
        one.arrived("here", "bob", "lobby")
        await eventually(lambda: len(there.present) == 2)
        await one.detach("here")
        await eventually(lambda: not there.present)


async def test_two_hubs_hold_one_conversation(buses: Buses) -> None:
    async with buses() as (one, other):
        mailbox = await asyncio.to_thread(SqliteMailbox)
        here, there = (
            Hub(bus=bus, mailbox=mailbox, clock=SystemClock(), name=name)
            for bus, name in ((one, "here"), (other, "there"))
        )
        await here.open()
        await there.open()
        alice_heard: list[Envelope] = []
        heard: list[Envelope] = []
        async with (
            here.visit("alice", "lobby", alice_heard.append) as alice,
            there.visit("bob", "lobby", heard.append) as bob,
        ):
            for hub, member in ((here, alice), (there, bob)):
                while hub.catch_up(member):
                    pass
            await eventually(lambda: "PRESENCE" in _types(heard))
            await here.receive("alice", "lobby", '{"type":"TYPING_START"}')
            await here.receive("alice", "lobby", _message("to all"))
            await here.receive("alice", "lobby", _message("to bob", recipientId="bob"))
            await there.receive("carol", "lobby", _message("to alice", recipientId="alice"))
            await eventually(lambda: {"to all", "to bob"} <= _contents(heard))
            await eventually(lambda: {"to all", "to alice"} <= _contents(alice_heard))
            await eventually(lambda: "TYPING_START" in _types(heard))
        assert "to alice" not in _contents(heard)
        assert "to bob" not in _contents(alice_heard)
        assert "TYPING_START" not in _types(alice_heard)
        offsets = [entry.event.offset for entry in heard if entry.event.offset is not None]
        assert offsets == sorted(set(offsets))
        await here.aclose()
        await other.detach("there")
        # The mailbox is closed with the first hub; the bus, in one process, is not.
        assert (await other.append("lobby", say("on"))).fresh


def _message(content: str, **more: str) -> bytes:
    return msgspec.json.encode(
        {"type": "CHAT_MESSAGE", "data": {"content": content, "id": content, **more}}
    )


def _types(heard: list[Envelope]) -> set[str]:
    return {entry.event.type for entry in heard}


def _contents(heard: list[Envelope]) -> set[str]:
    return {entry.event.data.get("content", "") for entry in heard}
