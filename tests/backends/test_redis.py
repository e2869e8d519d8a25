"""What is particular to the backends in Redis: outages, losses, and servers that die.

What they share with the others is in test_buses.py and test_mailboxes.py.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labserver.backends.redis import RedisBus, RedisMailbox, redis_bus
from labserver.backends.redis import bus as redis_bus_module
from labserver.backends.redis import connection as redis_connection
from labserver.backends.redis.connection import connect
from labserver.backends.redis.roster import Change, OwnRoster, Place, Rosters
from labserver.chat import events
from labserver.chat.events import Envelope
from labserver.chat.log import Cursor, RoomLog
from labserver.errors import LabError, Refused
from tests.backends.listening import RecordingListener, contents, letter, say
from tests.backends.redis_server import RedisServer
from tests.waiting import DEADLINE_S, LOOK_S, PROMPT_S, eventually, within

pytestmark = pytest.mark.redis

# Shorter than those of the bus, in the same proportion; a beat may be late by a second and a half.
BEAT_S, ROSTER_S = 0.5, 2.0

# A server that has a user in a room, until it is killed.
SERVER = f"""
import asyncio, sys
from labserver.backends.redis import bus, redis_bus

bus.BEAT_S, bus.ROSTER_S = {BEAT_S}, {ROSTER_S}

async def main(url, prefix):
    async with redis_bus(url, prefix=prefix) as bus:
        bus.arrived("mortal", "alice", "lobby")
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


# Reaching it


async def test_a_redis_that_is_not_there_is_an_error_with_a_way_out(
    own_redis: RedisServer,
) -> None:
    own_redis.kill()
    with pytest.raises(LabError, match=r"start redis-server on 127\.0\.0\.1"):
        async with redis_bus(own_redis.url):
            pass


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://host:port"])
def test_what_is_no_address_of_a_redis_is_an_error_with_a_way_out(url: str) -> None:
    with pytest.raises(LabError, match="redis://HOST:6379/0"):
        RedisBus(url)


async def test_the_password_is_not_shown(own_redis: RedisServer) -> None:
    own_redis.kill()
    url = own_redis.url.replace("127.0.0.1", "user:hush@127.0.0.1")
    with pytest.raises(LabError) as caught:
        async with redis_bus(url):
            pass
    assert "hush" not in str(caught.value)
    assert f"redis://…@127.0.0.1:{own_redis.port}/0" in str(caught.value)


async def test_an_error_within_the_block_comes_out_as_it_is(
    shared_redis: RedisServer, prefix: str
) -> None:
    with pytest.raises(LookupError):
        async with redis_bus(shared_redis.url, prefix=prefix):
            raise LookupError


async def test_nothing_is_left_behind(shared_redis: RedisServer, prefix: str) -> None:
    before = asyncio.all_tasks()
    async with connect(shared_redis.url) as client:
        clients = len(await client.client_list())
        for _ in range(20):
            async with redis_bus(shared_redis.url, prefix=prefix) as bus:
                await bus.append("lobby", say("hi"))
        assert asyncio.all_tasks() == before
        async with asyncio.timeout(DEADLINE_S):  # Redis notices in its own time
            while len(await client.client_list()) != clients:
                await asyncio.sleep(LOOK_S)
        assert not await client.keys(f"{prefix}:roster:*")


async def test_a_bus_ends_with_its_last_hub(shared_redis: RedisServer, prefix: str) -> None:
    async with redis_bus(shared_redis.url, prefix=prefix) as bus:
        await bus.attach("one", RecordingListener())
        await bus.attach("other", RecordingListener())
        await bus.detach("one")
        await bus.aclose()
        await bus.append("lobby", say("hi"))
        await bus.detach("other")
        await bus.aclose()
        with pytest.raises(Refused, match="does not answer"):
            await bus.append("lobby", say("hi"))


async def test_another_prefix_is_another_conversation(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        redis_bus(shared_redis.url, prefix=prefix) as one,
        redis_bus(shared_redis.url, prefix=f"{prefix}-2") as other,
    ):
        await one.append("lobby", say("hi"))
        assert (await other.log("lobby")).newest == 0
        assert one.epoch != other.epoch


# Outages


