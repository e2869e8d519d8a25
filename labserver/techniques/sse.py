"""Server-sent events: one response that never ends (WHATWG HTML §9.2), over HTTP/1.1 or HTTP/2.

    GET /events?room=            text/event-stream: id: the cursor, event: the type, data: the event
    GET /notifications/stream    the user's own direct messages, as event: NOTIFICATION
    POST /messages?room=         one event; 202 with its answer

The browser reconnects by itself and sends the last id that it saw as `Last-Event-ID`. Our ids are
cursors, so the stream goes on from there. Each stream begins with an id and no data, which sets
the last event ID without being an event (§9.2.6): a client that is cut off before the first event
can resume, too.

The server uses Starlette and sse-starlette, on uvicorn or, for HTTP/2, on Hypercorn. The other
endpoints are in transport/asgi_endpoints.py. The client uses httpx2 and our own parser.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import starlette.requests
from sse_starlette import EventSourceResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from labserver.chat.events import Envelope, Event, decode_event
from labserver.chat.log import Cursor
from labserver.chat.outbox import Outbox
from labserver.chat.room import Member, inbox
from labserver.techniques.transport.asgi_endpoints import make_app, read_request
from labserver.techniques.transport.conversation import receipt
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Address, Chat, ConnectionLost, Received
from labserver.techniques.transport.request import Request
from labserver.wire.sse import SSEParser

RETRY_MS = 1000  # how long a browser waits before it reconnects
PING_S = 15  # WHATWG HTML §9.2.7: old proxies drop connections that are silent for longer
SILENCE_S = 3 * PING_S  # after so long without even a comment, the connection is lost
END_TIMEOUT_S = 0.2  # for streams to end by themselves; then stalled ones are cut off

log = logging.getLogger("labserver.sse")
logging.getLogger("sse_starlette.sse").setLevel(logging.CRITICAL)  # peers come and go


# Server


class EventFormatter:
    """Formats envelopes for the stream, and remembers the last: a room asks once per member.

    Args:
        event: the event name of every event; empty for its own type.
    """

    def __init__(self, event: str = "") -> None:
        self._event = event
        self._entry: Envelope | None = None
        self._block = b""

    def __call__(self, entry: Envelope, epoch: str) -> bytes:
        if entry is not self._entry:
            self._entry = entry
            name = self._event if self._event and entry.event.offset else entry.event.type
            self._block = b"%sevent: %s\ndata: %s\n\n" % (
                _id_line(entry, epoch),
                name.encode(),
                entry.json,  # JSON escapes line ends, so this is one line
            )
        return self._block


def _id_line(entry: Envelope, epoch: str) -> bytes:
    data = entry.event.data
    if entry.event.type == "RESET":
        return f"id: {Cursor(data['newest'], data['epoch'])}\n".encode()
    if entry.event.offset is None:
        return b""
    return f"id: {Cursor(entry.event.offset, epoch)}\n".encode()


class Stream:
    """One open stream, as an ASGI response.

    Args:
        streams: the open streams; this one is among them while it is open.
        chat: what is served.
        user, room, after: who reads, in which room, and after which cursor.
        formatter: formats the envelopes.
        headers: the response's headers.

    Attributes:
        ended: set once the response has ended.
        scope: cancelling it cuts the response off.
    """

    def __init__(
        self,
        streams: set[Stream],
        chat: Chat,
        user: str,
        room: str,
        after: Cursor | None,
        formatter: EventFormatter,
        headers: dict[str, str],
    ) -> None:
        self._streams = streams
        self._chat = chat
        self._user, self._room, self._after = user, room, after
        self._formatter = formatter
        self._headers = headers
        self._outbox = Outbox()
        self._woken = asyncio.Event()
        self._ending = False
        self.ended = asyncio.Event()
        self.scope = anyio.CancelScope()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.add(self)
        try:
            with self.scope:
                async with self._chat.hub.visit(
                    self._user, self._room, self._deliver, self._after
                ) as member:
                    response = EventSourceResponse(
                        self._blocks(member), headers=self._headers, ping=PING_S, sep="\n"
                    )
                    await response(scope, receive, send)
        finally:
            self._streams.discard(self)
            self.ended.set()

    def end(self) -> None:
        """End the response properly: no more events, and then its last chunk."""
        self._ending = True
        self._woken.set()

    def _deliver(self, entry: Envelope) -> None:
        if self._outbox.put(entry):
            self._woken.set()
        else:
            self.scope.cancel()  # it reads too slowly; it may come back and resume

    async def _blocks(self, member: Member) -> AsyncIterator[bytes]:
        start = member.cursor
        page = self._chat.hub.catch_up(member)
        begins = f"retry: {RETRY_MS}\n"
        if not (page and page[0].event.type == "RESET"):
            # After a RESET the reader's cursor must not move before the RESET has arrived.
            begins += f"id: {start}\n"
        yield begins.encode() + b"\n"
        while page:
            yield self._formatted(page, member)
            page = self._chat.hub.catch_up(member)
        while not self._ending:
            await self._woken.wait()
            self._woken.clear()
            if waiting := self._outbox.take_all():
                yield self._formatted(waiting, member)

    def _formatted(self, entries: list[Envelope], member: Member) -> bytes:
        return b"".join([self._formatter(entry, member.log.epoch) for entry in entries])


class _Streams:
    """The endpoints that open a stream, and the streams that are open."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._open: set[Stream] = set()
        self._ending = False
        self._events = EventFormatter()
        self._notifications = EventFormatter("NOTIFICATION")

    async def events(self, request: starlette.requests.Request) -> Stream:
        """GET /events."""
        asked = read_request(request)
        return self._stream(asked, asked.user(self._chat), asked.room, self._events)

    async def notifications(self, request: starlette.requests.Request) -> Stream:
        """GET /notifications/stream."""
        asked = read_request(request)
        user = asked.user(self._chat)
        return self._stream(asked, user, inbox(user), self._notifications)

    @property
    def routes(self) -> list[Route]:
        """The routes of the endpoints."""
        return [
            Route("/events", self.events, methods=["GET"]),
            Route("/notifications/stream", self.notifications, methods=["GET"]),
        ]

    async def end(self) -> None:
        """End all streams, by themselves where they can."""
        self._ending = True
        for stream in self._open:
            stream.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await asyncio.gather(*(stream.ended.wait() for stream in self._open))
        for stream in tuple(self._open):
            stream.scope.cancel()

    def _stream(self, asked: Request, user: str, room: str, formatter: EventFormatter) -> Stream:
        stream = Stream(self._open, self._chat, user, room, asked.after, formatter, asked.cors())
        if self._ending:  # a browser comes back after a stream that ends; after a 503 it gives up
            stream.end()
        return stream


