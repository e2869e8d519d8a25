"""WebSocket: one connection, both ways (RFC 6455), with the `websockets` library.

    GET /ws/chat?room=&after=   Upgrade; then one text frame an event

Server: an event is framed once and the same bytes are written to each connection of the
room. A connection whose peer reads too slowly queues, in bounds; past them it is closed
with 1013 and may resume. There is no task for each message and none for each writer.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlencode

import websockets.asyncio.client
import websockets.asyncio.server
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from labserver.chat import events
from labserver.chat.events import EVENT_MAX, Envelope, Event, decode_event
from labserver.chat.log import Cursor
from labserver.chat.outbox import Outbox
from labserver.errors import Refused
from labserver.techniques.interface import (
    Address,
    Answer,
    Chat,
    ConnectionLost,
    Counters,
    Heard,
)
from labserver.techniques.request import HEALTHY, NOT_FOUND, Request, refusal, refused_by

SUBPROTOCOL = Subprotocol("chat.v1")
PING_INTERVAL_S = 20.0  # under the 60 s after which proxies and load balancers drop an idle one
CLOSE_TIMEOUT_S = 0.7  # for the peer's close frame; a server must stop within a second
BACKLOG = 1024  # handshakes that may wait at once, as after an outage

log = logging.getLogger("labserver.websocket")
log.setLevel(logging.CRITICAL)  # a peer that goes away is no news


# Server


class Framer:
    """Frames an envelope, and remembers the last one: a room asks for it once a member."""

    def __init__(self) -> None:
        self._last: Envelope | None = None
        self._frame = b""

    def __call__(self, entry: Envelope) -> bytes:
        if entry is not self._last:
            self._last = entry
            self._frame = Frame(Opcode.TEXT, entry.json).serialize(mask=False)
        return self._frame


class ChatConnection(ServerConnection):
    """A connection that can be written to without waiting.

    Frames go straight to the transport. That is sound because this server sends whole,
    unfragmented, uncompressed text frames only, so a frame written between two others of
    the library (a ping, a close) never splits one.
    """

    request_read: Request
    user: str
    room: str
    after: Cursor | None

    def prepare(self, framer: Framer, let_go: Callable[[ChatConnection], None]) -> None:
        """Say how envelopes are framed, and who closes a connection that is too slow."""
        self._framer = framer
        self._let_go = let_go
        self.outbox = Outbox()

    def deliver(self, entry: Envelope) -> None:
        """Write `entry`, or queue it while the peer is slow."""
        if self.protocol.state is not State.OPEN:
            return
        if not self.paused and not self.outbox:
            self.transport.write(self._framer(entry))
        elif not self.outbox.overrun and not self.outbox.put(entry):
            self._let_go(self)

    def resume_writing(self) -> None:
        """The peer has read: write what has queued up."""
        super().resume_writing()
        while self.outbox and not self.paused:
            self.transport.write(self._framer(self.outbox.take()))


@asynccontextmanager
async def serve(chat: Chat, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the chat over WebSocket on a bound socket."""
    framer = Framer()

    def admit(connection: ServerConnection, handshake: HandshakeRequest) -> Response | None:
        return _admit(chat, connection, handshake)

    async with asyncio.TaskGroup() as closing:

        def let_go(connection: ChatConnection) -> None:
            closing.create_task(
                connection.close(CloseCode.TRY_AGAIN_LATER, "you read too slowly; resume")
            )

        async def converse(connection: ServerConnection) -> None:
            assert isinstance(connection, ChatConnection)
            connection.prepare(framer, let_go)
            await _converse(chat, connection)

        async with websockets.asyncio.server.serve(
            converse,
            sock=listening,
            backlog=BACKLOG,
            create_connection=ChatConnection,
            process_request=admit,
            select_subprotocol=_select_subprotocol,
            compression=None,
            max_size=EVENT_MAX,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_INTERVAL_S,
            close_timeout=CLOSE_TIMEOUT_S,
            logger=log,
        ):
            yield


def _admit(
    chat: Chat, connection: ServerConnection, handshake: HandshakeRequest
) -> Response | None:
    """Answer the handshake's HTTP request; None where it may go on to the 101."""
    request = None
    try:
        request = Request(handshake.path, handshake.headers.get)
        if handshake.method == "OPTIONS":
            return _response(request.preflight(chat))
        if (handshake.method, request.path) == ("POST", "/tickets"):
            return _response(request.ticket(chat))
        if request.path == "/healthz":
            return _response(HEALTHY)
        if request.path != "/ws/chat":
            raise NOT_FOUND
        assert isinstance(connection, ChatConnection)
        connection.request_read = request
        connection.user = request.user(chat)
        connection.room = request.room
        connection.after = request.after
    except Refused as refused:
        return _response(refusal(refused, request))
    return None


