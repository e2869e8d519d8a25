"""The load: many WebSocket connections in one process, read as cheaply as Python can."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from websockets.frames import Frame, Opcode

from benchmarks.servers import SECRET, SERVERS
from benchmarks.texts import IO_CONNECT, IO_SPOKEN, MARK, SPOKEN
from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock

AT_ONCE = 200  # handshakes at the same time
HERE = Path(__file__).parent
FLOOR = "raw asyncio"
NODE = {"Node ws": "ws", "Node socket.io": "socket.io", "Node http": "http"}  # scripts
NODE_MODULES = ("Node ws", "Node socket.io")
MODULES = {"picows": "picows", "aiohttp": "aiohttp", "python-socketio": "socketio"}
NAMES = (*SERVERS["websocket"], "Node ws", "Node socket.io")
HTTP_NAMES = (*SERVERS["sse"], "Node http")
SOCKET_IO = ("python-socketio", "Node socket.io")


@dataclass(slots=True)
class Peer:
    """A server in a process of its own."""

    url: str
    process: psutil.Process
    socket_io: bool = False

    @property
    def memory(self) -> int:
        """The resident memory of the process, in bytes."""
        return int(self.process.memory_info().rss)


def there(names: Sequence[str]) -> list[str]:
    """Return the servers that can be started here; for others, print what is missing."""
    found = []
    for name in names:
        missing = ""
        if name not in (*NAMES, *HTTP_NAMES):
            missing = f"another name: {', '.join(dict.fromkeys((*NAMES, *HTTP_NAMES)))}"
        elif name in NODE and not shutil.which("node"):
            missing = "Node.js"
        elif name in NODE_MODULES and not (HERE / "node/node_modules").exists():
            missing = "npm ci --prefix benchmarks/node"
        elif (module := MODULES.get(name)) and find_spec(module) is None:
            missing = f"pip install {module}"
        if missing:
            print(f"{name} is left out: it needs {missing}", file=sys.stderr)
        else:
            found.append(name)
    return found


@contextmanager
def peer(name: str, technique: str = "websocket") -> Iterator[Peer]:
    """Run one of the benchmark's servers for the length of a block."""
    command = [sys.executable, "-m", "benchmarks.servers", technique, name]
    if name in NODE:
        command = ["node", str(HERE / "node" / f"{NODE[name]}.mjs")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            url = child.stdout.readline().strip()
            assert url, f"{name} did not start"
            yield Peer(url, psutil.Process(child.pid), name in SOCKET_IO)
        finally:
            child.kill()


class Listener(asyncio.Protocol):
    """One connection, which after the handshake counts messages, by their mark, and bytes."""

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
            assert head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), head
            self.received = len(rest)
            self.opened.set_result(None)

    async def until(self, messages: int) -> None:
        """Wait until this many messages have arrived."""
        while self.messages < messages:
            self.heard.clear()
            await self.heard.wait()


async def open_room(server: Peer, members: int) -> list[Listener]:
    """Connect `members` users to one room."""
    loop = asyncio.get_running_loop()
    address = urlsplit(server.url)
    path = "/socket.io/?EIO=4&transport=websocket" if server.socket_io else "/ws/chat?room=bench"
    tokens = Tokens(SECRET, SystemClock())
    gate = asyncio.Semaphore(AT_ONCE)
    listeners: list[Listener] = []

    async def connect(number: int) -> None:
        token = tokens.issue(f"user{number}")
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
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
            if server.socket_io:
                listener.transport.write(Frame(Opcode.TEXT, IO_CONNECT).serialize(mask=True))
            listeners.append(listener)

    async with asyncio.TaskGroup() as tasks:
        for number in range(members):
            tasks.create_task(connect(number))
    return listeners


async def settle(listeners: list[Listener]) -> None:
    """Wait until nothing more arrives, such as presence events."""
    before = -1
    while before != (now := sum(listener.received for listener in listeners)):
        before = now
        await asyncio.sleep(0.3)


async def fan_out(server: Peer, listeners: list[Listener], messages: int, window: int) -> float:
    """Let one member speak, and wait until all have heard everything.

    Args:
        server: the server.
        listeners: the members of the room; the first one speaks.
        messages: how many messages are sent.
        window: how many of them may be on their way back to the speaker at once.

    Returns:
        Delivered messages per second.
    """
    await settle(listeners)
    speaker = listeners[0]
    words = IO_SPOKEN if server.socket_io else SPOKEN
    spoken = Frame(Opcode.TEXT, words).serialize(mask=True)
    before = [listener.messages for listener in listeners]
    began = time.perf_counter()
    for said in range(messages):
        await speaker.until(before[0] + said + 1 - window)
        speaker.transport.write(spoken)
    for listener, heard in zip(listeners, before, strict=True):
        await listener.until(heard + messages)
    rate = messages * len(listeners) / (time.perf_counter() - began)
    await settle(listeners)
    counts = {listener.messages - heard for listener, heard in zip(listeners, before, strict=True)}
    assert counts == {messages}, f"{messages} were said, and heard: {sorted(counts)}"
    return rate


def raise_file_limit() -> None:
    """Allow more open files: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def machine() -> str:
    """Return one line about what this ran on."""
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {sys.platform}"
