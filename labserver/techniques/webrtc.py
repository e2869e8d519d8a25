"""WebRTC: the chat over a data channel, from peer to peer (RFC 8825), with `aiortc`.

    GET /ws/signal?room=   Upgrade; then one text frame per signal

Over the WebSocket, two participants of a room only find each other. Then they talk directly: two
users with each other, or a user with the server, which is the participant named `@hub`:

    → {"type": "offer", "to": "@hub", "data": {"type": "offer", "sdp": …, "after": CURSOR?,
       "hello": true?}}
    ← {"type": "answer", "from": "@hub", "data": {"type": "answer", "sdp": …}}

The offer has one ordered, reliable data channel labelled `chat`. Over it the chat goes on exactly
as with the WebSocket technique, one event per text message. The WebSocket stays open, and is how
each side learns that the other has gone. A data channel cannot say why it closes, so the `bye`
says it, with the close code that a WebSocket would have.

The form of the signals is in transport/signalling.py, one end of a peer connection in
transport/peer.py.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from functools import partial

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from labserver.chat import events
from labserver.chat.events import Event
from labserver.chat.log import Cursor
from labserver.errors import LabError, Refused
from labserver.techniques.transport import signalling, signalling_endpoint, websocket_endpoint
from labserver.techniques.transport.conversation import Conversation, receipt
from labserver.techniques.transport.ice import Candidate, Description
from labserver.techniques.transport.interface import (
    Address,
    Chat,
    ConnectionLost,
    Counters,
    Received,
)
from labserver.techniques.transport.peer import HUNG_UP, CloseReason, Peer
from labserver.techniques.transport.signalling import (
    HUB,
    ByeData,
    ErrorData,
    OfferData,
    Send,
    Signal,
)
from labserver.techniques.transport.websocket_endpoint import CLOSE_TIMEOUT_S, Visitor

BYE_TIMEOUT_S = 0.25  # for the bye (over TCP) that says why the channel (over UDP) has ended


# Server


def serve(chat: Chat, listening: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve the chat over WebRTC, and the signalling for it on a bound socket."""
    return signalling_endpoint.serve(chat, listening, partial(HubPeer, chat))


class HubPeer:
    """The server's end of one user's peer connection; a new offer replaces the connection.

    Args:
        chat: what is served.
        visitor: the user.
        address: the local IP address that the user has reached.
        tasks: the group that its tasks belong to.
        send: sends a signal to the user.
    """

    def __init__(
        self, chat: Chat, visitor: Visitor, address: str, tasks: asyncio.TaskGroup, send: Send
    ) -> None:
        self._hub = chat.hub
        self._visitor = visitor
        self._address = address
        self._tasks = tasks
        self._send = send
        self._peer: Peer | None = None

    async def take(self, signal: Signal) -> None:
        """Do what a signal asks for.

        Raises:
            Refused: `bad_event`, `bad_cursor`, `bad_offer`, `bad_candidate` (400).
        """
        if signal.type == "offer":
            await self._answer(signalling.read(signal, OfferData))
        elif signal.type == "candidate":
            candidate = signalling.read(signal, Candidate)
            if self._peer is not None:
                await self._peer.add(candidate)
        elif signal.type == "bye":
            self.hang_up()
        else:
            raise Refused(400, "bad_event", f"{HUB} makes no offers; send it one.")

    def hang_up(self) -> None:
        """End the peer connection once everything received before has been handled."""
        if self._peer is not None:
            self._peer.end(HUNG_UP)
            self._peer = None

    async def _answer(self, offer: OfferData) -> None:
        after = None if offer.after is None else Cursor.parse(str(offer.after))
        self.hang_up()
        peer = Peer(self._address)
        try:
            answer = await peer.answer(Description("offer", offer.sdp))
        except BaseException:
            await peer.close()
            raise
        self._peer = peer
        self._tasks.create_task(self._serve(peer, after, offer.hello))
        self._send(signalling.encode("answer", answer, sender=HUB))

    async def _serve(self, peer: Peer, after: Cursor | None, hello: bool) -> None:
        """Serve one peer connection until it ends."""
        try:
            await peer.opened()
            await self._converse(peer, after, hello)
        except ConnectionLost:
            pass
        except Refused as refused:
            self._send(events.error(refused).json)
            peer.end(CloseReason(refused.message, CloseCode.POLICY_VIOLATION))
        finally:
            why = peer.ended
            if why is not None and why is not HUNG_UP:
                bye = ByeData(why.reason, why.code)
                self._send(signalling.encode("bye", bye, sender=HUB))
            await peer.close()

    async def _converse(self, peer: Peer, after: Cursor | None, hello: bool) -> None:
        """Catch up, then go live, and do what the client says."""
        hub, user, room = self._hub, self._visitor.user, self._visitor.room
        async with hub.visit(user, room, peer.deliver, after) as member:
            if hello:
                peer.deliver(events.hello(str(member.cursor)))
            while peer.ended is None and (page := hub.catch_up(member)):
                for entry in page:
                    peer.deliver(entry)
                    if peer.is_full:
                        await peer.drained()
            while (message := await peer.receive()) is not None:
                try:
                    answer = await hub.receive(user, room, message)
                except Refused as refused:
                    answer = events.error(refused, events.client_event_id(message))
                if answer is not None:
                    peer.deliver(answer)


