"""Runs an ASGI app over HTTP/2 on a bound socket: Hypercorn, on a loop that it does not own.

Over TLS, HTTP/2 is agreed on during the handshake (ALPN, RFC 9113 §3.2); without TLS a client has
to know beforehand (§3.3), and no browser does. Clients that speak HTTP/1.1 are served as well.

Only Hypercorn's connections are used. When its own `serve` ends, it waits for every open
connection, from Python 3.12.1 on for ever (https://github.com/pgjones/hypercorn/issues/308), and
it leaves open any response that an app did not finish.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.events import Event
from hypercorn.protocol.h2 import BUFFER_HIGH_WATER, H2Protocol
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ASGIFramework
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEEP_ALIVE_S = 5  # for idle connections; only then does it notice that their client has gone
BACKLOG = 1024  # connections that may wait to be accepted, as after an outage
CLOSE_TIMEOUT_S = 0.3  # for connections to close, once their streams have ended

log = logging.getLogger("labserver.http2")


class _BoundedH2Protocol(H2Protocol):
    """HTTP/2 with back-pressure: an app that sends waits while its stream's buffer is full.

    Hypercorn 0.18 wakes the sender by how much was taken from the buffer, not by how much is left
    in it. Where the peer's flow-control window is exhausted nothing is taken, the sender is woken
    each time, and one reader that has stalled fills the memory. The same defect in a fork of
    Hypercorn: https://github.com/davidbrochart/anycorn/pull/61. Once Hypercorn waits by itself,
    this class and the two below it can go.
    """

    async def stream_send(self, event: Event) -> None:
        await super().stream_send(event)
        buffer = self.stream_buffers.get(event.stream_id)
        while buffer is not None and len(buffer.buffer) >= BUFFER_HIGH_WATER:
            await buffer._paused.wait()
            await buffer._paused.clear()


class _BoundedProtocolWrapper(ProtocolWrapper):
    """Chooses between HTTP/1.1 and HTTP/2 as Hypercorn does, and bounds HTTP/2.

    Hypercorn has no option for the classes of its protocols, and may choose anew when the first
    bytes have arrived; so whichever it chooses is replaced here.
    """

    @property
    def protocol(self) -> H11Protocol | H2Protocol:
        """The protocol that this connection speaks."""
        return self._protocol

    @protocol.setter
    def protocol(self, chosen: H11Protocol | H2Protocol) -> None:
        self._protocol = chosen
        if isinstance(chosen, H2Protocol):
            self._protocol = _BoundedH2Protocol(
                self.app,
                self.config,
                self.context,
                self.task_group,
                self.state,
                self.ssl,
                self.client,
                self.server,
                self.send,
            )


class _Connection(TCPServer):
    """One connection, with a `_BoundedProtocolWrapper` in place of Hypercorn's own."""

    @property
    def protocol(self) -> ProtocolWrapper:
        """What answers on this connection."""
        return self._protocol

    @protocol.setter
    def protocol(self, made: ProtocolWrapper) -> None:
        self._protocol = _BoundedProtocolWrapper(
            made.app,
            made.config,
            made.context,
            made.task_group,
            made.state,
            made.ssl,
            made.client,
            made.server,
            made.send,
            "h2" if isinstance(made.protocol, H2Protocol) else "http/1.1",
        )


@asynccontextmanager
async def serve(
    app: ASGIApp, listening: socket.socket, tls: ssl.SSLContext | None
) -> AsyncIterator[None]:
    """Serve an app until the block is left; its streams must have ended by then.

    Args:
        app: what answers.
        listening: a socket that is bound, listening and non-blocking.
        tls: what the server proves its identity with; None for plain TCP.
    """
    if tls is not None:
        tls.set_alpn_protocols(["h2", "http/1.1"])
    config = _config()
    context = WorkerContext(None)
    loop = asyncio.get_running_loop()
    open_: dict[asyncio.Task[None], asyncio.WriteTransport] = {}

    async with asyncio.TaskGroup() as tasks:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not server.is_serving():  # its handshake was not over before the server was
                writer.transport.abort()
                return
            answer = ASGIWrapper(cast(ASGIFramework, _whole(app, writer.transport.abort)))
            connection = _Connection(answer, loop, config, context, {}, reader, writer)
            task = tasks.create_task(_run(connection))
            open_[task] = writer.transport
            task.add_done_callback(open_.pop)

        server = await asyncio.start_server(accept, sock=listening, backlog=BACKLOG, ssl=tls)
        try:
            yield
        finally:
            server.close()
            await context.terminated.set()  # idle connections close now
            if open_:
                await asyncio.wait(open_, timeout=CLOSE_TIMEOUT_S)
            for transport in tuple(open_.values()):
                transport.abort()


async def _run(connection: TCPServer) -> None:
    """Run one connection; an error in it must not end the others."""
    try:
        await connection.run()
    except OSError:
        pass  # a peer that has gone away is not worth a message
    except Exception:
        log.exception("a connection failed")


def _config() -> Config:
    config = Config()
    config.errorlog = log
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.keep_alive_max_requests = sys.maxsize  # beyond it, open streams would be cut off
    return config


def _whole(app: ASGIApp, abort: Callable[[], None]) -> ASGIApp:
    """Wrap an app so that its connection is aborted if it does not finish its response.

    HTTP/2 could reset only that stream, but Hypercorn cannot, and the client would wait for ever.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        over = False

        async def watched_receive() -> Message:
            nonlocal over
            message = await receive()
            over = over or message["type"] == "http.disconnect"
            return message

        async def watched_send(message: Message) -> None:
            nonlocal over
            await send(message)
            over = over or (
                message["type"] == "http.response.body" and not message.get("more_body", False)
            )

        try:
            await app(scope, watched_receive, watched_send)
        finally:
            if not over:
                abort()

    return answer
