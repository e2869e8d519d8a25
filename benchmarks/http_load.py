"""The load over HTTP: streams to read, and polls that are repeated as soon as they are answered."""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import urlsplit

from benchmarks.load import AT_ONCE, Listener, Peer, settle
from benchmarks.servers import SECRET
from benchmarks.texts import MARK, SPOKEN
from labserver.chat.tokens import Tokens
from labserver.clock import SystemClock

ROOM = "bench"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CURSOR = re.compile(rb'"cursor": ?"([^"]+)"')
TOKENS = Tokens(SECRET, SystemClock())


def request(server: Peer, user: str, line: str, body: bytes = b"") -> bytes:
    """Return a request as a plain client sends it."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = (
        f"{line} HTTP/1.1\r\nHost: {urlsplit(server.url).netloc}\r\n"
        f"Authorization: Bearer {TOKENS.issue(user)}\r\n{length}\r\n"
    )
    return head.encode() + body


class Asker(asyncio.Protocol):
    """One connection that is kept open, with one request at a time."""

    answered: asyncio.Future[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def ask(self, wanted: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future gets the body of the answer."""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(wanted)
        return self.answered

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        assert head.startswith(b"HTTP/1.1 20"), head
        found = LENGTH.search(head)
        if len(body) == (int(found[1]) if found else 0):
            self.buffer = b""
            self.answered.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(ConnectionError("the server hung up"))


async def connect(server: Peer) -> Asker:
    """Open a connection."""
    address = urlsplit(server.url)
    loop = asyncio.get_running_loop()
    _, asker = await loop.create_connection(Asker, address.hostname, address.port)
    return asker


async def streamed(server: Peer, clients: int, messages: int, speakers: int) -> float:
    """Let `clients` read streams while `speakers` send, each one message at a time.

    Returns:
        Delivered events per second.
    """
    loop = asyncio.get_running_loop()
    address = urlsplit(server.url)
    gate = asyncio.Semaphore(AT_ONCE)
    listeners: list[Listener] = []

    async def listen(number: int) -> None:
        asked = request(server, f"user{number}", f"GET /events?room={ROOM}")
        async with gate:
            opened = loop.create_future()
            _, listener = await loop.create_connection(
                lambda: Listener(asked, opened), address.hostname, address.port
            )
            await opened
            listeners.append(listener)

    async with asyncio.TaskGroup() as tasks:
        for number in range(clients):
            tasks.create_task(listen(number))
    await settle(listeners)
    said = iter(range(messages))

    async def speak(asker: Asker, number: int) -> None:
        asked = request(server, f"user{number}", f"POST /messages?room={ROOM}", SPOKEN)
        for message in said:
            await asker.ask(asked)
            await listeners[0].until(message + 1)

    askers = [await connect(server) for _ in range(speakers)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, asker in enumerate(askers):
            tasks.create_task(speak(asker, number))
    for listener in listeners:
        await listener.until(messages)
    rate = messages * clients / (time.perf_counter() - began)
    await settle(listeners)
    counts = {listener.messages for listener in listeners}
    assert counts == {messages}, f"{messages} were said, and heard: {sorted(counts)}"
    return rate


async def polled(server: Peer, clients: int, messages: int) -> float:
    """Let `clients` poll: all wait, one message is sent, and all ask again.

    Returns:
        Cycles of request, wait and answer per second.
    """
    heard = [0] * clients
    progress = asyncio.Condition()
    rounds = 0

    async def poll(asker: Asker, number: int) -> None:
        nonlocal rounds
        user = f"user{number}"
        cursor = "0"
        # The token stays the same, and so does the request except for the cursor.
        before, after = request(server, user, f"GET /messages?room={ROOM}&wait=25&after=@").split(
            b"@", 1
        )
        while heard[number] < messages:
            body = await asker.ask(before + cursor.encode() + after)
            found = CURSOR.search(body)
            assert found, body
            cursor = found[1].decode()
            heard[number] += body.count(MARK)
            if heard[number] == rounds + 1 and min(heard) == rounds + 1:
                async with progress:
                    rounds += 1
                    progress.notify_all()

    async def speak(asker: Asker) -> None:
        asked = request(server, "speaker", f"POST /messages?room={ROOM}", SPOKEN)
        for message in range(messages):
            await asker.ask(asked)
            async with progress:
                await progress.wait_for(lambda message=message: rounds > message)

    askers = [await connect(server) for _ in range(clients + 1)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(clients):
            tasks.create_task(poll(askers[number], number))
        tasks.create_task(speak(askers[clients]))
    seconds = time.perf_counter() - began
    assert heard == [messages] * clients, f"{messages} were said, and heard: {sorted(set(heard))}"
    return messages * clients / seconds