# Client


def connector(address: Address) -> WebRTCConnector:
    """Return what connects a client to the hub of a WebRTC server."""
    return WebRTCConnector(address)


class WebRTCConnector:
    """Keeps one peer connection to `@hub` at a time, and the WebSocket for its signals."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._signals: ClientConnection | None = None
        self._peer: Peer | None = None
        self._conversation: Conversation | None = None
        self.counters = Counters()

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Connect, and yield what is received."""
        self.counters.requests += 1
        signals = await websocket_endpoint.connect(
            self._address, signalling_endpoint.PATH, {"room": self._address.room}
        )
        peer = Peer(signals.local_address[0])
        conversation = Conversation(self.counters, cursor)
        self._signals, self._peer, self._conversation = signals, peer, conversation
        try:
            async with asyncio.TaskGroup() as tasks:
                following = tasks.create_task(_follow(signals, peer))
                try:
                    await signals.send(await _offer(peer, cursor), text=True)
                    await peer.opened()
                    while (message := await peer.receive()) is not None:
                        received = conversation.receive(message)
                        if received is not None:
                            yield received
                            if (ack := receipt(received)) is not None:
                                await peer.send(ack)
                except (ConnectionLost, ConnectionClosed):
                    pass  # the bye says why
                except GeneratorExit:
                    following.cancel()
                    return  # raised out of the group, it would become another error
                await asyncio.wait([following], timeout=BYE_TIMEOUT_S)
                following.cancel()
            if following.cancelled():
                why = peer.ended or HUNG_UP
                raise ConnectionLost(why.reason, why.code)
            raise following.result()
        finally:
            self._signals = self._peer = self._conversation = None
            signals.transport.abort()
            conversation.end()
            await peer.close()

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event; if it has an id, return the answer to it."""
        if self._conversation is None or self._peer is None:
            raise ConnectionLost("not connected")
        return await self._conversation.send(raw, message_id, self._peer.send)

    async def close(self) -> None:
        """Close the channel, and then the WebSocket with 1000."""
        signals, peer = self._signals, self._peer
        if signals is not None and peer is not None:
            await peer.hang_up(CLOSE_TIMEOUT_S)
            await signals.close()


async def _offer(peer: Peer, cursor: str | None) -> bytes:
    description = await peer.offer()
    offer = OfferData(description.sdp, after=cursor, hello=True)
    return signalling.encode("offer", offer, to=HUB)


async def _follow(signals: ClientConnection, peer: Peer) -> LabError:
    """Do what the hub's signals say until the connection ends, by one of them or without one.

    Returns:
        Why it has ended.
    """
    try:
        async for message in signals:
            signal = signalling.decode(message)
            if signal.type == "ERROR":
                error = signalling.read(signal, ErrorData)
                peer.end(CloseReason(error.message))
                if error.code.startswith("bad_"):
                    return Refused(400, error.code, error.message)
                return ConnectionLost(error.message)
            if signal.sender != HUB:
                continue  # others may call, but this client only talks to the hub
            if signal.type == "answer":
                await peer.accept(signalling.read(signal, Description))
            elif signal.type == "bye":
                bye = signalling.read(signal, ByeData)
                peer.end(CloseReason(bye.reason, bye.code))
                return ConnectionLost(bye.reason, bye.code)
    except ConnectionClosed:
        pass
    except (LabError, msgspec.DecodeError) as error:
        peer.end(CloseReason(str(error)))
        return ConnectionLost(str(error))
    why = CloseReason(*websocket_endpoint.why_closed(signals))
    peer.end(why)
    return ConnectionLost(why.reason, why.code)
