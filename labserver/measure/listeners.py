"""Listeners that cost next to nothing, so that a full room is work for the server and not for us.

Each one makes the requests of its technique and discards what it receives. Whether messages
arrive in time is for the proper clients in the same room to see.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from labserver.errors import NotConnected
from labserver.measure.load import first_error
from labserver.measure.testbed import Target, tokens
from labserver.runtime.wiring import LOOPBACK

AT_ONCE = 100  # how many connect at the same time
OPEN_TIMEOUT_S = 60.0

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb'\r\netag: *"([^"]+)"', re.IGNORECASE)

HEAD_END = b"\r\n\r\n"
WEBSOCKET = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"  # RFC 6455 §1.3
)


@asynccontextmanager
async def raw_listeners(
    server: Target, room: str, members: int, *, poll_interval_s: float
) -> AsyncIterator[None]:
    """Keep listeners in a room for the length of a block.

    Args:
        server: the server that they connect to.
        room: the room's name.
        members: how many listeners there are.
        poll_interval_s: seconds between two polls, for short polling.

    Raises:
        NotConnected: if one of them is not let in, or is disconnected before the end.
    """
    loop = asyncio.get_running_loop()
    host = urlsplit(server.url).netloc
    gate = asyncio.Semaphore(AT_ONCE)
    listeners: list[RawListener] = []

    async def join(number: int) -> None:
        ask = _asking(server, room, f"listener{number}", host)
        async with gate:
            listener = RawListener(ask, poll_interval_s if _polls(server) else None)
            await loop.create_connection(lambda: listener, LOOPBACK, int(host.rpartition(":")[2]))
            listeners.append(listener)
            await listener.opened

    try:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S), asyncio.TaskGroup() as tasks:
                for number in range(members):
                    tasks.create_task(join(number))
        except (TimeoutError, ExceptionGroup) as error:
            reason = first_error(error) if isinstance(error, ExceptionGroup) else "no answer"
            raise NotConnected(f"Not all of {members} listeners were let in: {reason}") from error
        yield
        if gone := sum(listener.transport.is_closing() for listener in listeners):
            raise NotConnected(f"{gone} of {members} listeners were disconnected in the meantime.")
    finally:
        for listener in listeners:
            listener.leave()


def _polls(server: Target) -> bool:
    return server.technique == "short_polling"


def _asking(server: Target, room: str, user: str, host: str) -> Callable[[bytes], bytes]:
    """Return what makes a listener's request from the cursor that it has read to."""
    paths = {
        "short_polling": "/messages",
        "long_polling": "/messages",
        "sse": "/events",
        "websocket": "/ws/chat",
    }
    more = {"websocket": WEBSOCKET, "sse": "Accept: text/event-stream\r\n"}
    start = f"GET {paths[server.technique]}?room={room}".encode()
    end = (
        f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {tokens.issue(user)}\r\n"
        f"{more.get(server.technique, '')}\r\n"
    ).encode()
    # The first request is answered at once, and the answer says where to go on.
    return lambda cursor: start + (b"&after=" + cursor if cursor else b"&hello=1") + end


class RawListener(asyncio.Protocol):
    """One connection, read without decoding more than the head of an answer.

    Args:
        ask: makes a request from the cursor that the listener has read to.
        interval_s: seconds between an answer and the next request; None for none.

    Attributes:
        opened: done when the first answer has arrived.
    """

    transport: asyncio.Transport

    def __init__(self, ask: Callable[[bytes], bytes], interval_s: float | None) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ask = ask
        self._interval_s = interval_s
        self._timer: asyncio.TimerHandle | None = None
        self._held = b""
        self._streams = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._ask(b""))

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._streams:
            return
        self._held += data
        end = self._held.find(HEAD_END)
        if end < 0:
            return
        status, head = self._held[9:12], self._held[:end]
        if status not in (b"101", b"200", b"204", b"304"):
            self._refused(self._held.decode(errors="replace").partition("\r\n")[0])
            return
        length = _LENGTH.search(head)
        if status == b"101" or (status == b"200" and length is None):
            self._streams = True
        elif len(self._held) < end + len(HEAD_END) + (int(length[1]) if length else 0):
            return
        else:
            self._held = b""
            etag = _ETAG.search(head)
            self._go_on(etag[1] if etag else b"")
        if not self.opened.done():
            self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._refused("the connection ended")

    def leave(self) -> None:
        """Close the connection without a good-bye."""
        if self._timer is not None:
            self._timer.cancel()
        self.transport.abort()

    def _go_on(self, cursor: bytes) -> None:
        ask = self._ask(cursor)
        if self._interval_s is None:
            self.transport.write(ask)
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval_s, self.transport.write, ask)

    def _refused(self, reason: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(NotConnected(reason))
        self.transport.abort()
