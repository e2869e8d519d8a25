"""The WebSocket handshake (RFC 6455 §4), for the techniques that begin with one.

On the server a client is admitted, or refused with an HTTP answer, before the 101; what every
server answers besides (tickets, preflights, health) is answered here, too. For the client there is
one way to connect, and one error for each way in which that fails.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode
from weakref import WeakKeyDictionary, WeakSet

import websockets.asyncio.client
import websockets.asyncio.server
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import Server, ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Request as HandshakeRequest
from websockets.http11 import Response
from websockets.typing import Subprotocol

from labserver.chat.events import EVENT_MAX
from labserver.chat.log import Cursor
from labserver.errors import Refused
from labserver.techniques.transport.interface import Address, Answer, Chat, unreachable
from labserver.techniques.transport.request import HEALTHY, NOT_FOUND, Request, refusal, refused_by

PING_INTERVAL_S = 20.0  # less than the 60 s after which proxies and load balancers drop idle ones
STALL_MAX_S = 2 * PING_INTERVAL_S  # a peer that reads nothing for this time has missed a ping
CLOSE_TIMEOUT_S = 0.7  # for the peer's close frame; a server must stop within a second
VERSION = "13"  # of the WebSocket protocol; there is only one
BACKLOG = 1024  # handshakes that may wait at once, as after an outage

log = logging.getLogger("labserver.websocket")
log.setLevel(logging.CRITICAL)  # peers that go away are not worth a message


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user who was admitted to a room.

    Attributes:
        user, room: the user, and the room.
        after: the cursor to read after; None to begin with what comes from now on.
        hello: whether the client wants to be sent the cursor that it starts from.
    """

    user: str
    room: str
    after: Cursor | None
    hello: bool


