"""The hot write path of the WebSocket server: one event, written to every connection of a room.

An event is framed once, and the same bytes go to each member. Most of a fan-out's cost is one
system call per frame, so whatever a connection is sent during one turn of the event loop (in a
busy room, or an answer beside what everybody receives) leaves together at the end of that turn:
connections are *corked*, a term from TCP_CORK that other servers also use. Nothing waits longer
than that, and there is no task per message or per writer.

A connection whose peer reads too slowly queues its events within the bounds of an `Outbox`.
Beyond them it is closed with 1013, and its client may resume from its cursor.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN
from websockets.typing import Subprotocol

from labserver.chat.events import Envelope
from labserver.chat.outbox import Outbox
from labserver.techniques.transport import websocket_endpoint
from labserver.techniques.transport.interface import Chat
from labserver.techniques.transport.websocket_endpoint import VisitorConnection

FRAMES_MAX = 64  # at 64 KiB each, as much as an outbox may hold
SLOW_CLOSE_TIMEOUT_S = 10.0  # the kernels on the way may hold megabytes ahead of the close frame


class Framer:
    """Frames envelopes, and remembers the last one: a room asks for it once per member."""

    entry: Envelope | None = None
    frame = b""

    def __call__(self, entry: Envelope) -> bytes:
        self.entry = entry
        self.frame = Frame(Opcode.TEXT, entry.json).serialize(mask=False)
        return self.frame


class Corked:
    """The frames that one connection is to be sent in this turn of the loop.

    Args:
        cork: the server's cork.
        write: takes bytes, without waiting.
    """

    __slots__ = ("frames", "put", "write")

    def __init__(self, cork: Cork, write: Callable[[bytes], None]) -> None:
        self.frames: list[bytes] = []
        self.write = write
        self.put = self._make_put(cork)

    def _make_put(self, cork: Cork) -> Callable[[bytes], None]:
        """Make the function that takes a frame.

        It is a closure because it is called for each member of a room.
        """
        frames, append, add = self.frames, self.frames.append, cork.add

        def put(frame: bytes) -> None:
            append(frame)
            if len(frames) == 1:
                add(self)
            elif len(frames) == FRAMES_MAX:
                self.flush()

        return put

    def flush(self) -> None:
        """Write the frames now, because something else is to be written after them."""
        if self.frames:
            frames = b"".join(self.frames)
            self.frames.clear()
            self.write(frames)


class Cork:
    """The connections of one server that have something to write at the end of this turn."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Corked] = []

    def add(self, corked: Corked) -> None:
        """Add a connection that has been given its first frame of this turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(corked)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        frames: list[bytes] = []
        joined = b""
        for corked in waiting:
            if not corked.frames:
                continue  # flushed in the meantime
            if corked.frames != frames:  # all members of a room have the same: join them once
                frames = corked.frames.copy()
                joined = b"".join(frames)
            corked.frames.clear()
            corked.write(joined)


class FanOutConnection(VisitorConnection):
    """A server's connection that can be written to without waiting.

    Frames go straight to the transport, at the end of the loop's turn or before anything that the
    library writes. This is sound because this server sends only whole, unfragmented, uncompressed
    text frames, so a frame written between two of the library's own (a ping, a close) never
    splits a message.
    """

    deliver: Callable[[Envelope], None]

    def prepare(
        self, framer: Framer, cork: Cork, close_slow: Callable[[FanOutConnection], None]
    ) -> None:
        """Make `deliver` usable.

        Args:
            framer: the server's.
            cork: the server's.
            close_slow: called once, when the outbox has overrun.
        """
        self._framer = framer
        self._corked = Corked(cork, self.transport.write)
        self._close_slow = close_slow
        self._outbox: Outbox | None = None  # made when it is needed: few connections are slow
        self._slow = self.paused
        self.deliver = self._make_deliver()

    def _make_deliver(self) -> Callable[[Envelope], None]:
        """Make the function that writes an envelope, or queues it while the peer is slow.

        This is the hot path of every fan-out, hence a closure: looking up a variable of an
        enclosing function costs half as much as an attribute.
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
            self._close_slow(self)

    def send_data(self) -> None:
        """Write what the library has to send, after what was delivered before it."""
        corked = getattr(self, "_corked", None)  # not there yet during the handshake
        if corked:
            corked.flush()
        super().send_data()

    def pause_writing(self) -> None:
        """Called by asyncio when the peer reads more slowly than we write."""
        super().pause_writing()
        self._slow = True

    def resume_writing(self) -> None:
        """Called by asyncio when the peer has read: write what was queued."""
        super().resume_writing()
        outbox = getattr(self, "_outbox", None)  # not there yet during the handshake
        while outbox and not self.paused:
            self.transport.write(self._framer(outbox.take()))
        self._slow = self.paused or bool(outbox) or (outbox is not None and outbox.overrun)


@asynccontextmanager
async def serve(
    chat: Chat,
    listening: socket.socket,
    path: str,
    attend: Callable[[FanOutConnection], Awaitable[None]],
    subprotocol: Subprotocol | None = None,
) -> AsyncIterator[None]:
    """Accept WebSockets whose `deliver` writes without waiting.

    Args:
        chat: who may take part, and in what.
        listening: a bound socket.
        path: the only path that leads to a WebSocket.
        attend: called for each admitted connection, which is closed when it returns.
        subprotocol: spoken with clients that offer it (RFC 6455 §1.9).
    """
    framer, cork = Framer(), Cork()
    async with asyncio.TaskGroup() as closing:

        def close_slow(connection: FanOutConnection) -> None:
            closing.create_task(_close_slow(connection))

        async def prepare_and_attend(connection: FanOutConnection) -> None:
            connection.prepare(framer, cork, close_slow)
            await attend(connection)

        async with websocket_endpoint.serve(
            chat, listening, path, FanOutConnection, prepare_and_attend, subprotocol
        ):
            yield


async def _close_slow(connection: FanOutConnection) -> None:
    connection.close_timeout = SLOW_CLOSE_TIMEOUT_S
    try:
        async with asyncio.timeout(SLOW_CLOSE_TIMEOUT_S):
            await connection.close(CloseCode.TRY_AGAIN_LATER, "you read too slowly; resume")
    except TimeoutError:
        connection.transport.abort()
