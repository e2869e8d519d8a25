from __future__ import annotations

import asyncio

import psutil
import pytest

from labserver.errors import LabError
from labserver.measure.headers import CHROMIUM
from labserver.measure.load import participants
from labserver.measure.testbed import over_link, targets
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.techniques import NAMES
from labserver.trace.trace import Trace
from labserver.wire.message import Kind
from tests.waiting import eventually

ONE_ROOM = Workload(messages=4, per_s=50, rooms=1)


async def test_each_technique_is_served_by_a_process_of_its_own() -> None:
    async with targets(NAMES) as servers:
        pids = {server.pid for server in servers.values()}
        assert len(pids) == len(NAMES) == len(servers)
        for server in servers.values():
            async with participants(server.connect(0.02), ONE_ROOM) as people:
                deliveries = await people.converse(ONE_ROOM)
            assert all(delivery.received_s < 60 for delivery in deliveries), server.technique
    assert not any(map(psutil.pid_exists, pids))


async def test_whoever_is_interrupted_leaves_no_server_behind() -> None:
    pids: list[int] = []

    async def measure() -> None:
        async with targets(["websocket", "sse"]) as servers:
            pids.extend(server.pid for server in servers.values())
            async with participants(servers["sse"].connect(1), Workload()) as people:
                await people.converse(Workload(messages=10_000))

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(measure())
        await eventually(lambda: len(pids) == 2)
        task.cancel()
    assert not any(map(psutil.pid_exists, pids))


async def test_a_technique_that_is_not_there_is_an_error_and_not_a_group_of_them() -> None:
    with pytest.raises(LabError, match="carrier_pigeon"):
        async with targets(["websocket", "carrier_pigeon"]):
            pass


async def test_over_a_link_all_goes_through_the_relay() -> None:
    async with targets(["long_polling"]) as servers:
        server = servers["long_polling"]
        async with over_link(server, Link()) as (behind, tape):
            assert behind.url != server.url
            assert (behind.technique, behind.pid) == (server.technique, server.pid)
            async with participants(behind.connect(1), ONE_ROOM) as people:
                await people.converse(ONE_ROOM)
            assert len(Trace(tape).only(kind=Kind.HTTP_REQUEST)) > ONE_ROOM.messages
        async with over_link(server, None) as (direct, tape):
            assert direct is server
            assert len(tape) == 0


async def test_a_client_can_say_of_itself_what_another_says() -> None:
    async with targets(["short_polling"]) as servers:
        async with over_link(servers["short_polling"], Link()) as (server, tape):

            def connect(user: str, room: str) -> object:
                return server.client(user, room, poll_interval_s=1, headers=CHROMIUM)

            async with participants(connect, ONE_ROOM):  # type: ignore[arg-type]
                pass
        requests = list(Trace(tape).only(kind=Kind.HTTP_REQUEST))
    for request in requests:
        said = dict(request.detail["headers"])
        own = {"Host", "Authorization", "Content-Length", "Content-Type"}
        assert {name: said[name] for name in said.keys() - own} == dict(CHROMIUM)
        assert said["Authorization"].startswith("Bearer ")
