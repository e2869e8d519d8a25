"""An ASGI app over HTTP/2 on a bound socket: Hypercorn, on a loop that is not its own.

Over TLS, HTTP/2 is agreed on in the handshake (ALPN, RFC 9113 §3.2); without it a client has
to know (§3.3), and no browser does. Who speaks HTTP/1.1 is served as well.

Of Hypercorn this takes the connection alone. Its own `serve` waits at its end for whatever
is open (from Python 3.12.1 on, for ever), and leaves open what an app did not finish.
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
from hypercorn.protocol.h2 import BUFFER_LOW_WATER, StreamBuffer
from hypercorn.typing import ASGIFramework
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEEP_ALIVE_S = 5  # for idle connections; not before does it see that their client has gone
BACKLOG = 1024  # connections that may wait to be accepted, as after an outage
CLOSE_TIMEOUT_S = 0.3  # for connections to close, once their streams have ended

log = logging.getLogger("labserver.http2")


async def _pop(self: StreamBuffer, max_length: int) -> bytes:
    """Take what may be sent now, and wake who waits to write once there is room again.

    Hypercorn's own goes by how much was taken: where the peer lets nothing be sent it wakes
    the writer each time, and one reader that has stalled fills the memory.
    """
    taken = bytes(self.buffer[:max_length])
    del self.buffer[:max_length]
    if len(self.buffer) < BUFFER_LOW_WATER:
        await self._paused.set()
    if not self.buffer:
        await self._is_empty.set()
    return taken


StreamBuffer.pop = _pop  # type: ignore[method-assign]


@asynccontextmanager
async def serve(
    app: ASGIApp, listening: socket.socket, tls: ssl.SSLContext | None
) -> AsyncIterator[None]:
    """Serve an app until the block is left; its streams must have ended by then.

    Args:
        app: what answers.
        listening: bound, listening and non-blocking.
        tls: what the server proves itself with; None: plain TCP.
    """
    if tls is not None:
        tls.set_alpn_protocols(["h2", "http/1.1"])
    config = _config()
    context = WorkerContext(None)
    loop = asyncio.get_running_loop()
    open_: dict[asyncio.Task[None], asyncio.WriteTransport] = {}

    async with asyncio.TaskGroup() as tasks:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not server.is_serving():  # its handshake took until after the end
                writer.transport.abort()
                return
            answer = ASGIWrapper(cast(ASGIFramework, _whole(app, writer.transport.abort)))
            connection = TCPServer(answer, loop, config, context, {}, reader, writer)
            task = tasks.create_task(_attend(connection))
            open_[task] = writer.transport
            task.add_done_callback(open_.pop)

        server = await asyncio.start_server(accept, sock=listening, backlog=BACKLOG, ssl=tls)
        try:
            yield
        finally:
            server.close()
            await context.terminated.set()  # whoever is idle is let go of
            if open_:
                await asyncio.wait(open_, timeout=CLOSE_TIMEOUT_S)
            for transport in tuple(open_.values()):
                transport.abort()


async def _attend(connection: TCPServer) -> None:
    """One connection; what fails in it is not to end the others."""
    try:
        await connection.run()
    except OSError:
        pass  # a peer that goes away is no news
    except Exception:
        log.exception("a connection failed")


def _config() -> Config:
    config = Config()
    config.errorlog = log
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.keep_alive_max_requests = sys.maxsize  # past it, streams that are open would be cut
    return config


def _whole(app: ASGIApp, cut: Callable[[], None]) -> ASGIApp:
    """An app whose connection is cut where it does not finish its response.

    HTTP/2 could reset the one stream, but not Hypercorn, and the client would wait for ever.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        over = False

        async def hear() -> Message:
            nonlocal over
            message = await receive()
            over = over or message["type"] == "http.disconnect"
            return message

        async def say(message: Message) -> None:
            nonlocal over
            await send(message)
            over = over or (
                message["type"] == "http.response.body" and not message.get("more_body", False)
            )

        try:
            await app(scope, hear, say)
        finally:
            if not over:
                cut()

    return answer
