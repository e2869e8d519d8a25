"""WebSocket: one connection, both ways (RFC 6455), with the `websockets` library.

    GET /ws/chat?room=&after=   Upgrade; then one text frame an event

Server: an event is framed once and the same bytes are written to each connection of the
room, together with what else it hears in the same turn of the loop. A connection whose peer
reads too slowly queues, in bounds; past them it is closed with 1013 and may resume. There is
no task for each message and none for each writer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN
from websockets.typing import Subprotocol

from labserver.chat import events
from labserver.chat.events import Envelope, Event
from labserver.chat.outbox import Outbox
from labserver.errors import Refused
from labserver.techniques.transport import websocket_endpoint
from labserver.techniques.transport.conversation import Conversation, receipt
from labserver.techniques.transport.cork import Cork, Corked
from labserver.techniques.transport.interface import (
    Address,
    Chat,
    ConnectionLost,
    Counters,
    Received,
)
from labserver.techniques.transport.websocket_endpoint import VisitorConnection

SUBPROTOCOL = Subprotocol("chat.v1")
SLOW_CLOSE_TIMEOUT_S = 10.0  # the kernels between may hold megabytes, and the close comes last


# Server


class Framer:
    """The frame of the envelope that was sent last: a room asks for it once a member."""

    entry: Envelope | None = None
    frame = b""

    def __call__(self, entry: Envelope) -> bytes:
        self.entry = entry
        self.frame = Frame(Opcode.TEXT, entry.json).serialize(mask=False)
        return self.frame


class ChatConnection(VisitorConnection):
    """A connection that can be written to without waiting.

    Frames go straight to the transport, at the end of the loop's turn or before something of the
    library's. That is sound because this server sends whole, unfragmented, uncompressed text
    frames only, so a frame written between two others of the library (a ping, a close) never
    splits one.
    """

    deliver: Callable[[Envelope], None]

    def prepare(self, framer: Framer, cork: Cork, let_go: Callable[[ChatConnection], None]) -> None:
        """Say how envelopes are framed and written, and who closes what is too slow."""
        self._framer = framer
        self._corked = Corked(cork, self.transport.write)
        self._let_go = let_go
        self._outbox: Outbox | None = None  # made for the slow: most connections never need one
        self._slow = self.paused
        self.deliver = self._delivery()

    def _delivery(self) -> Callable[[Envelope], None]:
        """What writes an envelope, or queues it while the peer is slow.

        It is the hot path of every fan-out, hence a closure: a name costs half an attribute.
        """
        framer, protocol, put = self._framer, self.protocol, self._corked.put

        def deliver(entry: Envelope) -> None:
            if protocol.state is not OPEN:
                return
            if self._slow:
                self._queue(entry)
                return
            put(framer.frame if framer.entry is entry else framer(entry))

        return deliver

    def _queue(self, entry: Envelope) -> None:
        if self._outbox is None:
            self._outbox = Outbox()
        if not self._outbox.overrun and not self._outbox.put(entry):
            self._let_go(self)

    def send_data(self) -> None:
        """Write what the library has to say, behind what was delivered before it."""
        corked = getattr(self, "_corked", None)  # none yet, during the handshake
        if corked:
            corked.flush()
        super().send_data()

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        super().pause_writing()
        self._slow = True

    def resume_writing(self) -> None:
        """The peer has read: write what has queued up."""
        super().resume_writing()
        outbox = getattr(self, "_outbox", None)  # none yet, during the handshake
        while outbox and not self.paused:
            self.transport.write(self._framer(outbox.take()))
        self._slow = self.paused or bool(outbox) or (outbox is not None and outbox.overrun)


@asynccontextmanager
async def serve(chat: Chat, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the chat over WebSocket on a bound socket."""
    framer, cork = Framer(), Cork()
    async with asyncio.TaskGroup() as closing:

        def let_go(connection: ChatConnection) -> None:
            closing.create_task(_let_go(connection))

        async def attend(connection: ChatConnection) -> None:
            connection.prepare(framer, cork, let_go)
            await _converse(chat, connection)

        async with websocket_endpoint.serve(
            chat, listening, "/ws/chat", ChatConnection, attend, SUBPROTOCOL
        ):
            yield


async def _let_go(connection: ChatConnection) -> None:
    connection.close_timeout = SLOW_CLOSE_TIMEOUT_S
    try:
        async with asyncio.timeout(SLOW_CLOSE_TIMEOUT_S):
            await connection.close(CloseCode.TRY_AGAIN_LATER, "you read too slowly; resume")
    except TimeoutError:
        connection.transport.abort()


async def _converse(chat: Chat, connection: ChatConnection) -> None:
    """One connection: catch up, then go live, and do what the client says."""
    hub, visitor = chat.hub, connection.visitor
    user, room = visitor.user, visitor.room
    async with hub.visit(user, room, connection.deliver, visitor.after) as member:
        if visitor.hello:
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
    """One WebSocket at a time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: ClientConnection | None = None
        self._conversation: Conversation | None = None
        self.counters = Counters()

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Connect, and yield what is heard."""
        query = {"room": self._address.room, "hello": "1"}
        if cursor is not None:
            query["after"] = cursor
        self.counters.requests += 1
        connection = await websocket_endpoint.connect(self._address, "/ws/chat", query)
        conversation = Conversation(self.counters, cursor)
        self._connection, self._conversation = connection, conversation
        try:
            async for message in connection:
                heard = conversation.hear(message)
                if heard is not None:
                    yield heard
                    if (ack := receipt(heard)) is not None:
                        await connection.send(ack, text=True)
            raise ConnectionLost(*websocket_endpoint.why_closed(connection))
        except ConnectionClosed:
            raise ConnectionLost(*websocket_endpoint.why_closed(connection)) from None
        finally:
            self._connection = self._conversation = None
            connection.transport.abort()
            conversation.end()

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event; where it has an id, return its answer."""
        if self._conversation is None:
            raise ConnectionLost("not connected")
        return await self._conversation.say(raw, message_id, self._send)

    async def close(self) -> None:
        """Close with 1000."""
        if self._connection is not None:
            await self._connection.close()

    async def _send(self, raw: bytes) -> None:
        assert self._connection is not None
        try:
            await self._connection.send(raw, text=True)
        except ConnectionClosed:
            raise ConnectionLost("the connection closed while sending") from None
