"""Fan-out on other servers, as small as in their own documentation.

Each message from a member is sent to all; compression is off everywhere; tokens are not checked.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

from benchmarks.texts import IO_TEXT, TEXT


async def tornado(listening: socket.socket) -> None:
    """Tornado's WebSocketHandler."""
    import asyncio

    from tornado.httpserver import HTTPServer
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    members: set[WebSocketHandler] = set()

    class Handler(WebSocketHandler):
        def open(self) -> None:  # type: ignore[override]
            members.add(self)

        def on_message(self, message: str | bytes) -> None:
            for member in members:
                member.write_message(TEXT)

        def on_close(self) -> None:
            members.discard(self)

    server = HTTPServer(Application([(r"/ws/chat", Handler)]))
    server.add_socket(listening)
    await asyncio.Event().wait()


async def starlette(listening: socket.socket) -> None:
    """Starlette on uvicorn, with its websockets-sansio protocol."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    members: set[WebSocket] = set()
    text = TEXT.decode()

    async def converse(connection: WebSocket) -> None:
        await connection.accept()
        members.add(connection)
        try:
            while True:
                await connection.receive_text()
                for member in members:
                    await member.send_text(text)
        except WebSocketDisconnect:
            pass
        finally:
            members.discard(connection)

    app = Starlette(routes=[WebSocketRoute("/ws/chat", converse)])
    config = uvicorn.Config(
        app, ws="websockets-sansio", ws_per_message_deflate=False, log_level="error"
    )
    await uvicorn.Server(config).serve(sockets=[listening])


async def aiohttp(listening: socket.socket) -> None:
    """aiohttp's WebSocketResponse."""
    import asyncio

    from aiohttp import web

    members: set[web.WebSocketResponse] = set()
    text = TEXT.decode()

    async def converse(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=False)
        await connection.prepare(request)
        members.add(connection)
        try:
            async for _ in connection:
                for member in members:
                    await member.send_str(text)
        finally:
            members.discard(connection)
        return connection

    app = web.Application()
    app.router.add_get("/ws/chat", converse)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening, backlog=1024).start()
    await asyncio.Event().wait()


async def picows(listening: socket.socket) -> None:
    """picows, whose protocol is written in Cython."""
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

    members: set[WSTransport] = set()

    class Listener(WSListener):  # type: ignore[misc]
        def on_ws_connected(self, transport: WSTransport) -> None:
            members.add(transport)

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                for member in members:
                    member.send(WSMsgType.TEXT, TEXT)

        def on_ws_disconnected(self, transport: WSTransport) -> None:
            members.discard(transport)

    server = await ws_create_server(lambda request: Listener(), sock=listening, backlog=1024)
    async with server:
        await server.serve_forever()


async def python_socketio(listening: socket.socket) -> None:
    """python-socketio on uvicorn, without compression."""
    import socketio
    import uvicorn

    server = socketio.AsyncServer(
        async_mode="asgi", ping_interval=300, http_compression=False, cors_allowed_origins="*"
    )
    text = IO_TEXT.decode()

    async def chat(sid: str, data: object) -> None:
        await server.emit("chat", text)

    server.on("chat", chat)
    config = uvicorn.Config(
        socketio.ASGIApp(server),
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="error",
    )
    await uvicorn.Server(config).serve(sockets=[listening])


PEERS: dict[str, Callable[[socket.socket], Awaitable[None]]] = {
    "picows": picows,
    "aiohttp": aiohttp,
    "Starlette on uvicorn": starlette,
    "tornado": tornado,
    "python-socketio": python_socketio,
}
