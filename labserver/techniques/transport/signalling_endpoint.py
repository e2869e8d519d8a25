"""The server of signalling: a WebSocket for each participant, as signalling.py describes it.

It passes signals on between participants. What is addressed to `@hub` goes to the technique's own
end of the connection.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import websockets.asyncio.server
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.protocol import OPEN

from labserver.chat import events
from labserver.chat.rate_limit import RateLimit
from labserver.errors import Refused
from labserver.techniques.transport import signalling, websocket_endpoint
from labserver.techniques.transport.interface import Chat
from labserver.techniques.transport.signalling import HUB, Send, Signal, Switchboard
from labserver.techniques.transport.websocket_endpoint import Visitor, VisitorConnection

PATH = "/ws/signal"
SIGNALS_WAITING_MAX = 1024 * 1024  # bytes that may wait for one connection; an offer has 2 KiB


class HubEnd(Protocol):
    """The server's own end of one participant's signalling."""

    async def take(self, signal: Signal) -> None:
        """Do what a signal asks for.

        Raises:
            Refused: if it cannot.
        """

    def hang_up(self) -> None:
        """End the peer connection once everything received before has been handled."""


# Makes the end for a visitor: the local IP address the visitor has reached, the task group that
# the end's tasks belong to, and what sends a signal to the visitor.
MakeHubEnd = Callable[[Visitor, str, asyncio.TaskGroup, Send], HubEnd]


@asynccontextmanager
async def serve(
    chat: Chat, listening: socket.socket, make_hub_end: MakeHubEnd
) -> AsyncIterator[None]:
    """Accept participants on a bound socket.

    Args:
        chat: who may take part.
        listening: the socket.
        make_hub_end: called for each participant.
    """
    switchboard = Switchboard()
    rate = RateLimit(chat.hub.clock)

    async with asyncio.TaskGroup() as closing:

        async def attend(connection: VisitorConnection) -> None:
            def send(signal: bytes) -> None:
                if connection.protocol.state is not OPEN:
                    return
                if connection.transport.get_write_buffer_size() <= SIGNALS_WAITING_MAX:
                    websockets.asyncio.server.broadcast([connection], signal, text=True)
                else:
                    closing.create_task(
                        connection.close(CloseCode.TRY_AGAIN_LATER, "you read too slowly")
                    )

            await _attend(switchboard, rate, connection, send, make_hub_end)

        async with websocket_endpoint.serve(chat, listening, PATH, VisitorConnection, attend):
            yield


async def _attend(
    switchboard: Switchboard,
    rate: RateLimit,
    connection: VisitorConnection,
    send: Send,
    make_hub_end: MakeHubEnd,
) -> None:
    """Handle one participant's signals: to other participants, and to `@hub`."""
    visitor = connection.visitor
    participant = switchboard.join(visitor.user, visitor.room, send)
    try:
        async with asyncio.TaskGroup() as tasks:
            hub_end = make_hub_end(visitor, connection.local_address[0], tasks, send)
            try:
                async for message in connection:
                    if isinstance(message, bytes):
                        await connection.close(CloseCode.UNSUPPORTED_DATA, "send text frames")
                        break
                    try:
                        rate.spend(visitor.user)
                        signal = signalling.decode_client_signal(message)
                        if signal.to == HUB:
                            await hub_end.take(signal)
                        else:
                            switchboard.relay(participant, signal)
                    except Refused as refused:
                        send(events.error(refused).json)
            except ConnectionClosed:
                pass
            hub_end.hang_up()
    finally:
        switchboard.leave(participant)