def _response(answer: Answer) -> Response:
    headers = Headers(answer.headers)
    headers["Content-Length"] = str(len(answer.body))
    headers["Connection"] = "close"
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, answer.body)


def _select_subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


async def _converse(chat: Chat, connection: ChatConnection) -> None:
    """One connection: catch up, then go live, and do what the client says."""
    hub, user, room = chat.hub, connection.user, connection.room
    async with hub.visit(user, room, connection.deliver, connection.after) as member:
        if connection.request_read.hello:
            connection.deliver(events.hello(str(member.cursor)))
        while page := hub.catch_up(member):
            for entry in page:
                connection.deliver(entry)
                if connection.paused:
                    await connection.drain()
        try:
            async for message in connection:
                if isinstance(message, bytes):
                    await connection.close(CloseCode.UNSUPPORTED_DATA, "send text frames")
                    return
                try:
                    answer = await hub.receive(user, room, message)
                except Refused as refused:
                    answer = events.error(refused, events.said_id(message))
                if answer is not None:
                    connection.deliver(answer)
        except ConnectionClosed:
            pass


# Client


def wire(address: Address) -> WebSocketWire:
    """A client's way to a WebSocket server."""
    return WebSocketWire(address)


class WebSocketWire:
    """One WebSocket at a time; answers are matched to what was sent by their order and id."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: websockets.asyncio.client.ClientConnection | None = None
        self._answers: dict[str, asyncio.Future[Event]] = {}
        self.counters = Counters()

    async def listen(self, cursor: str | None) -> AsyncGenerator[Heard, None]:
        """Connect, and yield what is heard."""
        query = {"room": self._address.room, "hello": "1"}
        if cursor is not None:
            query["after"] = cursor
        self.counters.requests += 1
        try:
            self._connection = await _connect(self._address, query)
        except InvalidStatus as error:
            raise _refused(error) from None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise ConnectionLost(f"no connection: {error}") from error
        try:
            epoch = ""
            async for message in self._connection:
                event = decode_event(message)
                self.counters.payload_received += len(message)
                if event.type == "HELLO":
                    epoch = str(event.data["cursor"]).partition("-")[0]
                    # When resuming, our own cursor is the true one until a RESET has been heard.
                    yield Heard(event.data["cursor"] if cursor is None else None)
                elif event.type == "RESET":
                    yield Heard(f"{event.data['epoch']}-{event.data['newest']}", event)
                elif not self._take_answer(event):
                    yield Heard(f"{epoch}-{event.offset}" if event.offset else None, event)
                    if event.offset and "recipientId" in event.data:
                        await self._acknowledge(event.offset)
            raise ConnectionLost(*_reason(self._connection))
        except ConnectionClosed:
            raise ConnectionLost(*_reason(self._connection)) from None
        finally:
            self._connection.transport.abort()
            self._connection = None
            self._give_up_answers()

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event; where it has an id, return its answer."""
        if self._connection is None:
            raise ConnectionLost("not connected")
        answer = None
        if message_id is not None:
            answer = self._answers[message_id] = asyncio.get_running_loop().create_future()
        try:
            await self._connection.send(raw, text=True)
            self.counters.sent += 1
            self.counters.payload_sent += len(raw)
            return None if answer is None else await answer
        except ConnectionClosed:
            raise ConnectionLost("the connection closed while sending") from None
        finally:
            self._answers.pop(message_id or "", None)

    async def close(self) -> None:
        """Close with 1000."""
        if self._connection is not None:
            await self._connection.close()

    async def _acknowledge(self, offset: int) -> None:
        assert self._connection is not None
        receipt = events.envelope(Event("ACK", {"offset": offset}))
        await self._connection.send(receipt.json, text=True)

    def _take_answer(self, event: Event) -> bool:
        if event.type not in ("ACK", "ERROR"):
            return False
        answer = self._answers.pop(event.data.get("id", ""), None)
        if answer is None or answer.done():
            return False
        answer.set_result(event)
        return True

    def _give_up_answers(self) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionLost("the connection closed before the answer"))
        self._answers.clear()


async def _connect(
    address: Address, query: dict[str, str]
) -> websockets.asyncio.client.ClientConnection:
    url = f"{address.url.replace('http', 'ws', 1)}/ws/chat?{urlencode(query)}"
    return await websockets.asyncio.client.connect(
        url,
        additional_headers={"Authorization": f"Bearer {address.token}"},
        compression=None,
        proxy=None,
        close_timeout=CLOSE_TIMEOUT_S,
        logger=log,
    )


def _refused(error: InvalidStatus) -> Exception:
    response = error.response
    return refused_by(response.status_code, bytes(response.body))


def _reason(connection: websockets.asyncio.client.ClientConnection) -> tuple[str, int | None]:
    code, reason = connection.close_code, connection.close_reason
    return f"closed with {code} {reason or ''}".rstrip(), code
