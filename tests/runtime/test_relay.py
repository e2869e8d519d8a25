"""The relay, between a raw client and a raw server."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from labserver.network.link import Link
from labserver.runtime.relay import UNDER_WAY_MAX, Relay, run_relay
from labserver.runtime.wiring import LOOPBACK, bind
from labserver.wire.tape import Direction, PieceKind, Tape
from tests.ports import reserved_port
from tests.waiting import DEADLINE_S, eventually, within

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def relayed(link: Link, serve: Serve = echo) -> AsyncIterator[tuple[Relay, int]]:
    server = await asyncio.start_server(serve, LOOPBACK, 0)
    listening = bind(LOOPBACK, 0)
    port = listening.getsockname()[1]
    async with (
        server,
        run_relay(listening, server.sockets[0].getsockname()[1], link=link, tape=Tape()) as relay,
    ):
        yield relay, port


async def said_and_echoed(port: int, data: bytes) -> bytes:
    async with connected(port) as (reader, writer):
        writer.write(data)
        writer.write_eof()
        return await reader.read()


def joined(relay: Relay, direction: Direction) -> bytes:
    return b"".join(piece.data for piece in relay.tape if piece.direction is direction)


async def test_every_byte_passes_and_is_written_down() -> None:
    data = random.Random(1).randbytes(1_000_000)
    async with relayed(Link()) as (relay, port):
        assert await said_and_echoed(port, data) == data
        assert joined(relay, Direction.UP) == data
        assert joined(relay, Direction.DOWN) == data
        events = [(p.direction, p.kind) for p in relay.tape if p.kind is not PieceKind.DATA]
        assert events == [
            (Direction.UP, PieceKind.OPEN),
            (Direction.UP, PieceKind.END),
            (Direction.DOWN, PieceKind.END),
        ]
        times = [piece.sent_ns for piece in relay.tape]
        assert times == sorted(times)


async def test_a_round_trip_takes_what_the_link_says() -> None:
    async with relayed(Link(rtt_ms=100)) as (_, port), connected(port) as (reader, writer):
        loop = asyncio.get_running_loop()
        taken = []
        for _ in range(10):
            began = loop.time()
            writer.write(b"ping")
            await reader.readexactly(4)
            taken.append(loop.time() - began)
    assert 0.1 <= min(taken) < 0.15  # of ten: a machine that is busy does not delay them all


async def test_a_narrow_link_passes_only_so_much_a_second() -> None:
    data = bytes(50_000)
    async with relayed(Link(kbit_s=2000)) as (_, port):
        began = asyncio.get_running_loop().time()
        with within(0.4):  # 0.2 s each way, and both ways overlap
            assert await said_and_echoed(port, data) == data
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_chopped_bytes_arrive_in_order() -> None:
    data = random.Random(2).randbytes(5000)
    async with relayed(Link(chop=7)) as (relay, port):
        assert await said_and_echoed(port, data) == data
        sizes = {p.size for p in relay.tape if p.kind is PieceKind.DATA}
        assert max(sizes) == 7


async def test_jitter_keeps_the_order() -> None:
    data = random.Random(3).randbytes(3000)
    async with relayed(Link(rtt_ms=20, jitter_ms=10, chop=100)) as (_, port):
        assert await said_and_echoed(port, data) == data


async def test_a_cut_ends_both_sides() -> None:
    ended = asyncio.Event()

    async def notice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(100):
                pass
        writer.close()
        ended.set()

    async with relayed(Link(), notice) as (relay, port), connected(port) as (reader, writer):
        writer.write(b"hello")
        await eventually(lambda: joined(relay, Direction.UP))
        relay.cut()
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        await asyncio.wait_for(ended.wait(), DEADLINE_S)
        assert relay.tape.pieces[-1].kind is PieceKind.ABORT


async def test_a_frozen_link_tells_nobody_and_loses_nothing() -> None:
    async with relayed(Link()) as (relay, port), connected(port) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        relay.freeze()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(3), 0.1)
        relay.thaw()
        assert await asyncio.wait_for(reader.readexactly(3), DEADLINE_S) == b"two"


async def test_a_frozen_link_holds_only_so_much() -> None:
    async with relayed(Link()) as (relay, port), connected(port) as (reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        relay.freeze()
        writer.write(bytes(30_000_000))
        await asyncio.sleep(0.2)
        side = relay.connections[1].client
        assert 0 < side.under_way < 3 * UNDER_WAY_MAX
        relay.thaw()
        assert await asyncio.wait_for(reader.readexactly(30_000_000), DEADLINE_S) == bytes(
            30_000_000
        )
        assert side.under_way == 0


async def test_a_silent_connection_is_closed_by_an_impatient_proxy() -> None:
    async with relayed(Link(idle_timeout_s=1)) as (_, port), connected(port) as (reader, writer):
        for _ in range(6):  # talking keeps it open
            writer.write(b"x")
            await reader.readexactly(1)
            await asyncio.sleep(0.2)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)


class Listener(asyncio.Protocol):
    """Keeps what comes, and how it ends; at a reset a StreamReader forgets what it has read."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


