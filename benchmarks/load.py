"""The load: many WebSocket connections in one process, read as cheaply as Python can."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
from websockets.frames import Frame, Opcode

from benchmarks.servers import MARK, SECRET, SPOKEN
from labserver.chat.auth import Tokens
from labserver.clock import SystemClock

AT_ONCE = 200  # handshakes under way


@dataclass(slots=True)
class Peer:
    """A server in a process of its own."""

    url: str
    process: psutil.Process

    @property
    def memory(self) -> int:
        """Its resident memory in bytes."""
        return int(self.process.memory_info().rss)


@contextmanager
def peer(name: str) -> Iterator[Peer]:
    """Start one of the benchmark's servers."""
    command = [sys.executable, "-m", "benchmarks.servers", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield Peer(child.stdout.readline().strip(), psutil.Process(child.pid))
        finally:
            child.kill()


class Listener(asyncio.Protocol):
    """One connection: after the handshake it counts messages, by their mark, and bytes."""

    def __init__(self, request: bytes, opened: asyncio.Future[None]) -> None:
        self.request = request
        self.opened = opened
        self.head = b""
        self.messages = 0
        self.received = 0
        self.heard = asyncio.Event()  # set whenever a message has come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.opened.done():
            self.received += len(data)
            self.messages += data.count(MARK)
            self.heard.set()
            return
        self.head += data
        head, end, rest = self.head.partition(b"\r\n\r\n")
        if end:
            assert head.startswith(b"HTTP/1.1 101"), head
            self.received = len(rest)
            self.opened.set_result(None)


async def open_room(url: str, members: int) -> list[Listener]:
    """Connect `members` users to one room."""
    loop = asyncio.get_running_loop()
    address = urlsplit(url)
    tokens = Tokens(SECRET, SystemClock())
    gate = asyncio.Semaphore(AT_ONCE)
    listeners: list[Listener] = []

    async def connect(number: int) -> None:
        token = tokens.issue(f"user{number}")
        request = (
            f"GET /ws/chat?room=bench HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        async with gate:
            opened = loop.create_future()
            _, listener = await loop.create_connection(
                lambda: Listener(request.encode(), opened), address.hostname, address.port
            )
            await opened
            listeners.append(listener)

    async with asyncio.TaskGroup() as tasks:
        for number in range(members):
            tasks.create_task(connect(number))
    return listeners


async def settle(listeners: list[Listener]) -> None:
    """Wait until nothing comes any more (presence notices, for instance)."""
    before = -1
    while before != (now := sum(listener.received for listener in listeners)):
        before = now
        await asyncio.sleep(0.3)


async def fan_out(listeners: list[Listener], messages: int, window: int = 4) -> float:
    """One member speaks, all hear it.

    Args:
        listeners: the room.
        messages: how many are said.
        window: how many may be on their way to the speaker at once.

    Returns:
        Delivered messages a second.
    """
    await settle(listeners)
    speaker = listeners[0]
    spoken = Frame(Opcode.TEXT, SPOKEN).serialize(mask=True)
    before = [listener.messages for listener in listeners]
    began = time.perf_counter()
    for said in range(messages):
        await _until(speaker, before[0] + said - window)
        speaker.transport.write(spoken)
    for listener, heard in zip(listeners, before, strict=True):
        await _until(listener, heard + messages)
    return messages * len(listeners) / (time.perf_counter() - began)


async def _until(listener: Listener, messages: int) -> None:
    while listener.messages < messages:
        listener.heard.clear()
        await listener.heard.wait()


def raise_file_limit() -> None:
    """5,000 connections are 5,000 open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def machine() -> str:
    """What this ran on, in one line."""
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {sys.platform}"
