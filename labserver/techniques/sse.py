"""Server-sent events: one response that never ends (WHATWG HTML §9.2), over HTTP/1.1 or HTTP/2.

    GET /events?room=            text/event-stream: id: the cursor, event: the type, data: the event
    GET /notifications/stream    the user's own direct messages, as event: NOTIFICATION
    POST /messages?room=         one event; 202 with its answer

The browser reconnects by itself and sends the id it saw last as `Last-Event-ID`; our ids are
cursors, so that the log can go on from there. The stream begins with an id and no data: that
sets the last event id without being an event (§9.2.6), and who is cut off before the first
event resumes as well.

Server: Starlette and sse-starlette, on uvicorn, or for HTTP/2 on Hypercorn. Client: httpx2
and our own parser.
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
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from labserver.chat.events import EVENT_MAX, Envelope, Event, decode_event
from labserver.chat.hub import Member, inbox
from labserver.chat.log import Cursor
from labserver.chat.outbox import Outbox
from labserver.errors import Refused
from labserver.techniques.transport.conversation import receipt
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Address, Answer, Chat, ConnectionLost, Received
from labserver.techniques.transport.request import (
    DELIVERED,
    HEALTHY,
    JSON,
    NOT_FOUND,
    Request,
    refusal,
    too_large,
)
from labserver.wire.sse import SSEParser

RETRY_MS = 1000  # how long a browser waits before it reconnects
PING_S = 15  # WHATWG HTML §9.2.7: old proxies drop what is silent for longer
SILENCE_S = 3 * PING_S  # without even a comment: the connection is lost
END_TIMEOUT_S = 0.2  # for streams to end by themselves; a stalled one is cut off then

log = logging.getLogger("labserver.sse")
logging.getLogger("sse_starlette.sse").setLevel(logging.CRITICAL)  # a peer that goes is no news


# Server


class Framer:
    """Envelopes as stream blocks; it remembers the last one, as a room asks for it in turn.

    Args:
        event: the name that every event has; empty: its own type.
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
                entry.json,  # JSON has no line end of its own: they are escaped in it
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
        streams: those that are open; it is among them while it is.
        chat: what is served.
        user, room, after: who reads, where, and from which cursor on.
        framer: makes blocks of envelopes.
        headers: of the response.
    """

    def __init__(
        self,
        streams: set[Stream],
        chat: Chat,
        user: str,
        room: str,
        after: Cursor | None,
        framer: Framer,
        headers: dict[str, str],
    ) -> None:
        self._streams = streams
        self._chat = chat
        self._user, self._room, self._after = user, room, after
        self._framer = framer
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
        """End the response, politely: no more blocks, and then its last chunk."""
        self._ending = True
        self._woken.set()

    def _deliver(self, entry: Envelope) -> None:
        if self._outbox.put(entry):
            self._woken.set()
        else:
            self.scope.cancel()  # it reads too slowly: it may come back, and resume

    async def _blocks(self, member: Member) -> AsyncIterator[bytes]:
        start = member.cursor
        page = self._chat.hub.catch_up(member)
        begins = f"retry: {RETRY_MS}\n"
        if not (page and page[0].event.type == "RESET"):
            # Else the reader's cursor must not move before it has heard the RESET.
            begins += f"id: {start}\n"
        yield begins.encode() + b"\n"
        while page:
            yield self._framed(page, member)
            page = self._chat.hub.catch_up(member)
        while not self._ending:
            await self._woken.wait()
            self._woken.clear()
            if waiting := self._outbox.take_all():
                yield self._framed(waiting, member)

    def _framed(self, entries: list[Envelope], member: Member) -> bytes:
        return b"".join([self._framer(entry, member.log.epoch) for entry in entries])


class _Endpoints:
    """The server's endpoints over one conversation."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.streams: set[Stream] = set()
        self._ending = False
        self._events = Framer()
        self._notifications = Framer("NOTIFICATION")

    async def read(self, request: starlette.requests.Request) -> Response | Stream:
        """GET /events."""
        asked = _asked(request)
        return self._stream(asked, asked.user(self.chat), asked.room, self._events)

    async def notifications(self, request: starlette.requests.Request) -> Response | Stream:
        """GET /notifications/stream."""
        asked = _asked(request)
        user = asked.user(self.chat)
        return self._stream(asked, user, inbox(user), self._notifications)

    async def speak(self, request: starlette.requests.Request) -> Response:
        """POST /messages."""
        asked = _asked(request)
        user, room = asked.user(self.chat), asked.room
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > EVENT_MAX:
                raise too_large()
        answer = await self.chat.hub.receive(user, room, body) or DELIVERED
        return _response(Answer(202, answer.json, {**asked.cors(), "Content-Type": JSON}))

    async def ticket(self, request: starlette.requests.Request) -> Response:
        """POST /tickets."""
        return _response(_asked(request).ticket(self.chat))

    async def preflight(self, request: starlette.requests.Request) -> Response:
        """OPTIONS, of anything."""
        return _response(_asked(request).preflight(self.chat))

    async def health(self, request: starlette.requests.Request) -> Response:
        """GET /healthz."""
        return _response(HEALTHY)

    async def end(self) -> None:
        """End all streams, by themselves where they can."""
        self._ending = True
        for stream in self.streams:
            stream.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_S):
                await asyncio.gather(*(stream.ended.wait() for stream in self.streams))
        for stream in tuple(self.streams):
            stream.scope.cancel()

    def _stream(self, asked: Request, user: str, room: str, framer: Framer) -> Stream:
        stream = Stream(self.streams, self.chat, user, room, asked.after, framer, asked.cors())
        if self._ending:  # a browser takes the end of another for its turn; at a 503 it gives up
            stream.end()
        return stream


