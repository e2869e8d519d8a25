"""WebSocket: one connection, both ways (RFC 6455), with the `websockets` library.

    GET /ws/chat?room=&after=   Upgrade; then one text frame per event

The handshake is in transport/websocket_endpoint.py. How one event is written to a room of a
thousand, and what happens to a client that reads too slowly, is in transport/fan_out.py.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from functools import partial

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from labserver.chat import events
from labserver.chat.events import Event
from labserver.errors import Refused
from labserver.techniques.transport import fan_out, websocket_endpoint
from labserver.techniques.transport.conversation import Conversation, receipt
from labserver.techniques.transport.fan_out import FanOutConnection
from labserver.techniques.transport.interface import (
    Address,
    Chat,
    ConnectionLost,
    Counters,
    Received,
)

PATH = "/ws/chat"
SUBPROTOCOL = Subprotocol("chat.v1")


# Server


def serve(chat: Chat, listening: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve the chat over WebSocket on a bound socket."""
    return fan_out.serve(chat, listening, PATH, partial(_attend, chat), SUBPROTOCOL)


async def _attend(chat: Chat, connection: FanOutConnection) -> None:
    """Serve one connection: catch up, then go live, and do what the client says."""
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
                    answer = events.error(refused, events.client_event_id(message))
                if answer is not None:
                    connection.deliver(answer)
        except ConnectionClosed:
            pass


# Client


def connector(address: Address) -> WebSocketConnector:
    """Return what connects a client to a WebSocket server."""
    return WebSocketConnector(address)


class WebSocketConnector:
    """Keeps one WebSocket at a time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: ClientConnection | None = None
        self._conversation: Conversation | None = None
        self.counters = Counters()

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Connect, and yield what is received."""
        query = {"room": self._address.room, "hello": "1"}
        if cursor is not None:
            query["after"] = cursor
        self.counters.requests += 1
        connection = await websocket_endpoint.connect(self._address, PATH, query)
        conversation = Conversation(self.counters, cursor)
        self._connection, self._conversation = connection, conversation
        try:
            async for message in connection:
                received = conversation.receive(message)
                if received is not None:
                    yield received
                    if (ack := receipt(received)) is not None:
                        await connection.send(ack, text=True)
            raise ConnectionLost(*websocket_endpoint.why_closed(connection))
        except ConnectionClosed:
            raise ConnectionLost(*websocket_endpoint.why_closed(connection)) from None
        finally:
            self._connection = self._conversation = None
            connection.transport.abort()
            conversation.end()

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event; if it has an id, return the answer to it."""
        if self._conversation is None:
            raise ConnectionLost("not connected")
        return await self._conversation.send(raw, message_id, self._send)

    async def close(self) -> None:
        """Close the connection with 1000."""
        if self._connection is not None:
            await self._connection.close()

    async def _send(self, raw: bytes) -> None:
        assert self._connection is not None
        try:
            await self._connection.send(raw, text=True)
        except ConnectionClosed:
            raise ConnectionLost("the connection closed while sending") from None
