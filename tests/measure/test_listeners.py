from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from labserver.errors import NotConnected
from labserver.measure.listeners import crowd
from labserver.measure.load import hall
from labserver.measure.overhead import TECHNIQUES
from labserver.measure.testbed import Served, served, through
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.trace.trace import Trace
from tests.waiting import eventually

LISTENERS = 12
WORKLOAD = Workload(messages=3, per_s=10, rooms=1)


@pytest.mark.parametrize("technique", TECHNIQUES)
async def test_a_crowd_hears_all_that_is_said(technique: str) -> None:
    async with served([technique]) as servers:
        server = servers[technique]
        async with through(server, Link()) as (behind, tape):
            async with crowd(behind, "full", LISTENERS, poll_interval_s=0.05):

                def connect(user: str, _: str) -> object:
                    return server.client(user, "full", poll_interval_s=0.05)

                async with hall(connect, WORKLOAD) as people:  # type: ignore[arg-type]
                    await people.converse(WORKLOAD)
                    await everybody_has_heard(Trace(tape))


async def everybody_has_heard(trace: Trace) -> None:
    """Two warm-ups and what was said, by each on a connection of its own."""
    expected = dict.fromkeys(range(1, LISTENERS + 1), WORKLOAD.messages + 2)

    def heard() -> bool:
        found: Counter[int] = Counter()
        for message in trace:
            found[message.connection] += message.raw.count(b'"type":"CHAT_MESSAGE"')
        return +found == expected

    await eventually(heard)


async def test_a_crowd_that_is_not_let_in_is_told() -> None:
    async with served(["sse"]) as servers:
        with pytest.raises(NotConnected, match="404"):
            async with crowd(Served("websocket", servers["sse"].url, 0), "x", 3, poll_interval_s=1):
                pass


async def test_a_crowd_that_is_sent_away_is_told() -> None:
    async with served(["sse"]) as servers:
        link = Link(idle_timeout_s=0.5)
        async with through(servers["sse"], link) as (behind, _):
            with pytest.raises(NotConnected, match="3 of 3"):
                async with crowd(behind, "full", 3, poll_interval_s=1):
                    await asyncio.sleep(1.5)