def _app(endpoints: _Endpoints) -> Starlette:
    return Starlette(
        routes=[
            Route("/events", endpoints.read, methods=["GET"]),
            Route("/notifications/stream", endpoints.notifications, methods=["GET"]),
            Route("/messages", endpoints.speak, methods=["POST"]),
            Route("/tickets", endpoints.ticket, methods=["POST"]),
            Route("/healthz", endpoints.health, methods=["GET"]),
            Route("/{path:path}", endpoints.preflight, methods=["OPTIONS"]),
        ],
        exception_handlers={Refused: _refused, HTTPException: _http_error},
    )


def _asked(request: starlette.requests.Request) -> Request:
    url = request.url
    return Request(f"{url.path}?{url.query}", request.headers.get)


async def _refused(request: starlette.requests.Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    try:
        return _response(refusal(error, _asked(request)))
    except Refused:  # the query itself cannot be read
        return _response(refusal(error))


async def _http_error(request: starlette.requests.Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = error.headers or {}
    if error.status_code == 405 and headers.get("Allow") != "OPTIONS":  # that is the last route
        refused = Refused(405, "bad_method", "Use another method.", headers=headers)
    else:
        refused = NOT_FOUND
    return _response(refusal(refused))


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(answer.body, answer.status, headers | answer.headers)


@asynccontextmanager
async def serve(chat: Chat, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the chat over server-sent events on a bound socket.

    On leaving, the streams end first, by themselves; then the server below has nothing to
    wait for.
    """
    if chat.http2:
        from labserver.techniques.transport.asgi_http2 import (
            serve as run,  # which `load` has imported
        )
    else:
        from labserver.techniques.transport.asgi_http1 import serve as run
    endpoints = _Endpoints(chat)
    async with run(_app(endpoints), listening, chat.tls):
        try:
            yield
        finally:
            await endpoints.end()


# Client


def wire(address: Address) -> SSEWire:
    """A client's way to an SSE server."""
    return SSEWire(address)


class SSEWire:
    """Reads one stream at a time, and speaks by POST."""

    def __init__(self, address: Address) -> None:
        self._http = HttpConnection(address)
        self.counters = self._http.counters

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Open the stream, and yield what is heard."""
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
                    heard = Received(block.id, _event(block.event.data))
                    yield heard
                    if (ack := receipt(heard)) is not None:
                        await self._http.post(ack)
        raise ConnectionLost("the stream ended")

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event and return its answer."""
        return await self._http.post(raw)

    async def close(self) -> None:
        """Leave the stream; there is no good-bye."""
        await self._http.close()


def _event(data: str) -> Event:
    try:
        return decode_event(data)
    except msgspec.DecodeError as error:
        raise ConnectionLost(f"no event: {error}") from None
