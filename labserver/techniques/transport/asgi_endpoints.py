"""What an ASGI server of the chat answers beside its technique: everything but the stream.

POST /messages, tickets, preflights, health and errors, with Starlette. The technique adds the
routes that read the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

import starlette.requests
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from labserver.chat.events import EVENT_MAX
from labserver.errors import Refused
from labserver.techniques.transport.interface import Answer, Chat
from labserver.techniques.transport.request import (
    DELIVERED,
    HEALTHY,
    JSON,
    NOT_FOUND,
    Request,
    refusal,
    too_large,
)


def make_app(chat: Chat, routes: Sequence[Route]) -> Starlette:
    """Make the app of a server.

    Args:
        chat: what is served.
        routes: the technique's own.
    """
    endpoints = _Endpoints(chat)
    return Starlette(
        routes=[
            *routes,
            Route("/messages", endpoints.send, methods=["POST"]),
            Route("/tickets", endpoints.ticket, methods=["POST"]),
            Route("/healthz", endpoints.health, methods=["GET"]),
            Route("/{path:path}", endpoints.preflight, methods=["OPTIONS"]),
        ],
        exception_handlers={Refused: _refused, HTTPException: _http_error},
    )


def read_request(request: starlette.requests.Request) -> Request:
    """Read what a request asks for.

    Raises:
        Refused: `bad_query` (400).
    """
    url = request.url
    return Request(f"{url.path}?{url.query}", request.headers.get)


class _Endpoints:
    """The endpoints that are the same for every technique."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    async def send(self, request: starlette.requests.Request) -> Response:
        """POST /messages."""
        asked = read_request(request)
        user, room = asked.user(self._chat), asked.room
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > EVENT_MAX:
                raise too_large()
        answer = await self._chat.hub.receive(user, room, body) or DELIVERED
        return _response(Answer(202, answer.json, {**asked.cors(), "Content-Type": JSON}))

    async def ticket(self, request: starlette.requests.Request) -> Response:
        """POST /tickets."""
        return _response(read_request(request).ticket(self._chat))

    async def preflight(self, request: starlette.requests.Request) -> Response:
        """OPTIONS, for any path."""
        return _response(read_request(request).preflight(self._chat))

    async def health(self, request: starlette.requests.Request) -> Response:
        """GET /healthz."""
        return _response(HEALTHY)


async def _refused(request: starlette.requests.Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    try:
        return _response(refusal(error, read_request(request)))
    except Refused:  # the query itself cannot be read
        return _response(refusal(error))


async def _http_error(request: starlette.requests.Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = error.headers or {}
    # Starlette matches the last route, of preflights, for any path: then nothing is there.
    if error.status_code == 405 and headers.get("Allow") != "OPTIONS":
        refused = Refused(405, "bad_method", "Use another method.", headers=headers)
    else:
        refused = NOT_FOUND
    return _response(refusal(refused))


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(answer.body, answer.status, headers | answer.headers)
