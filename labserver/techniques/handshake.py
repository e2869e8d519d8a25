"""The WebSocket handshake (RFC 6455 §4), for the techniques that begin with one.

Server: who asks is admitted, or refused with an HTTP answer, before the 101; what every
server answers besides (tickets, preflights, its health) is answered here too. Client: one
way to connect, and one name for each way in which that fails.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode
from weakref import WeakKeyDictionary, WeakSet

import websockets.asyncio.client
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import Server, ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Request as HandshakeRequest
from websockets.http11 import Response

from labserver.chat.log import Cursor
from labserver.errors import Refused
from labserver.techniques.interface import Address, Answer, Chat, ConnectionLost
from labserver.techniques.request import HEALTHY, NOT_FOUND, Request, refusal, refused_by

PING_INTERVAL_S = 20.0  # under the 60 s after which proxies and load balancers drop an idle one
CLOSE_TIMEOUT_S = 0.7  # for the peer's close frame; a server must stop within a second
BACKLOG = 1024  # handshakes that may wait at once, as after an outage

log = logging.getLogger("labserver.websocket")
log.setLevel(logging.CRITICAL)  # a peer that goes away is no news


class Connection(ServerConnection):
    """A server's connection that `cut_off` knows from its first byte on.

    `websockets` would hold up the end of a server for 10 s where a handshake was begun (by
    a browser that connects ahead, say), and for ever where a peer does not read.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        super().connection_made(transport)
        _made.setdefault(self.server, WeakSet()).add(self)


_made: WeakKeyDictionary[Server, WeakSet[Connection]] = WeakKeyDictionary()


def cut_off(server: Server) -> None:
    """Drop the connections that have not ended by themselves."""
    for connection in tuple(_made.get(server, ())):
        connection.transport.abort()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who was admitted, where to, and from which cursor on."""

    user: str
    room: str
    after: Cursor | None
    hello: bool


def admit(chat: Chat, path: str, handshake: HandshakeRequest) -> Visitor | Response:
    """Check a handshake's HTTP request.

    Args:
        chat: says who may take part.
        path: the only one that leads to a WebSocket.
        handshake: the request.

    Returns:
        The visitor, for whom it may go on to the 101; or the answer instead of that.
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
            return _response(refusal(NOT_FOUND, request))  # raised, it would keep each frame
        return Visitor(request.user(chat), request.room, request.after, request.hello)
    except Refused as refused:
        return _response(refusal(refused, request))


def _header(headers: Headers, name: str) -> str | None:
    values = headers.get_all(name)
    if len(values) > 1:  # whose should count? RFC 9112 §3.2 says so of Host
        raise Refused(400, "bad_request", f"Send one {name} header.")
    return values[0] if values else None


def _response(answer: Answer) -> Response:
    headers = Headers(answer.headers)
    headers["Content-Length"] = str(len(answer.body))
    headers["Connection"] = "close"
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, answer.body)


async def connect(address: Address, path: str, query: dict[str, str]) -> ClientConnection:
    """Open a WebSocket to the server at `address`.

    Raises:
        Refused: if the server will not have this client.
        ConnectionLost: if it cannot be reached.
    """
    url = f"{address.url.replace('http', 'ws', 1)}{path}?{urlencode(query)}"
    try:
        return await websockets.asyncio.client.connect(
            url,
            additional_headers={"Authorization": f"Bearer {address.token}"},
            compression=None,
            proxy=None,
            close_timeout=CLOSE_TIMEOUT_S,
            logger=log,
        )
    except InvalidStatus as error:
        response = error.response
        raise refused_by(response.status_code, bytes(response.body)) from None
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ConnectionLost(f"no connection: {error}") from error


def why_closed(connection: ClientConnection) -> tuple[str, int | None]:
    """Why a connection has closed: for a person, and as a code."""
    code, reason = connection.close_code, connection.close_reason
    return f"closed with {code} {reason or ''}".rstrip(), code
