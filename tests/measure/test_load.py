"""The load, and whether it finds the delays that are known."""

from __future__ import annotations

import asyncio
import math
import os
import secrets
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import SqliteMailbox
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
from tests.conftest import Judge
from tests.waiting import lateness


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


@pytest.mark.alone
async def test_a_server_that_sleeps_25_ms_is_found_out(judge: Judge) -> None:
    workload = Workload(messages=30, per_s=100)
    found = []
    with lateness() as late:
        for kind in (Hub, Sleepy):
            async with (
                serving(hub(kind)) as server,
                participants(server.connect(1), workload) as people,
            ):
                found.append(latencies_ms(await people.converse(workload)))
    without, slept = found
    assert min(slept) >= 25  # on any machine
    off_ms = statistics.median(slept) - statistics.median(without) - 25
    judge(abs(off_ms) < 2, late, 0.002, f"off by {off_ms:.1f} ms")


@pytest.mark.alone
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
async def test_a_stall_of_a_second_is_in_the_latency_of_every_message_due_in_it(
    judge: Judge,
) -> None:
    workload = Workload(messages=100)
    heard: list[float] = []  # when, on the load's own clock
    stalled: list[float] = []  # from when to when

    def stall() -> None:
        os.kill(pid, signal.SIGCONT if stalled else signal.SIGSTOP)
        stalled.append(time.perf_counter())

    def hear() -> None:
        heard.append(time.perf_counter())
        if len(heard) == 20:
            stall()
            asyncio.get_running_loop().call_later(1, stall)

    async with (
        targets(["websocket"]) as servers,
        participants(servers["websocket"].connect(1), workload) as people,
    ):
        pid = servers["websocket"].pid
        with lateness() as late:
            deliveries = await people.converse(workload, on_delivery=hear)
    received = sorted(delivery.received_s for delivery in deliveries)
    began = min(at - moment for at, moment in zip(heard, received, strict=True))
    from_s, until_s = (moment - began for moment in stalled)
    # A signal takes a moment to arrive.
    due = [delivery for delivery in deliveries if from_s + 0.05 < delivery.due_s < until_s - 0.05]
    assert len(due) >= 0.8 * workload.per_s
    # Each was heard once the server went on, whenever that was: on any machine.
    assert min(delivery.received_s for delivery in due) > until_s - 0.05
    off_s = max(delivery.received_s for delivery in due) - until_s
    judge(off_s < 0.2, late, 0.01, f"heard up to {off_s:.3f} s after the stall")
    # A closed loop would have seen one slow answer for each speaker, and one delivery more if the
    # server was stopped between its answer to the speaker and its word to the listener.
    waited = sum(delivery.received_s - delivery.sent_s > 0.5 for delivery in due)
    judge(waited <= workload.speakers + 1, late, 0.01, f"{waited} answers were slow")


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
