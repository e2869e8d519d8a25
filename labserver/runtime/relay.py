"""The relay between client and server: it records every byte and plays a link.

Over a perfect link, each piece is written on in the same call in which it was read. Over any other
link, the link says when a piece arrives, and a timer writes it on then. What is under way is
bounded: if a sender is faster than its link, the relay stops reading from it until some of it has
arrived, as with real TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from labserver.network.link import Link, OneWayPath
from labserver.network.middlebox import Middlebox
from labserver.wire.tape import Direction, Piece, PieceKind, Tape

UNDER_WAY_MAX = 1024 * 1024  # bytes; a transatlantic gigabit path holds about ten times as much
NOTICE_S = 0.01  # until a connection just accepted is set up, and until its end is noticed
LOOPBACK = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class Relay:
    """What stands between a listening socket and a server on this machine; see `relay`.

    Args:
        link: the network to play.
        tape: what every piece is recorded on.
        port: the server's port; it may also be set later, before a client connects.
        tasks: owns the tasks that connect to the server.
    """

    def __init__(self, link: Link, tape: Tape, port: int, tasks: asyncio.TaskGroup) -> None:
        self.link = link
        self.tape = tape
        self.frozen = False
        self.began_ns = time.monotonic_ns()
        tape.began_ns = time.time_ns()
        self.port = port
        self._tasks = tasks
        self._number = 0
        self._rng = random.Random(link.seed)
        self._waiting: deque[RelayedConnection] = deque()
        self.connections: dict[int, RelayedConnection] = {}
        self.quiet = asyncio.Event()  # set while there is no connection
        self.quiet.set()

    def accept(self) -> ClientSide:
        """Return the protocol for a new connection."""
        self._number += 1
        return RelayedConnection(self, self._number, self.link, self._rng).client

    def begin(self, connection: RelayedConnection) -> None:
        """Connect a new connection to the server, or let it wait for its turn."""
        self.connections[connection.number] = connection
        self.quiet.clear()
        most = self.link.connections_max
        if most is not None and len(self.connections) - len(self._waiting) > most:
            self._waiting.append(connection)
        else:
            self._tasks.create_task(connection.connect(self.port))

    def forget(self, connection: RelayedConnection) -> None:
        """Drop a connection that has ended; it is then the turn of the next one that waits."""
        if self.connections.pop(connection.number, None) is None:
            return
        if not self.connections:
            self.quiet.set()
        with contextlib.suppress(ValueError):
            self._waiting.remove(connection)
            return
        if self._waiting:
            self._tasks.create_task(self._waiting.popleft().connect(self.port))

    def write_down(
        self,
        number: int,
        direction: Direction,
        kind: PieceKind,
        data: bytes = b"",
        arrives_in: float = 0.0,
    ) -> None:
        """Record on the tape what happens now.

        Args:
            number: the connection's number.
            direction: which way it goes.
            kind: what happens.
            data: the bytes, if there are any.
            arrives_in: seconds until it arrives; negative if it never does.
        """
        now = time.monotonic_ns() - self.began_ns
        arrives = -1 if arrives_in < 0 else now + round(arrives_in * 1e9)
        self.tape.add(Piece(now, arrives, number, direction, kind, data, len(data)))

    def cut(self) -> None:
        """Cut every connection, as if a cable were pulled and both sides noticed at once."""
        for connection in tuple(self.connections.values()):
            connection.abort()

    def freeze(self) -> None:
        """Let nothing pass from now on and tell nobody: the connections are half-open."""
        self.frozen = True

    def thaw(self) -> None:
        """Let everything pass that was held up."""
        self.frozen = False
        for connection in tuple(self.connections.values()):
            connection.client.release()
            connection.server.release()


class RelayedConnection:
    """A client's connection, and the one to the server that goes with it."""

    def __init__(self, relay: Relay, number: int, link: Link, rng: random.Random) -> None:
        self.relay = relay
        self.number = number
        self.middlebox = Middlebox(link)
        self.client = ClientSide(self, Direction.UP, OneWayPath(link, rng))
        self.server = Side(self, Direction.DOWN, OneWayPath(link, rng))
        self.client.other, self.server.other = self.server, self.client
        self.end_timer: asyncio.TimerHandle | None = None
        self.allowance = link.cut_after  # bytes that the server may still send; None: any
        self.connecting = False
        self.sockets = 0  # how many of the two are open

    async def connect(self, port: int) -> None:
        """Connect to the server, then let the client's bytes pass."""
        self.connecting = True
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.server, LOOPBACK, port)
        except OSError:  # there is no server: the client's connection ends
            self.abort()
        finally:
            self.connecting = False
        if self.client.is_open:
            self.client.pace()
        else:
            self.abort()
        self.settle()

    def touch(self) -> None:
        """Start the proxy's idle timeout anew, because something passes."""
        timeout = self.relay.link.idle_timeout_s
        if timeout is not None and self.allowance != 0:
            self.abort_at(asyncio.get_running_loop().time() + timeout)

    def allowed(self, direction: Direction, data: bytes) -> bytes:
        """Return the part of `data` that passes before the link cuts the connection."""
        if self.allowance is None or direction is Direction.UP:
            return data
        passing = data[: self.allowance]
        self.allowance -= len(passing)
        return passing

    def abort_at(self, when: float) -> None:
        """Cut the connection at a time on the loop's clock, and not before."""
        if self.end_timer is not None:
            self.end_timer.cancel()
        self.end_timer = asyncio.get_running_loop().call_at(when, self.abort)

    def abort(self) -> None:
        """Cut the connection."""
        self.relay.write_down(self.number, Direction.DOWN, PieceKind.ABORT)
        for side in (self.client, self.server):
            if side.transport is not None and not side.transport.is_closing():
                # A linger of 0 s makes it an RST; a FIN would look like an orderly end.
                sock = side.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                side.transport.abort()

    def lost(self) -> None:
        """Count one of the two sockets as closed."""
        self.sockets -= 1
        self.settle()

    def settle(self) -> None:
        """End the connection if both sockets are closed."""
        if self.sockets == 0 and not self.connecting:
            if self.end_timer is not None:
                self.end_timer.cancel()
            self.relay.forget(self)