class VisitorConnection(ServerConnection):
    """A server's connection that ends when its peer is gone, and when its server ends.

    `websockets` would delay the end of a server by 10 s if a handshake has only begun (a browser
    may connect in advance), and for ever if a peer does not read. It would also keep such a peer
    for ever, because its ping waits behind what was not read.

    Attributes:
        visitor: the user who was admitted; set before the 101 is sent.
    """

    visitor: Visitor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection; asyncio calls this when the socket is connected."""
        super().connection_made(transport)
        _made.setdefault(self.server, WeakSet()).add(self)

    def pause_writing(self) -> None:
        """Set a time limit; asyncio calls this when the peer reads more slowly than we write."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_MAX_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Lift the time limit; asyncio calls this when the peer has read enough."""
        super().resume_writing()
        self._stalled.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Lift the time limit; asyncio calls this when the connection has ended."""
        if self.paused:
            self._stalled.cancel()
        super().connection_lost(exc)


_made: WeakKeyDictionary[Server, WeakSet[VisitorConnection]] = WeakKeyDictionary()


C = TypeVar("C", bound=VisitorConnection)


@asynccontextmanager
async def serve(
    chat: Chat,
    listening: socket.socket,
    path: str,
    connection_class: type[C],
    attend: Callable[[C], Awaitable[None]],
    subprotocol: Subprotocol | None = None,
) -> AsyncIterator[None]:
    """Accept WebSockets on a bound socket.

    Args:
        chat: who may take part, and in what.
        listening: the socket.
        path: the only path that leads to a WebSocket.
        connection_class: the class of the connections.
        attend: called for each admitted connection, which is closed when it returns.
        subprotocol: spoken with clients that offer it (RFC 6455 §1.9).
    """

    def admit_to(connection: ServerConnection, asked: HandshakeRequest) -> Response | None:
        assert isinstance(connection, VisitorConnection)
        admitted = admit(chat, path, asked)
        if isinstance(admitted, Response):
            return admitted
        connection.visitor = admitted
        return None

    def select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return subprotocol if subprotocol in offered else None

    async def attended(connection: ServerConnection) -> None:
        assert isinstance(connection, connection_class)
        await attend(connection)

    async with websockets.asyncio.server.serve(
        attended,
        sock=listening,
        ssl=chat.tls,
        backlog=BACKLOG,
        create_connection=connection_class,
        process_request=admit_to,
        process_response=name_version,
        select_subprotocol=select,
        compression=None,
        max_size=EVENT_MAX,
        ping_interval=PING_INTERVAL_S,
        ping_timeout=PING_INTERVAL_S,
        close_timeout=CLOSE_TIMEOUT_S,
        logger=log,
    ) as server:
        try:
            yield
        finally:
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, cut_off, server)


def cut_off(server: Server) -> None:
    """Abort the connections that have not ended by themselves."""
    for connection in tuple(_made.get(server, ())):
        connection.transport.abort()


def admit(chat: Chat, path: str, handshake: HandshakeRequest) -> Visitor | Response:
    """Check a handshake's HTTP request.

    Args:
        chat: who may take part.
        path: the only path that leads to a WebSocket.
        handshake: the request.

    Returns:
        The visitor, if the handshake may go on to the 101; otherwise the answer to send instead.
    """
    request = None
    try:
        request = Request(handshake.path, lambda name: _header(handshake.headers, name))
        if handshake.method == "OPTIONS":
            return _response(request.preflight(chat))
        if (handshake.method, request.path) == ("POST", "/tickets"):
            return _response(request.ticket(chat))
        if request.path == "/healthz":
            return _response(HEALTHY)
        if request.path != path:
            # Not raised, because a shared exception keeps every frame that it has passed.
            return _response(refusal(NOT_FOUND, request))
        return Visitor(request.user(chat), request.room, request.after, request.hello)
    except Refused as refused:
        return _response(refusal(refused, request))


def name_version(_: ServerConnection, asked: HandshakeRequest, answer: Response) -> None:
    """Name our version of the protocol to a client that asks for another (RFC 6455 §4.4)."""
    versions = asked.headers.get_all("Sec-WebSocket-Version")
    if answer.status_code == HTTPStatus.BAD_REQUEST and versions not in ([], [VERSION]):
        answer.status_code = HTTPStatus.UPGRADE_REQUIRED
        answer.reason_phrase = HTTPStatus.UPGRADE_REQUIRED.phrase
        answer.headers["Upgrade"] = "websocket"  # RFC 9110 §15.5.22
        answer.headers["Sec-WebSocket-Version"] = VERSION


def _header(headers: Headers, name: str) -> str | None:
    values = headers.get_all(name)
    if len(values) > 1:  # ambiguous; RFC 9112 §3.2 forbids it for Host
        raise Refused(400, "bad_request", f"Send only one {name} header.")
    return values[0] if values else None


def _response(answer: Answer) -> Response:
    headers = Headers(answer.headers)
    headers["Content-Length"] = str(len(answer.body))
    headers["Connection"] = "close"
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, answer.body)


async def connect(address: Address, path: str, query: dict[str, str]) -> ClientConnection:
    """Open a WebSocket to the server at `address`.

    Raises:
        Refused: if the server does not accept this client.
        ConnectionLost: if it cannot be reached.
    """
    url = f"{address.url.replace('http', 'ws', 1)}{path}?{urlencode(query)}"
    try:
        return await websockets.asyncio.client.connect(
            url,
            additional_headers={"Authorization": f"Bearer {address.token}"},
            compression=None,
            proxy=None,
            ssl=address.trust if address.url.startswith("https:") else None,
            close_timeout=CLOSE_TIMEOUT_S,
            logger=log,
        )
    except InvalidStatus as error:
        response = error.response
        raise refused_by(response.status_code, bytes(response.body)) from None
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise unreachable("no connection", error) from error


def why_closed(connection: ClientConnection) -> tuple[str, int | None]:
    """Return why a connection has closed, for a person and as a close code."""
    code, reason = connection.close_code, connection.close_reason
    return f"closed with {code} {reason or ''}".rstrip(), code