@asynccontextmanager
async def serve(chat: Chat, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the chat over server-sent events on a bound socket.

    At the end of the block the streams end first; then the server that they run on has nothing to
    wait for.
    """
    if chat.http2:
        from labserver.techniques.transport.asgi_http2 import (
            serve as run,  # which `load` has imported
        )
    else:
        from labserver.techniques.transport.asgi_http1 import serve as run
    streams = _Streams(chat)
    async with run(make_app(chat, streams.routes), listening, chat.tls):
        try:
            yield
        finally:
            await streams.end()


# Client


def connector(address: Address) -> SSEConnector:
    """Return what connects a client to an SSE server."""
    return SSEConnector(address)


class SSEConnector:
    """Reads one stream at a time, and sends by POST."""

    def __init__(self, address: Address) -> None:
        self._http = HttpConnection(address)
        self.counters = self._http.counters

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Open the stream, and yield what is received."""
        headers = {"Accept": "text/event-stream"}
        if cursor is not None:
            headers["Last-Event-ID"] = cursor
        parser = SSEParser()
        async with (
            self._http.open(),
            self._http.stream("/events", {}, headers, silence_s=SILENCE_S) as chunks,
        ):
            yield Received(None)
            async for chunk in chunks:
                for block in parser.blocks(chunk):
                    if block.error:
                        raise ConnectionLost(f"the stream cannot be read: {block.error}")
                    if block.event is None:
                        yield Received(block.id)
                        continue
                    self.counters.payload_received += len(block.event.data.encode())
                    received = Received(block.id, _event(block.event.data))
                    yield received
                    if (ack := receipt(received)) is not None:
                        await self._http.post(ack)
        raise ConnectionLost("the stream ended")

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event and return the answer to it."""
        return await self._http.post(raw)

    async def close(self) -> None:
        """Leave the stream; nothing is sent."""
        await self._http.close()


def _event(data: str) -> Event:
    try:
        return decode_event(data)
    except msgspec.DecodeError as error:
        raise ConnectionLost(f"this is not an event: {error}") from None
