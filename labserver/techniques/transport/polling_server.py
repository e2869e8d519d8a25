"""The server that short and long polling share: all but the moment that answers `GET /messages`.

These are Tornado's handlers for everything else (POST /messages, tickets, preflights, health,
errors), and how such a server stops. The techniques themselves are in short_polling.py and
long_polling.py; read those first. The client's half is in polling_client.py.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, Finish, HTTPError, RequestHandler, stream_request_body

from labserver.chat.events import EVENT_MAX
from labserver.chat.log import Cursor
from labserver.chat.poller import Page, Poller, Pollers
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

BODY_MAX = 1 << 30  # bytes; past EVENT_MAX they are read but not kept, so that the 413 arrives
BODY_TIMEOUT_S = 30.0  # for a whole body: 64 KiB at a modem's 20 kbit/s
IDLE_TIMEOUT_S = 120.0  # longer than clients keep a connection, so that they close it first
STOP_TIMEOUT_S = 0.3  # for requests under way; the whole server must stop within a second

INTERNAL = Refused(500, "internal", "The server has failed; its log says how.")

log = logging.getLogger("labserver.polling")
# A TLS handshake that fails is the peer's affair, and not worth a message.
logging.getLogger("tornado.general").addFilter(
    lambda record: not record.getMessage().startswith("SSL Error")
)


def stopping() -> Refused:
    """Return the answer to requests that wait when the server stops."""
    return Refused(
        503, "stopping", "The server is stopping; ask again.", headers={"Retry-After": "1"}
    )


class ServerState:
    """What the handlers of one server share.

    Attributes:
        chat: what is served.
        pollers: the clients that poll.
        stopping: whether requests that wait must be answered now.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.pollers = Pollers(chat.hub)
        self.stopping = False
        self._under_way: set[MessagesHandler] = set()
        self._idle = asyncio.Event()

    @contextmanager
    def under_way(self, request: MessagesHandler) -> Iterator[None]:
        """Count a request as under way for the duration of a block in which it may have to wait.

        Raises:
            Refused: `stopping` (503).
        """
        if self.stopping:
            raise stopping()
        self._under_way.add(request)
        try:
            yield
        finally:
            self._under_way.remove(request)
            if not self._under_way:
                self._idle.set()

    async def stop(self) -> None:
        """Have every request that is under way answered, and forget the pollers."""
        self.stopping = True
        for request in self._under_way:
            request.woken.set()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                if self._under_way:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            if self._under_way:  # the last one may have been answered in this turn of the loop
                log.warning("%d requests were not answered", len(self._under_way))
        self.pollers.close()


