"""The servers and relays of benchmarks/relay.py: `python -m benchmarks.relays ROLE [PORT]`.

Each prints the port on which it listens, and ends when its standard input does. The echo server
sends back what it reads. The sink reads 8 bytes that say how many follow, reads those, and answers
with one byte. The relays pass bytes on to PORT: the plain one records nothing, ours is labserver's.
"""

from __future__ import annotations

import asyncio
import sys

from labserver.network.link import Link
from labserver.runtime import wiring
from labserver.runtime.relay import run_relay
from labserver.wire.tape import Tape


class Echo(asyncio.Protocol):
    """Sends back what it reads."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Sink(Echo):
    """Reads as much as is announced, then answers."""

    head = b""
    left = -1

    def data_received(self, data: bytes) -> None:
        if self.left < 0:
            self.head += data
            if len(self.head) < 8:
                return
            data = self.head[8:]
            self.left = int.from_bytes(self.head[:8], "big")
            self.head = b""
        self.left -= len(data)
        if self.left == 0:
            self.left = -1
            self.transport.write(b"!")


class Plain(asyncio.Protocol):
    """One socket of a relay that only passes bytes on: the least that asyncio can do."""

    other: Plain
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.other.transport.close()


class PlainClient(Plain):
    """The socket on which a client connects."""

    def __init__(self, port: int, tasks: asyncio.TaskGroup) -> None:
        self._port, self._tasks = port, tasks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        self._tasks.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.other = await loop.create_connection(Plain, wiring.LOOPBACK, self._port)
        self.other.other = self
        self.transport.resume_reading()


async def main(role: str, port: int) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    listening = wiring.bind(wiring.LOOPBACK, 0)
    print(listening.getsockname()[1], flush=True)
    ended = loop.run_in_executor(None, sys.stdin.read)
    if role == "labserver":
        async with run_relay(listening, port, link=Link(), tape=Tape()):
            await ended
        return
    async with asyncio.TaskGroup() as tasks:
        protocols = {"echo": Echo, "sink": Sink, "plain": lambda: PlainClient(port, tasks)}
        async with await loop.create_server(protocols[role], sock=listening):
            await ended


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
