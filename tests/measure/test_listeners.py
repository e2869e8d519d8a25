from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from labserver.errors import NotConnected
from labserver.measure.listeners import raw_listeners
from labserver.measure.load import participants
from labserver.measure.overhead import TECHNIQUES
from labserver.measure.testbed import Target, over_link, targets
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.trace.trace import Trace
from tests.waiting import eventually

LISTENERS = 12
WORKLOAD = Workload(messages=3, per_s=10, rooms=1)


@pytest.mark.parametrize("technique", TECHNIQUES)
async def test_raw_listeners_hear_everything_that_is_said(technique: str) -> None:
    async with targets([technique]) as servers:
        server = servers[technique]
        async with over_link(server, Link()) as (behind, tape):
            async with raw_listeners(behind, "full", LISTENERS, poll_interval_s=0.05):

                def connect(user: str, _: str) -> object:
                    return server.client(user, "full", poll_interval_s=0.05)

                async with participants(connect, WORKLOAD) as people:  # type: ignore[arg-type]
                    await people.converse(WORKLOAD)
                    await everybody_has_heard(Trace(tape))


async def everybody_has_heard(trace: Trace) -> None:
    """Wait until each listener has heard two warm-ups and what was said, on its own connection."""
    expected = dict.fromkeys(range(1, LISTENERS + 1), WORKLOAD.messages + 2)

    def heard() -> bool:
        found: Counter[int] = Counter()
        for message in trace:
            found[message.connection] += message.raw.count(b'"type":"CHAT_MESSAGE"')
        return +found == expected

    await eventually(heard)


async def test_listeners_that_are_not_let_in_are_an_error() -> None:
    async with targets(["sse"]) as servers:
        with pytest.raises(NotConnected, match="404"):
            async with raw_listeners(
                Target("websocket", servers["sse"].url, 0), "x", 3, poll_interval_s=1
            ):
                pass


async def test_listeners_that_are_disconnected_are_an_error() -> None:
    async with targets(["sse"]) as servers:
        link = Link(idle_timeout_s=0.5)
        async with over_link(servers["sse"], link) as (behind, _):
            with pytest.raises(NotConnected, match="3 of 3"):
                async with raw_listeners(behind, "full", 3, poll_interval_s=1):
                    await asyncio.sleep(1.5)
