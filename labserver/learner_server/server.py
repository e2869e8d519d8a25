"""The server behind `lab.serve_yours`: sockets on the lab's loop, the learner's code beside it.

Each connection has a `Worker` for the learner's parts. A part that fails, or does not return in
time, ends that connection: with a 500 during the handshake, and with 1011 after it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from labserver.learner_server.parts import (
    FIRST_USES,
    Calls,
    PartFailed,
    Parts,
)
from labserver.learner_server.session import Session, answered, close_frame, head_of
from labserver.learner_server.worker import TookTooLong, Worker

T = TypeVar("T")

CALL_MAX_S = 1.0  # what the parts do with one read takes milliseconds
HEAD_MAX = 16 * 1024  # bytes of a request; most servers accept as much
READ_MAX = 64 * 1024
LINGER_S = 1.0  # the time that the peer has to close its side; see RFC 6455 §7.1.1
KEPT = 100  # failures
ASK_AGAIN_S = 0.1
TRIES = 20


class EchoServer:
    """A WebSocket server that echoes messages with the learner's parts.

    Args:
        parts: the parts.

    Attributes:
        failed: what went wrong in them, oldest first.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.failed: deque[PartFailed] = deque(maxlen=KEPT)
        self._by_peer: dict[int, PartFailed] = {}
        self._workers: set[Worker] = set()

    @asynccontextmanager
    async def serve(self, listening: socket.socket) -> AsyncIterator[None]:
        """Serve on a bound socket; on leaving, each connection is closed with 1001."""
        async with asyncio.TaskGroup() as tasks:
            running: set[asyncio.Task[None]] = set()

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = tasks.create_task(self._connection(reader, writer))
                running.add(task)
                task.add_done_callback(running.discard)

            server = await asyncio.start_server(accept, sock=listening, limit=HEAD_MAX)
            try:
                yield
            finally:
                server.close()
                for task in tuple(running):
                    task.cancel()

    async def not_attempted(self) -> list[str]:
        """Return the names of the learner's parts that are still stubs."""
        own = [first for first in FIRST_USES if first.part in self.parts.own]
        return [first.part for first in own if await self._is_stub(first.use)]

    async def _is_stub(self, use: Callable[[Parts], object]) -> bool:
        worker = self._worker()
        try:
            await worker.call(partial(use, self.parts), CALL_MAX_S)
        except NotImplementedError:
            return True
        except (Exception, SystemExit, KeyboardInterrupt):  # noqa: BLE001
            return False  # a conformance run will tell more
        finally:
            worker.leave()
        return False

    def failed_for(self, peer: int) -> PartFailed | None:
        """Return what went wrong on the last connection from a port of this machine."""
        return self._by_peer.get(peer)

    def stuck(self, seconds: float) -> list[str]:
        """End all workers, and return the learner's lines that still run after so many seconds."""
        workers = [worker for worker in self._workers if worker.alive]
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.join(seconds / len(workers))
        return [worker.where for worker in workers if worker.alive]

    def _worker(self) -> Worker:
        self._workers = {worker for worker in self._workers if worker.alive}
        worker = Worker()
        self._workers.add(worker)
        return worker

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection from its first byte to its last."""
        worker, peer = self._worker(), writer.get_extra_info("peername")[1]
        self._by_peer.pop(peer, None)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):  # the peer is gone
                try:
                    connection = LearnerConnection(reader, writer, worker, self.parts)
                    await connection.run(partial(self._keep, peer))
                finally:
                    writer.close()
                    worker.leave()
            await give_up(worker)
        finally:
            writer.transport.abort()

    def _keep(self, peer: int, failure: PartFailed) -> None:
        self.failed.append(failure)
        self._by_peer[peer] = failure
        if len(self._by_peer) > KEPT:
            del self._by_peer[next(iter(self._by_peer))]


class LearnerConnection:
    """One connection: what is read goes to the parts, and what they return is written.

    Args:
        reader: reads from the peer.
        writer: writes to the peer.
        worker: runs the parts.
        parts: the parts.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        worker: Worker,
        parts: Parts,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._worker = worker
        self._calls = Calls(parts)

    async def run(self, keep: Callable[[PartFailed], None]) -> None:
        """Serve the connection to its end.

        Args:
            keep: called with what went wrong in a part, before the peer is told.
        """
        status = 0
        try:
            raw = await self._reader.readuntil(b"\r\n\r\n")
            status, head = await self._in(partial(answered, self._calls, raw))
            self._writer.write(head)
            if status == 101:
                await self._converse()
        except asyncio.LimitOverrunError:
            self._writer.write(head_of(431, {}))
        except PartFailed as failure:
            keep(failure)
            reason = str(failure)
            body = f"{reason}\n".encode()
            last = close_frame(1011, reason) if status else head_of(500, {}, body)
            self._writer.write(last)
        except asyncio.CancelledError:
            if status == 101:
                self._writer.write(close_frame(1001))
            raise
        await self._finish()

    async def _converse(self) -> None:
        """Exchange frames until one side has closed."""
        session = await self._in(partial(Session, self._calls))
        while not session.closing and (data := await self._reader.read(READ_MAX)):
            try:
                await self._in(partial(session.receive, data))
            finally:
                self._writer.write(session.take())
            await self._writer.drain()

    async def _in(self, function: Callable[[], T]) -> T:
        """Run a function that calls the parts, and return its result.

        Raises:
            PartFailed: if a part fails, or does not return in time.
        """
        try:
            return await self._worker.call(function, CALL_MAX_S)
        except TookTooLong as error:
            text = f"did not return within {CALL_MAX_S:g} s"
            raise PartFailed(self._calls.calling, text, error.where, stuck=True) from None

    async def _finish(self) -> None:
        """Send no more, and wait until the peer has read everything.

        Closing at once would reset the connection.
        """
        self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while await self._reader.read(READ_MAX):
                    pass


async def give_up(worker: Worker) -> None:
    """Interrupt what still runs, more than once if the code catches everything."""
    for _ in range(TRIES):
        if not worker.alive:
            return
        await asyncio.sleep(ASK_AGAIN_S)
        worker.end()
