"""An ASGI app for the tests of the servers that it runs on."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from labserver.runtime.wiring import bind

Serving = Callable[
    [ASGIApp, socket.socket, ssl.SSLContext | None], AbstractAsyncContextManager[None]
]


class Streams:
    """An app whose responses go on until `end` is set; at `/short` they end at once.

    Attributes:
        end: ends them all.
        open: how many are under way.
        gone: how many clients have left before.
        sent: how many parts a flood has had so far.
        protocols: the HTTP version of each request.
    """

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.open = 0
        self.gone = self.sent = 0
        self.protocols: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.protocols.append(scope["http_version"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/short":
            await send({"type": "http.response.body", "body": b"done"})
            return
        if scope["path"] == "/unfinished":
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            return
        self.open += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                # As all servers of streams do: who has left is written to no more.
                leaving = tasks.create_task(self._left(receive))
                say = self._flood if scope["path"] == "/flood" else self._wait
                saying = tasks.create_task(say(send))
                await asyncio.wait([leaving, saying], return_when=asyncio.FIRST_COMPLETED)
                leaving.cancel()
                saying.cancel()
        finally:
            self.open -= 1

    async def _wait(self, send: Send) -> None:
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b"the end"})

    async def _flood(self, send: Send) -> None:
        while True:
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            self.sent += 1
            await asyncio.sleep(0)  # else nobody would hear that the client has left

    async def _left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone += 1


@asynccontextmanager
async def running(
    serve: Serving, app: ASGIApp, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve an app, and yield its port."""
    with bind("127.0.0.1", 0) as listening:
        port: int = listening.getsockname()[1]
        async with serve(app, listening, tls):
            yield port