@stream_request_body  # Tornado itself closes the connection of a body that is too large
class BaseHandler(RequestHandler):
    """One request; each resource is a subclass that has the methods it allows."""

    allowed = "OPTIONS"

    def initialize(self, state: ServerState) -> None:
        """Called by Tornado with what `serve` gave it."""
        self.state = state
        self.chat = state.chat
        self.body = bytearray()
        self.body_size = 0

    @cached_property
    def asked(self) -> Request:
        """What the request asks for."""
        return Request(self.request.uri or "/", self.request.headers.get)

    def data_received(self, chunk: bytes) -> None:
        """Called by Tornado with each part of the body."""
        self.body_size += len(chunk)
        self.body += chunk[: EVENT_MAX - len(self.body)]

    def set_default_headers(self) -> None:
        """Called by Tornado before anything else is set."""
        self.clear_header("Server")
        self.set_header("Content-Type", JSON)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    async def options(self) -> None:
        """Answer the preflight that a browser sends before a page of another origin may ask."""
        self.answer(self.asked.preflight(self.chat))

    async def refuse_method(self) -> None:
        """Answer the methods that a resource does not have with 405."""
        self.asked.check_browser(self.chat)
        raise self.not_allowed()

    head = get = post = put = patch = delete = refuse_method

    def not_allowed(self) -> Refused:
        """Return the answer to a method that is not allowed (RFC 9110 §15.5.6)."""
        message = f"Use {self.allowed} here."
        return Refused(405, "bad_method", message, headers={"Allow": self.allowed})

    def answer(self, answer: Answer) -> None:
        """Send an answer."""
        self.set_status(answer.status)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.finish(answer.body or None)

    def compute_etag(self) -> None:
        """Do nothing: Tornado would hash each body, but the log's cursor identifies it already."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Called by Tornado with whatever a method raised."""
        error = kwargs["exc_info"][1]
        if not isinstance(error, Refused):
            self.answer(refusal(self.not_allowed() if status_code == 405 else INTERNAL))
            return
        try:
            self.answer(refusal(error, self.asked))
        except Refused:  # the query itself cannot be read
            self.answer(refusal(error))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Called by Tornado with the same; a refusal is an ordinary answer, and is not logged."""
        if not isinstance(value, Refused | HTTPError):
            log.error("failed: %s %s", self.request.method, self.request.path, exc_info=value)


class MessagesHandler(BaseHandler):
    """The conversation: POST sends to it; each technique adds the GET that reads it."""

    allowed = "GET, POST, OPTIONS"

    def initialize(self, state: ServerState) -> None:
        """Called by Tornado."""
        super().initialize(state)
        self.woken = asyncio.Event()
        self.gone = False

    def on_connection_close(self) -> None:
        """Called by Tornado when the client has gone away before its answer."""
        super().on_connection_close()
        self.gone = True
        self.woken.set()

    def check_waited_for(self) -> None:
        """Check that the request may go on waiting; whatever changes this also sets `woken`.

        Raises:
            Finish: if the client has gone away.
            Refused: `stopping` (503), if the server stops.
        """
        if self.gone:
            raise Finish
        if self.state.stopping:
            raise stopping()

    @asynccontextmanager
    async def poller(self, user: str) -> AsyncIterator[Poller]:
        """Yield the poller that makes this request, for as long as it is under way."""
        asked = self.asked
        with self.state.under_way(self):
            async with self.state.pollers.poll(user, asked.room, asked.session) as poller:
                yield poller

    async def post(self) -> None:
        """Send one event; 202 with the answer to it."""
        user, room = self.asked.user(self.chat), self.asked.room
        if self.body_size > EVENT_MAX:
            raise too_large()
        with self.state.under_way(self):
            answer = await self.chat.hub.receive(user, room, bytes(self.body)) or DELIVERED
        self.answer(Answer(202, answer.json, self.asked.cors()))

    def answer_page(self, page: Page) -> None:
        """Answer 200 with what is new; each event's JSON is the one made when it was sent."""
        events_json = b",".join([entry.json for entry in page.entries])
        body = b'{"events":[%b],"cursor":"%b"}' % (events_json, str(page.cursor).encode())
        self.answer(Answer(200, body, {**self.asked.cors(), "ETag": etag(page.cursor)}))

    def answer_empty(self, status: int, page: Page) -> None:
        """Answer 304 or 204: there is nothing new."""
        self.answer(Answer(status, headers={**self.asked.cors(), "ETag": etag(page.cursor)}))


class TicketsHandler(BaseHandler):
    """POST /tickets."""

    allowed = "POST, OPTIONS"

    async def post(self) -> None:
        """Answer with a one-use ticket for the bearer of a token."""
        self.answer(self.asked.ticket(self.chat))


class HealthHandler(BaseHandler):
    """GET /healthz."""

    allowed = "GET, HEAD, OPTIONS"

    async def get(self) -> None:
        """Say that the server is alive; no token is needed."""
        self.answer(HEALTHY)

    head = get


class NotFoundHandler(BaseHandler):
    """Everything else."""

    async def not_found(self) -> None:
        """Answer 404."""
        self.asked.check_browser(self.chat)
        self.answer(refusal(NOT_FOUND, self.asked))

    head = get = post = put = patch = delete = options = not_found


def etag(cursor: Cursor) -> str:
    """Return the state of the log at a URL as an entity tag (RFC 9110 §8.8.3)."""
    return f'"{cursor}"'


@asynccontextmanager
async def serve(
    chat: Chat, listening: socket.socket, messages: type[MessagesHandler]
) -> AsyncIterator[None]:
    """Serve the chat over HTTP on a bound socket.

    At the end of the block it accepts no more connections, answers the requests that are under way
    (those that wait, with 503), and closes the connections, nearly all of which are idle.

    Args:
        chat: what is served.
        listening: the socket.
        messages: the technique's handler of `/messages`.
    """
    state = ServerState(chat)
    shared = {"state": state}
    application = Application(
        [
            ("/messages", messages, shared),
            ("/tickets", TicketsHandler, shared),
            ("/healthz", HealthHandler, shared),
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args=shared,
        log_function=lambda handler: None,
    )
    server = HTTPServer(
        application,
        ssl_options=chat.tls,
        max_body_size=BODY_MAX,
        body_timeout=BODY_TIMEOUT_S,
        idle_connection_timeout=IDLE_TIMEOUT_S,
    )
    server.add_socket(listening)
    try:
        yield
    finally:
        server.stop()
        await state.stop()
        await server.close_all_connections()
