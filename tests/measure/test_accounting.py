from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from labserver.measure.accounting import Cost, Purpose, costs
from labserver.measure.load import participants
from labserver.measure.overhead import TECHNIQUES
from labserver.measure.testbed import over_link, targets
from labserver.measure.workload import Workload
from labserver.network.link import Link
from labserver.trace.trace import Trace
from labserver.wire.tape import Direction

WORKLOAD = Workload(messages=6, per_s=20, rooms=1, size=5000)


async def converse(technique: str) -> Trace:
    """What was on the wire while two people spoke."""
    async with targets([technique]) as servers:
        async with over_link(servers[technique], Link()) as (server, tape):
            async with participants(server.connect(0.03), WORKLOAD) as people:
                await people.converse(WORKLOAD)
    return Trace(tape, port=int(server.url.rpartition(":")[2]), ended=True)


@pytest.fixture(params=TECHNIQUES)
async def trace(request: pytest.FixtureRequest) -> Trace:
    """A conversation over each technique."""
    return await converse(request.param)


def test_all_bytes_are_charged_to_something_as_tshark_counts_them(
    trace: Trace, tshark: str, tmp_path: Path
) -> None:
    entries = list(costs(trace))
    capture = trace.to_pcapng(tmp_path / "conversation.pcapng")
    options = ("-T", "fields", "-e", "tcp.dstport", "-e", "tcp.len")
    run = subprocess.run(
        [tshark, "-r", str(capture), *options], capture_output=True, text=True, check=True
    )
    heard: Counter[bool] = Counter()
    for line in run.stdout.splitlines():
        port, length = line.split()
        heard[int(port) == trace.port] += int(length)
    assert sum(entry.up for entry in entries) == heard[True]
    assert sum(entry.down for entry in entries) == heard[False]


def test_the_columns_add_up_to_the_wire(trace: Trace) -> None:
    accounts = trace.bytes()
    entries = list(costs(trace))
    for name in ("payload", "http_headers", "framing"):
        assert sum(getattr(entry, name) for entry in entries) == accounts[name].sum(), name
    assert sum(entry.wire for entry in entries) == accounts["wire"].sum()


def test_what_is_heard_was_delivered_and_what_is_said_takes_its_size(trace: Trace) -> None:
    entries = list(costs(trace))
    delivered = [entry for entry in entries if entry.purpose is Purpose.DELIVER]
    heard = sum(message.raw.count(b'"senderId"') for message in trace)
    # Two warm-ups as well; but nobody waits until a speaker has polled what they said last.
    assert WORKLOAD.messages <= heard <= 2 * (WORKLOAD.messages + 2)
    assert 2 <= len(delivered) <= heard  # those who poll may find several at once
    said = sum(entry.up for entry in entries if entry.purpose is Purpose.SAY)
    assert said > WORKLOAD.messages * WORKLOAD.size


def test_only_polling_asks_in_vain() -> None:
    entry = Cost(1, Purpose.EMPTY)
    assert (entry.wire, entry.framing, entry.packets, entry.tcp_ip_estimate) == (0, 0, 0, 0)


async def test_short_polls_that_bring_nothing_are_told_from_those_that_do() -> None:
    trace = await converse("short_polling")
    entries = list(costs(trace))
    empty = [entry for entry in entries if entry.purpose is Purpose.EMPTY]
    statuses = Counter(
        message.detail["status"]
        for message in trace
        if message.direction is Direction.DOWN
        if "status" in message.detail
    )
    assert len(empty) == statuses[304] > 0
    assert all(entry.payload == 0 for entry in empty)
    assert sum(entry.purpose is Purpose.SAY for entry in entries) == statuses[202]


@pytest.mark.parametrize(("size", "segments"), [(1, 1), (1460, 1), (1461, 2), (14600, 10)])
def test_packets_are_what_tcp_makes_of_the_size(size: int, segments: int) -> None:
    entry = Cost(1, Purpose.DELIVER)
    entry.segments_down = -(-size // 1460)
    assert entry.packets == segments
    assert entry.tcp_ip_estimate == 40 * (segments + (segments + 1) // 2)