class Side(asyncio.Protocol):
    """One of a connection's two sockets: what is read here is written to the other.

    Args:
        connection: the connection.
        direction: which way the bytes go that are read here.
        path: what they travel on.
    """

    other: Side

    def __init__(
        self, connection: RelayedConnection, direction: Direction, path: OneWayPath
    ) -> None:
        self.transport: asyncio.Transport | None = None
        self.connection = connection
        self.relay = connection.relay
        self.direction = direction
        self.path = path
        self.under_way = 0
        # In order: pieces, and None for the end. The loop does not keep the order of timers for
        # the same time, so a timer only says that the next piece is due, not which.
        self.flight: deque[bytes | None] = deque()
        self.held: list[Callable[[], None]] = []
        self.blocked = False  # the other side's socket is full
        self.ended = False  # its end has been passed on

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio calls this when the socket is connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connection.sockets += 1

    @property
    def is_open(self) -> bool:
        """Whether this socket can be written to."""
        return self.transport is not None and not self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write what has arrived from the other socket."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Send on what was read; asyncio calls this with each piece."""
        self.connection.touch()
        if self.connection.allowance == 0:
            return
        for piece in self.connection.middlebox.pass_on(self.direction, data):
            if passing := self.connection.allowed(self.direction, piece):
                self.send(passing)
        if self.connection.allowance == 0:  # cut it, but only once all this has arrived
            at = self.path.arrival(asyncio.get_running_loop().time(), 0)
            self.connection.abort_at(at + NOTICE_S)

    def send(self, data: bytes) -> None:
        """Let `data` travel to the other side, or hold it while the relay is frozen."""
        relay, number, link = self.relay, self.connection.number, self.relay.link
        if relay.frozen:
            self.hold(data)
            return
        if not link.delays and link.chop is None:
            relay.write_down(number, self.direction, PieceKind.DATA, data)
            self.other.write(data)
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        for piece in self.path.cut(data):
            at = self.path.arrival(now, len(piece))
            relay.write_down(number, self.direction, PieceKind.DATA, piece, at - now)
            self.under_way += len(piece)
            self.flight.append(piece)
            loop.call_at(at, self.arrive)
        self.pace()

    def hold(self, data: bytes) -> None:
        """Keep `data` until the freeze is over."""

        def go_on() -> None:
            self.under_way -= len(data)
            self.send(data)

        self.under_way += len(data)
        self.held.append(go_on)
        self.pace()

    def arrive(self) -> None:
        """Deliver the next piece that was sent."""
        piece = self.flight.popleft()
        if piece is None:
            self.end_other()
            return
        self.under_way -= len(piece)
        self.other.write(piece)
        self.pace()

    def release(self) -> None:
        """Send what was held, because the freeze is over."""
        held, self.held = self.held, []
        for go_on in held:
            go_on()
        if held:
            self.pace()

    def pace(self) -> None:
        """Read only as fast as the link and the other side can take it."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.blocked or self.under_way > UNDER_WAY_MAX:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """Called by asyncio when this socket is full."""
        self.other.blocked = True
        self.other.pace()

    def resume_writing(self) -> None:
        """Called by asyncio when this socket has room again."""
        self.other.blocked = False
        self.other.pace()

    def eof_received(self) -> bool:
        """Called by asyncio when the peer will send no more."""
        for piece in self.connection.middlebox.flush(self.direction):
            self.send(piece)
        self.finish()
        return True  # the other direction may still be open

    def finish(self) -> None:
        """Pass on the end, after everything that is under way."""
        if self.relay.frozen:
            self.held.append(self.finish)
            return
        loop = asyncio.get_running_loop()
        at = self.path.arrival(loop.time(), 0)
        self.relay.write_down(
            self.connection.number, self.direction, PieceKind.END, arrives_in=at - loop.time()
        )
        if self.flight or self.relay.link.delays:
            self.flight.append(None)
            loop.call_at(at, self.arrive)
        else:
            self.end_other()

    def end_other(self) -> None:
        """Tell the other side that no more comes; close both if both have ended."""
        self.ended = True
        other = self.other.transport
        if other is None or other.is_closing():
            return
        with contextlib.suppress(OSError):  # the peer has already gone
            other.write_eof()
        if self.other.ended and self.transport is not None:
            other.close()
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when this socket is closed."""
        if exc is not None:  # closed by its peer, with an RST
            self.relay.write_down(self.connection.number, self.direction, PieceKind.ABORT)
        transport = self.other.transport
        if transport is not None and not transport.is_closing():
            if exc is not None:
                transport.abort()
            else:
                transport.close()
        self.connection.lost()


