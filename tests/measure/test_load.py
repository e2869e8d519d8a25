"""The load, and whether it finds the delays that are known."""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import signal
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from labserver.backends.memory import MemoryBus
from labserver.backends.sqlite import SqliteMailbox
from labserver.chat.events import Envelope
from labserver.chat.hub import Hub
from labserver.errors import Refused
from labserver.measure import testbed
from labserver.measure.load import Delivery, participants
from labserver.measure.testbed import Target, targets
from labserver.measure.workload import Workload
from labserver.runtime import wiring
from labserver.techniques import load
from labserver.techniques.transport.interface import Chat

TRIES = 4  # a machine that is busy with something else may delay all of a run


def latencies_ms(deliveries: list[Delivery]) -> list[float]:
    return [(delivery.received_s - delivery.due_s) * 1000 for delivery in deliveries]


@asynccontextmanager
async def serving(hub: Hub, technique: str = "websocket") -> AsyncIterator[Target]:
    """A hub on this loop."""
    listening = wiring.bind(wiring.LOOPBACK, 0)
    guard = wiring.make_guard(testbed.tokens, None, ())
    async with wiring.open_hub(hub), load(technique).serve(Chat(hub, guard), listening):
        yield Target(technique, wiring.url_of(listening), os.getpid())
    listening.close()


def hub(of: type[Hub] = Hub) -> Hub:
    return of(bus=MemoryBus(), mailbox=SqliteMailbox(), clock=wiring.clock)


class Sleepy(Hub):
    """Sleeps 25 ms over whatever it receives."""

    async def receive(self, user: str, room: str, raw: bytes | str) -> Envelope | None:
        await asyncio.sleep(0.025)
        return await super().receive(user, room, raw)


async def test_every_message_is_heard_by_all_others_of_its_room() -> None:
    workload = Workload(messages=12, per_s=200, rooms=2, members=3)
    async with serving(hub()) as server, participants(server.connect(1), workload) as people:
        deliveries = await people.converse(workload)
    assert [delivery.message for delivery in deliveries] == [n for n in range(12) for _ in range(2)]
    for delivery in deliveries:
        assert delivery.listener != workload.turn(delivery.message)[1]
        assert delivery.due_s <= delivery.sent_s < delivery.received_s
    assert [delivery.due_s for delivery in deliveries[::2]] == workload.due()


async def test_a_server_that_sleeps_25_ms_is_found_out() -> None:
    workload = Workload(messages=30, per_s=100)
    for _ in range(TRIES):
        found = []
        for kind in (Hub, Sleepy):
            async with (
                serving(hub(kind)) as server,
                participants(server.connect(1), workload) as people,
            ):
                found.append(statistics.median(latencies_ms(await people.converse(workload))))
        if abs(found[1] - found[0] - 25) < 2:
            return
    pytest.fail(f"without it {found[0]} ms, with it {found[1]} ms")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
async def test_a_stall_of_a_second_is_in_the_latency_of_every_message_due_in_it() -> None:
    loop = asyncio.get_running_loop()

    def send(number: int, done: asyncio.Future[float]) -> None:
        os.kill(pid, number)
        done.set_result(loop.time())

    workload = Workload(messages=100)
    async with (
        targets(["websocket"]) as servers,
        participants(servers["websocket"].connect(1), workload) as people,
    ):
        pid = servers["websocket"].pid
        for _ in range(TRIES):
            stopped, went_on = loop.create_future(), loop.create_future()

            loop.call_later(0.4, send, signal.SIGSTOP, stopped)
            loop.call_later(1.4, send, signal.SIGCONT, went_on)
            deliveries = await people.converse(workload)
            stall_s = went_on.result() - stopped.result()
            late = [
                delivery for delivery in deliveries if delivery.received_s - delivery.due_s > 0.1
            ]
            began_s = late[0].due_s
            # A straight line that falls from the stall's length to nothing.
            off = [
                began_s + stall_s - delivery.due_s - (delivery.received_s - delivery.due_s)
                for delivery in late
            ]
            waited_s = [delivery.received_s - delivery.sent_s for delivery in late]
            if max(map(abs, off)) < 0.05 * stall_s:
                break
        else:
            pytest.fail(f"off the line by up to {max(map(abs, off)):.3f} s")
    assert len(late) >= 0.85 * stall_s * workload.per_s
    # A closed loop would have seen one slow answer for each who waits for it, and one delivery more
    # if the server was stopped between its answer to the speaker and its word to the listener.
    assert sum(waited > 0.5 * stall_s for waited in waited_s) <= workload.speakers + 1


async def test_what_nobody_heard_is_lost_and_not_forgotten() -> None:
    class Deaf(Hub):
        """Keeps what is said to itself, but for the first words."""

        async def receive(self, user: str, room: str, raw: bytes | str) -> Envelope | None:
            if b"warm-up" in (raw.encode() if isinstance(raw, str) else raw):
                return await super().receive(user, room, raw)
            return await super().receive(user, "elsewhere", raw)

    workload = Workload(messages=3, per_s=100, rooms=1)
    async with serving(hub(Deaf)) as server, participants(server.connect(1), workload) as people:
        deliveries = await people.converse(workload, patience_s=0.2)
    assert [math.isinf(delivery.received_s) for delivery in deliveries] == [True] * 3
    assert all(math.isfinite(delivery.sent_s) for delivery in deliveries)


async def test_who_is_not_let_in_is_told_as_one_error() -> None:
    async with serving(hub()) as server:
        with pytest.raises(Refused, match="room"):
            async with participants(
                lambda user, _: server.connect(1)(user, "no room!"), Workload()
            ):
                pass


async def test_a_run_reports_each_delivery() -> None:
    workload = Workload(messages=5, per_s=100, rooms=1)
    heard = 0

    def step() -> None:
        nonlocal heard
        heard += 1

    async with serving(hub()) as server, participants(server.connect(1), workload) as people:
        await people.converse(workload, on_delivery=step)
    assert heard == workload.deliveries


async def test_people_stay_for_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    # An id that comes again is no message: that runs differ must not be left to chance.
    monkeypatch.setattr(secrets, "token_hex", lambda size: "00" * size)
    workload = Workload(messages=5, per_s=100, rooms=1)
    async with serving(hub()) as server, participants(server.connect(1), workload) as people:
        runs = [await people.converse(workload) for _ in range(3)]
    assert all(math.isfinite(delivery.received_s) for run in runs for delivery in run)