@pytest.mark.parametrize("link", [Link(cut_after=7), Link(cut_after=7, rtt_ms=40, chop=2)], ids=str)
async def test_a_connection_is_cut_after_so_many_bytes_from_the_server(link: Link) -> None:
    async with relayed(link) as (relay, port):
        for _ in range(2):  # each connection anew
            loop = asyncio.get_running_loop()
            writer, listener = await loop.create_connection(Listener, LOOPBACK, port)
            writer.write(b"four")
            await eventually(lambda heard=listener: heard.heard == b"four")
            writer.write(b"and more")
            error = await asyncio.wait_for(listener.lost, DEADLINE_S)
            assert isinstance(error, ConnectionResetError)
            assert listener.heard == b"fourand"
        assert joined(relay, Direction.DOWN) == 2 * b"fourand"
        aborted = [piece.connection for piece in relay.tape if piece.kind is PieceKind.ABORT]
        assert sorted(set(aborted)) == [1, 2]


async def test_connections_past_the_limit_wait_for_their_turn() -> None:
    async with relayed(Link(connections_max=2)) as (_, port):
        stack = AsyncExitStack()
        pairs = [await stack.enter_async_context(connected(port)) for _ in range(3)]
        for _, writer in pairs:
            writer.write(b"hi")
        for reader, _ in pairs[:2]:
            assert await asyncio.wait_for(reader.readexactly(2), DEADLINE_S) == b"hi"
        third = pairs[2][0]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(third.readexactly(2), 0.1)
        pairs[0][1].close()
        assert await asyncio.wait_for(third.readexactly(2), DEADLINE_S) == b"hi"
        await stack.aclose()


async def test_a_fast_sender_does_not_fill_the_memory() -> None:
    go_on = asyncio.Event()

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.close()

    async def pour(writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(0.5):
            for _ in range(200):
                writer.write(bytes(1_000_000))
                await writer.drain()

    async with relayed(Link(), sink) as (relay, port), connected(port) as (_, writer):
        with pytest.raises(TimeoutError):
            await pour(writer)
        assert sum(piece.size for piece in relay.tape) < 50_000_000
        writer.transport.abort()
        go_on.set()


async def test_a_server_that_is_not_there_ends_the_connection() -> None:
    listening = bind(LOOPBACK, 0)
    with reserved_port() as nobodys:
        async with (
            run_relay(listening, nobodys, link=Link(), tape=Tape()),
            connected(listening.getsockname()[1]) as (reader, _),
        ):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), DEADLINE_S)


async def test_an_error_in_the_block_is_raised_as_it_is() -> None:
    with pytest.raises(LookupError, match="not here"):
        async with run_relay(bind(LOOPBACK, 0), 1, link=Link(), tape=Tape()):
            raise LookupError("not here")