class ClientSide(Side):
    """The socket on which a client connects."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio; nothing is read until the server is connected as well."""
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self.relay.write_down(self.connection.number, Direction.UP, PieceKind.OPEN)
        self.connection.touch()
        self.relay.begin(self.connection)


@asynccontextmanager
async def run_relay(
    listening: socket.socket, port: int, *, link: Link, tape: Tape
) -> AsyncIterator[Relay]:
    """Relay between a listening socket and a server's port on loopback, for a block.

    Args:
        listening: the socket: bound, listening and non-blocking.
        port: the server's port.
        link: the network to play.
        tape: what every piece is recorded on.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.TaskGroup() as tasks:
            relay = Relay(link, tape, port, tasks)
            server = await loop.create_server(relay.accept, sock=listening, backlog=1024)
            try:
                yield relay
            finally:
                with contextlib.suppress(NotImplementedError):  # Windows
                    # asyncio fails if a connection is being accepted while its server closes.
                    loop.remove_reader(listening)
                await asyncio.sleep(NOTICE_S)
                server.close()
                for connection in tuple(relay.connections.values()):
                    connection.abort()
                await relay.quiet.wait()
                await asyncio.sleep(NOTICE_S)
    except ExceptionGroup as group:  # the block's own error, which a person is to read, comes last
        raise group.exceptions[-1] from None
