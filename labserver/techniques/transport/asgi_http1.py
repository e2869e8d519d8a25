"""Runs an ASGI app over HTTP/1.1 on a bound socket: uvicorn, on a loop that it does not own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

KEEP_ALIVE_S = 75  # for idle connections, used by POST; longer than clients keep them
BACKLOG = 1024  # connections that may wait to be accepted, as after an outage
CLOSE_TIMEOUT_S = 0.3  # for connections to close, once their streams have ended
GRACEFUL_S = 1  # a last resort: uvicorn would wait for ever for a stream that stays open

logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # peers that go away are no error


class _Uvicorn(uvicorn.Server):
    """A uvicorn that leaves signals alone, says when it accepts, and leaves nothing open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    def cut_off(self) -> None:
        """Abort the connections that have not ended by themselves."""
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()


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
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_S,
        ssl_context_factory=None if tls is None else lambda config, default: tls,
    )
    server = _Uvicorn(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listening]))
        await server.accepting.wait()
        try:
            yield
        finally:
            server.should_exit = True
            # Over TLS a close is complete only once the peer has confirmed it, and some never do.
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, server.cut_off)
