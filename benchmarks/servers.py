"""The servers that are compared; each is started as `python -m benchmarks.servers TECHNIQUE NAME`.

Each prints its URL, serves a room over WebSocket at /ws/chat or as http_peers.py says, and ends
when its standard input does. Each message is sent to all members, and all texts are equally long.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

import websockets.asyncio.server
from websockets.frames import Frame, Opcode

from benchmarks.http_peers import HTTP_PEERS
from benchmarks.peers import PEERS
from benchmarks.texts import SPOKEN, TEXT
from labserver.backends.memory_bus import MemoryBus
from labserver.backends.sqlite_mailbox import SqliteMailbox
from labserver.chat.hub import Hub
from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock
from labserver.runtime import wiring
from labserver.techniques import load
from labserver.techniques.transport.interface import Chat
from labserver.wire.websocket_accept import accept_key

SECRET = "a secret of the benchmarks, known to all, of no use elsewhere"


async def ours(technique: str, listening: socket.socket) -> None:
    """labserver, without its rate limit."""
    clock = SystemClock()
    hub = Hub(bus=MemoryBus(), mailbox=SqliteMailbox(), clock=clock, sends_per_s=None)
    guard = wiring.make_guard(Tokens(SECRET, clock), None, ())
    async with (
        wiring.open_hub(hub),
        load(technique).serve(Chat(hub, guard), listening),
    ):
        await asyncio.Event().wait()


async def broadcast(listening: socket.socket) -> None:
    """The websockets library with its own `broadcast()`."""
    members: set[websockets.asyncio.server.ServerConnection] = set()
    text = TEXT.decode()

    async def converse(connection: websockets.asyncio.server.ServerConnection) -> None:
        members.add(connection)
        try:
            async for _ in connection:
                websockets.asyncio.server.broadcast(members, text)
        finally:
            members.discard(connection)

    async with websockets.asyncio.server.serve(
        converse, sock=listening, compression=None, backlog=1024
    ) as server:
        await server.serve_forever()


class Raw(asyncio.Protocol):
    """The floor: a handshake, and a prepared frame written to every transport."""

    members: ClassVar[set[asyncio.Transport]] = set()
    frame = Frame(Opcode.TEXT, TEXT).serialize(mask=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.open = False

    def data_received(self, data: bytes) -> None:
        if self.open:
            # The frames of the benchmark's speaker arrive whole, and are equally long.
            for _ in range(max(1, len(data) // SPOKEN_FRAME_BYTES)):
                for member in self.members:
                    member.write(self.frame)
            return
        key = next(
            line.partition(b":")[2].strip()
            for line in data.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = accept_key(key.decode("latin-1")).encode()
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.open = True
        self.members.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.members.discard(self.transport)


SPOKEN_FRAME_BYTES = len(Frame(Opcode.TEXT, SPOKEN).serialize(mask=True))


async def raw(listening: socket.socket) -> None:
    """Plain asyncio."""
    server = await asyncio.get_running_loop().create_server(Raw, sock=listening, backlog=1024)
    async with server:
        await server.serve_forever()


OURS = "labserver"
SERVERS: dict[str, dict[str, Callable[[socket.socket], Awaitable[None]]]] = {
    "websocket": {
        OURS: partial(ours, "websocket"),
        "websockets broadcast()": broadcast,
        "raw asyncio": raw,
        **PEERS,
    },
    "sse": {OURS: partial(ours, "sse"), **HTTP_PEERS},
    "long_polling": {OURS: partial(ours, "long_polling"), **HTTP_PEERS},
}


async def main(technique: str, name: str) -> None:
    """Serve until standard input ends."""
    listening = wiring.bind(wiring.LOOPBACK, 0)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(_ignore_cancel(SERVERS[technique][name](listening)))
        print(wiring.url_of(listening), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        serving.cancel()


async def _ignore_cancel(work: Awaitable[None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