async def test_messages_are_refused_while_redis_is_away_and_go_on_after(
    lasting_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with redis_bus(lasting_redis.url) as bus:
        log = await bus.log("lobby")
        offsets = _watch(log)
        await bus.append("lobby", say("before"))
        await asyncio.to_thread(lasting_redis.kill)
        with monkeypatch.context() as patch, within(0.3 + PROMPT_S):
            patch.setattr(redis_connection, "ANSWER_S", 0.3)
            with pytest.raises(Refused) as caught:
                await bus.append("lobby", say("during"))
            assert (caught.value.status, caught.value.code) == (503, "store_unavailable")
        await asyncio.to_thread(lasting_redis.start)
        await bus.append("lobby", say("after"))
        assert contents(log) == ["before", "after"]
        assert offsets == [1, 2]
        assert log.epoch == bus.epoch


async def test_a_short_outage_is_only_a_delay(
    lasting_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connection, "ANSWER_S", DEADLINE_S)  # a busy machine takes longer
    async with redis_bus(lasting_redis.url) as bus:
        log = await bus.log("lobby")
        await asyncio.to_thread(lasting_redis.kill)

        async def come_back() -> None:
            await asyncio.sleep(0.3)
            await asyncio.to_thread(lasting_redis.start)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(come_back())
            kept = [tasks.create_task(bus.append("lobby", say(str(n)))) for n in range(50)]
        assert sorted(task.result().at for task in kept) == list(range(1, 51))
        assert log.newest == 50


async def test_connections_that_are_cut_lose_and_double_nothing(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        connect(shared_redis.url) as client,
        redis_bus(shared_redis.url, prefix=prefix) as one,
        redis_bus(shared_redis.url, prefix=prefix) as other,
    ):
        logs = [await bus.log("lobby") for bus in (one, other)]
        told = [_watch(log) for log in logs]

        async def speak(bus: RedisBus, who: str) -> None:
            for n in range(200):
                await bus.append("lobby", say(f"{who}{n}"))

        async def cut() -> None:
            for _ in range(15):
                await asyncio.sleep(0.02)
                for kind in ("normal", "pubsub"):
                    await client.client_kill_filter(_type=kind, skipme=True)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(cut())
            for bus in (one, other):
                for n in range(3):
                    tasks.create_task(speak(bus, f"{bus is one}-{n}-"))
        await eventually(lambda: all(log.newest == 1200 for log in logs))
        assert contents(logs[0]) == contents(logs[1])
        assert len(set(contents(logs[0]))) == 1200
        assert told == [list(range(1, 1201))] * 2


async def test_an_append_whose_answer_was_lost_is_fresh_and_not_doubled(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        deaf_proxy(shared_redis.port) as (port, deafen),
        redis_bus(f"redis://127.0.0.1:{port}/0", prefix=prefix) as bus,
    ):
        log = await bus.log("lobby")
        for n in range(5):
            deafen()
            kept = await bus.append("lobby", say(str(n)), key=str(n))
            assert (kept.at, kept.fresh) == (n + 1, True)
            assert not (await bus.append("lobby", say("again"), key=str(n))).fresh
        assert contents(log) == list("01234")


async def test_a_letter_whose_answer_was_lost_is_fresh_and_not_doubled(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with deaf_proxy(shared_redis.port) as (port, deafen):
        mailbox = RedisMailbox(f"redis://127.0.0.1:{port}/0", prefix)
        for n in range(5):
            deafen()
            assert (await mailbox.keep(letter(n))).fresh
        assert len(await mailbox.pending("bob")) == 5
        await mailbox.aclose()


async def test_a_redis_that_does_not_answer_is_given_up_in_time(
    shared_redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connection, "ANSWER_S", 0.3)
    async with (
        connect(shared_redis.url) as client,
        redis_bus(shared_redis.url, prefix=prefix) as bus,
    ):
        await bus.append("lobby", say("hi"))
        await client.client_pause(5_000, all=False)  # but not for the command that ends it
        with within(0.3 + PROMPT_S):  # and not the 5 s of the pause
            with pytest.raises(Refused):
                await bus.append("lobby", say("hi"))
        await client.client_unpause()


async def test_an_outage_is_logged_once(
    lasting_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "labserver")
    async with redis_bus(lasting_redis.url) as bus:
        await bus.log("lobby")
        await asyncio.to_thread(lasting_redis.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(lasting_redis.start)
        await eventually(lambda: len(caplog.messages) == 2)
    assert "trying again" in caplog.messages[0]
    assert "is back" in caplog.messages[1]


# Losses


async def test_a_redis_that_lost_everything_begins_anew_and_says_so(
    own_redis: RedisServer,
) -> None:
    async with redis_bus(own_redis.url) as bus:
        log = await bus.log("lobby")
        told: list[Envelope] = []
        for n in range(3):
            await bus.append("lobby", say(f"old {n}"), recipient="bob", mail=n)
        old = log.cursor
        log.watch(told.append)
        await asyncio.to_thread(own_redis.kill)
        await asyncio.to_thread(own_redis.start)
        assert (await bus.append("lobby", say("new"))).at == 1
        assert log.epoch == bus.epoch != old.epoch
        assert contents(log) == ["new"]
        assert log.mail_of("bob") == {}
        assert not log.covers(old)
        assert [entry.event.type for entry in told] == ["RESET", "CHAT_MESSAGE"]
        assert told[0].event.data == {"epoch": bus.epoch, "oldest": 1, "newest": 0}
        assert told[0].event.room == "lobby"


async def test_an_emptied_redis_is_noticed_by_servers_that_only_listen(
    own_redis: RedisServer,
) -> None:
    async with (
        connect(own_redis.url) as client,
        redis_bus(own_redis.url) as one,
        redis_bus(own_redis.url) as other,
    ):
        log = await other.log("lobby")
        await one.append("lobby", say("old"))
        await eventually(lambda: log.newest == 1)
        one.arrived("here", "alice", "lobby")
        heard = RecordingListener()
        await other.attach("there", heard)
        await client.flushall()
        await eventually(lambda: log.newest == 0)
        await one.append("lobby", say("new"))
        await eventually(lambda: log.newest == 1)
        assert contents(log) == ["new"]
        assert one.epoch == other.epoch == log.epoch
        await eventually(lambda: heard.present == {("here", "alice", "lobby")})


async def test_a_redis_that_came_back_with_an_older_copy_begins_anew(
    own_redis: RedisServer,
) -> None:
    async with redis_bus(own_redis.url) as bus:
        log = await bus.log("lobby")
        await bus.append("lobby", say("saved"))
        async with connect(own_redis.url) as client:
            await client.save()
        await bus.append("lobby", say("not saved"))
        old = log.cursor
        await asyncio.to_thread(own_redis.kill)
        await asyncio.to_thread(own_redis.start)
        await eventually(lambda: bus.epoch != old.epoch)
        await bus.append("lobby", say("new"))
        assert contents(log) == ["new"]
        assert not log.covers(old)


async def test_an_older_copy_is_noticed_even_where_others_have_gone_on(
    own_redis: RedisServer,
) -> None:
    async with redis_bus(own_redis.url) as bus:
        log = await bus.log("lobby")
        await bus.append("lobby", say("not saved"))
        old = log.cursor
        await asyncio.to_thread(own_redis.kill)
        # As if another server had been faster: our offset 1 is another entry now.
        await asyncio.to_thread(own_redis.start)
        async with connect(own_redis.url) as client, client.pipeline() as pipe:
            pipe.set("labserver:epoch", old.epoch or "")
            pipe.hset(f"labserver:{old.epoch}:newest", "lobby", "1")
            pipe.xadd(f"labserver:{old.epoch}:log:lobby", {"event": b'{"type":"OTHER"}'}, "0-1")
            await pipe.execute()
            await eventually(lambda: bus.epoch != old.epoch)
        assert log.newest == 0
        assert log.epoch == bus.epoch


async def test_a_reader_that_fell_behind_what_is_retained_is_told(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with redis_bus(shared_redis.url, prefix=prefix) as bus:
        log = await bus.log("lobby")
        told: list[Envelope] = []
        for n in range(3):
            await bus.append("lobby", say(str(n)))
        log.watch(told.append)
        async with connect(shared_redis.url) as client, client.pipeline() as pipe:
            pipe.hset(f"{prefix}:{bus.epoch}:newest", "lobby", "50")
            pipe.xadd(f"{prefix}:{bus.epoch}:log:lobby", {"event": b'{"type":"LATE"}'}, "0-50")
            await pipe.execute()
        await eventually(lambda: log.newest == 50)
        assert (log.oldest, log.epoch) == (50, bus.epoch)
        assert [entry.event.type for entry in told] == ["RESET", "LATE"]
        assert not log.covers(Cursor(3, log.epoch))
        assert log.covers(Cursor(49, log.epoch))


async def test_the_conversation_outlives_all_servers(
    lasting_redis: RedisServer,
) -> None:
    async with redis_bus(lasting_redis.url) as bus:
        await bus.append("lobby", say("hi"), key="k")
        epoch = bus.epoch
    await asyncio.to_thread(lasting_redis.kill)
    await asyncio.to_thread(lasting_redis.start)
    async with redis_bus(lasting_redis.url) as bus:
        assert bus.epoch == epoch
        assert contents(await bus.log("lobby")) == ["hi"]
        assert not (await bus.append("lobby", say("again"), key="k")).fresh
        assert (await bus.append("lobby", say("on"))).at == 2


async def test_a_script_that_redis_forgot_is_sent_again(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        connect(shared_redis.url) as client,
        redis_bus(shared_redis.url, prefix=prefix) as bus,
    ):
        await bus.append("lobby", say("1"))
        await client.script_flush()
        assert (await bus.append("lobby", say("2"))).at == 2


async def test_a_letter_that_two_servers_place_stands_in_the_log_once(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        redis_bus(shared_redis.url, prefix=prefix) as one,
        redis_bus(shared_redis.url, prefix=prefix) as other,
    ):
        logs = [await bus.log("lobby") for bus in (one, other)]
        kept = await asyncio.gather(
            *(bus.append("lobby", say("hi"), recipient="bob", mail=7) for bus in (one, other))
        )
        assert sorted(k.fresh for k in kept) == [False, True]
        assert [log.mail_of("bob") for log in logs] == [{7: 1}, {7: 1}]
        await one.append("cafe", say("hi"), recipient="bob", mail=7)
        assert (await one.log("cafe")).mail_of("bob") == {7: 1}


async def test_a_letter_that_has_left_the_log_is_placed_again(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with redis_bus(shared_redis.url, prefix=prefix, retain_entries=10) as bus:
        log = await bus.log("lobby")
        await bus.append("lobby", say("hi"), recipient="bob", mail=7)
        for n in range(10):
            await bus.append("lobby", say(str(n)))
        assert log.mail_of("bob") == {}
        assert (await bus.append("lobby", say("hi"), recipient="bob", mail=7)).fresh
        assert log.mail_of("bob") == {7: 12}


# Who is there


async def test_a_server_that_was_killed_is_noticed(
    shared_redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_bus_module, "BEAT_S", BEAT_S)
    monkeypatch.setattr(redis_bus_module, "ROSTER_S", ROSTER_S)
    async with redis_bus(shared_redis.url, prefix=prefix) as bus:
        heard = RecordingListener()
        await bus.attach("witness", heard)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, shared_redis.url, prefix, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        await process.stdout.readline()
        await eventually(lambda: heard.present == {("mortal", "alice", "lobby")})
        await asyncio.sleep(ROSTER_S)  # it stays there as long as it lives
        assert heard.calls == [("arrived", "mortal", "alice", "lobby")]
        process.kill()
        await process.wait()
        await eventually(lambda: not heard.present)


async def test_a_server_that_ends_is_noticed_at_once(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with redis_bus(shared_redis.url, prefix=prefix) as bus:
        heard = RecordingListener()
        await bus.attach("witness", heard)
        async with redis_bus(shared_redis.url, prefix=prefix) as other:
            other.arrived("other", "alice", "lobby")
            await eventually(lambda: bool(heard.present))
        await eventually(lambda: not heard.present)


async def test_nobody_leaves_because_redis_is_away(own_redis: RedisServer) -> None:
    async with redis_bus(own_redis.url) as one, redis_bus(own_redis.url) as other:
        heard = RecordingListener()
        await one.attach("witness", heard)
        other.arrived("other", "alice", "lobby")
        other.arrived("other", "bob", "lobby")
        await eventually(lambda: len(heard.present) == 2)
        await asyncio.to_thread(own_redis.kill)
        other.left("other", "bob", "lobby")
        other.arrived("other", "carol", "lobby")
        await asyncio.sleep(0.5)
        assert len(heard.calls) == 2
        await asyncio.to_thread(own_redis.start)
        now = {("other", "alice", "lobby"), ("other", "carol", "lobby")}
        await eventually(lambda: heard.present == now)


async def test_a_roster_that_was_lost_is_written_again(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        connect(shared_redis.url) as client,
        redis_bus(shared_redis.url, prefix=prefix) as bus,
    ):
        async with asyncio.timeout(DEADLINE_S):
            bus.arrived("here", "alice", "lobby")
            while not (written := await client.keys(f"{prefix}:roster:*")):
                await asyncio.sleep(LOOK_S)
            await client.delete(*written)
            while not (again := await client.keys(f"{prefix}:roster:*")):
                await asyncio.sleep(LOOK_S)
        (roster,) = again
        assert b'["here","alice","lobby"]' in await client.hgetall(roster)


async def test_what_others_publish_on_the_channel_does_no_harm(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        connect(shared_redis.url) as client,
        redis_bus(shared_redis.url, prefix=prefix) as one,
        redis_bus(shared_redis.url, prefix=prefix) as other,
    ):
        heard = RecordingListener()
        await one.attach("witness", heard)
        other.arrived("other", "alice", "lobby")
        await eventually(lambda: bool(heard.present))
        for nonsense in (b"", b"\xff", b"{}", b'{"type":"signal"}', b'{"type":"new"}'):
            await client.publish(f"{prefix}:news", nonsense)
        other.notify("other", "lobby", events.typing("alice", started=True))
        await eventually(lambda: len(heard.signals) == 1)


async def test_signals_that_are_too_many_are_dropped(
    shared_redis: RedisServer, prefix: str
) -> None:
    async with (
        redis_bus(shared_redis.url, prefix=prefix) as one,
        redis_bus(shared_redis.url, prefix=prefix) as other,
    ):
        heard = RecordingListener()
        await one.attach("witness", heard)
        other.arrived("other", "marker", "lobby")
        await eventually(lambda: bool(heard.present))
        for n in range(5_000):
            other.notify("other", "lobby", events.typing(str(n), started=True))
            other.arrived("other", str(n), "lobby")
        newest = events.typing("4999", started=True)
        await eventually(lambda: len(heard.present) == 5_001)
        await eventually(lambda: heard.signals[-1:] == [("lobby", newest.event)])
        assert len(heard.signals) <= 1_000


async def test_a_server_restarted_under_its_name_does_not_leave_with_its_predecessor() -> None:
    heard = RecordingListener()
    rosters = Rosters()
    rosters.attach("witness", heard)
    place: Place = ("server", "alice", "lobby")
    rosters.replace("old", 1, [place])
    rosters.replace("new", 1, [place])
    rosters.forget("old")
    assert heard.calls == [("arrived", *place)]
    rosters.forget("new")
    assert not heard.present


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans(), st.booleans()),
        max_size=40,
    )
)
def test_rosters_agree_after_a_beat_whatever_was_lost(
    story: list[tuple[str, bool, bool, bool]],
) -> None:
    own, rosters, heard = OwnRoster("bus"), Rosters(), RecordingListener()
    rosters.attach("witness", heard)

    def publish(lost: bool, change: Change) -> None:
        if not lost:
            rosters.apply(change)

    for user, comes, lost, whole in story:
        (own.arrived if comes else own.left)(("server", user, "lobby"))
        publish(lost, own.begin() if whole else own.change())
    publish(False, own.change())
    for bus in tuple(rosters.stale):
        rosters.replace(bus, own.version, own.places)
    assert heard.present == set(own.places)


def _watch(log: RoomLog) -> list[int | None]:
    offsets: list[int | None] = []
    log.watch(lambda entry: offsets.append(entry.event.offset))
    return offsets


@asynccontextmanager
async def deaf_proxy(port: int) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """A relay to Redis that, once deafened, forwards one script and cuts off the answer."""
    deaf = False

    def deafen() -> None:
        nonlocal deaf
        deaf = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal deaf
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        cut = False

        async def answers() -> None:
            while (data := await up_reader.read(65536)) and not cut:
                writer.write(data)
            writer.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answers())
            while data := await reader.read(65536):
                if deaf and b"EVALSHA" in data:
                    deaf, cut = False, True
                up_writer.write(data)
            up_writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], deafen
