"""Server-sent events and long polling on other servers, as small as in their documentation.

    GET /events               a stream, which gets BLOCK for each message
    GET /messages?after=N     held until there are messages after the Nth; then `page`
    POST /messages            a message; 202

Messages are not looked at, as all are the same; tokens are not checked.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import ClassVar

from benchmarks.texts import BLOCK, page

AFTER = re.compile(rb"[?&]after=(?:x-)?([0-9]+)")
STREAM = "text/event-stream"


class Board:
    """Counts the messages, and wakes those who wait for the next."""

    def __init__(self) -> None:
        self.said = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def say(self) -> None:
        """Count one more message, and wake those who wait."""
        self.said += 1
        for waiting in self._waiting:
            waiting.set_result(None)
        self._waiting.clear()

    async def page(self, after: int) -> bytes:
        """Return the answer for a client that has `after` messages, once there are more."""
        while after >= self.said:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            await waiting
        return page(after, self.said)


class Raw(asyncio.Protocol):
    """The floor: the benchmark's requests arrive whole, and answers are prepared bytes."""

    streams: ClassVar[set[asyncio.Transport]] = set()
    polls: ClassVar[list[tuple[asyncio.Transport, int]]] = []
    said: ClassVar[int] = 0
    chunk = b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /events"):
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            self.streams.add(self.transport)
        elif data.startswith(b"GET"):
            found = AFTER.search(data)
            after = int(found[1]) if found else 0
            if after < Raw.said:
                self.transport.write(_json(page(after, Raw.said)))
            else:
                self.polls.append((self.transport, after))
        else:
            self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            Raw.said += 1
            for stream in self.streams:
                stream.write(self.chunk)
            waiting, Raw.polls = self.polls, []
            for poll, after in waiting:
                poll.write(_json(page(after, Raw.said)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.streams.discard(self.transport)


def _json(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


async def raw(listening: socket.socket) -> None:
    """Plain asyncio."""
    server = await asyncio.get_running_loop().create_server(Raw, sock=listening, backlog=1024)
    async with server:
        await server.serve_forever()


async def aiohttp(listening: socket.socket) -> None:
    """aiohttp's StreamResponse and Response."""
    from aiohttp import web

    board, streams = Board(), set[web.StreamResponse]()

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": STREAM})
        await response.prepare(request)
        streams.add(response)
        try:
            await asyncio.Event().wait()
        finally:
            streams.discard(response)
        return response

    async def poll(request: web.Request) -> web.Response:
        after = int(request.query["after"].removeprefix("x-"))
        return web.Response(body=await board.page(after), content_type="application/json")

    async def say(request: web.Request) -> web.Response:
        await request.read()
        board.say()
        for stream in streams:
            await stream.write(BLOCK)
        return web.Response(status=202)

    app = web.Application()
    app.router.add_get("/events", events)
    app.router.add_get("/messages", poll)
    app.router.add_post("/messages", say)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening, backlog=1024).start()
    await asyncio.Event().wait()


async def starlette(listening: socket.socket) -> None:
    """Starlette on uvicorn, with a StreamingResponse that reads a queue."""
    from collections.abc import AsyncIterator

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    board, queues = Board(), set[asyncio.Queue[bytes]]()

    async def blocks() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.add(queue)
        try:
            yield b":\n\n"
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)

    async def events(request: Request) -> Response:
        return StreamingResponse(blocks(), media_type=STREAM)

    async def poll(request: Request) -> Response:
        after = int(request.query_params["after"].removeprefix("x-"))
        return Response(await board.page(after), media_type="application/json")

    async def say(request: Request) -> Response:
        await request.body()
        board.say()
        for queue in queues:
            queue.put_nowait(BLOCK)
        return Response(status_code=202)

    app = Starlette(
        routes=[
            Route("/events", events),
            Route("/messages", poll),
            Route("/messages", say, methods=["POST"]),
        ]
    )
    config = uvicorn.Config(app, log_level="error", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


async def tornado(listening: socket.socket) -> None:
    """Tornado's RequestHandler."""
    from tornado.httpserver import HTTPServer
    from tornado.web import Application, RequestHandler

    board, streams = Board(), set[RequestHandler]()

    class Events(RequestHandler):
        async def get(self) -> None:
            self.set_header("Content-Type", STREAM)
            await self.flush()
            streams.add(self)
            await asyncio.Event().wait()

        def on_connection_close(self) -> None:
            streams.discard(self)

    class Messages(RequestHandler):
        async def get(self) -> None:
            page = await board.page(int(self.get_argument("after").removeprefix("x-")))
            self.set_header("Content-Type", "application/json")
            self.finish(page)

        def post(self) -> None:
            board.say()
            for stream in streams:
                stream.write(BLOCK)
                stream.flush()
            self.set_status(202)

        def compute_etag(self) -> None:
            """Leave out the ETag, as the other servers do."""

    app = Application([("/events", Events), ("/messages", Messages)], log_function=lambda _: None)
    HTTPServer(app).add_socket(listening)
    await asyncio.Event().wait()


HTTP_PEERS: dict[str, Callable[[socket.socket], Awaitable[None]]] = {
    "raw asyncio": raw,
    "aiohttp": aiohttp,
    "Starlette on uvicorn": starlette,
    "tornado": tornado,
}
