"""What short and long polling share: all but the moment when `GET /messages` is answered.

Server: Tornado's handlers for everything else (POST /messages, tickets, preflights, health,
errors), and how such a server stops. Client: one poll. The techniques themselves are in
short_polling.py and long_polling.py; read those first.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any

import msgspec
from tornado.httpserver import HTTPServer
from tornado.web import Application, Finish, HTTPError, RequestHandler, stream_request_body

from labserver.chat.events import EVENT_MAX, decode_event
from labserver.chat.log import Cursor
from labserver.chat.poller import Page, Poller, Pollers
from labserver.errors import Refused
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Answer, Chat, ConnectionLost, Received
from labserver.techniques.transport.request import (
    DELIVERED,
    HEALTHY,
    JSON,
    NOT_FOUND,
    Request,
    refusal,
    too_large,
)

BODY_MAX = 1 << 30  # bytes; we read on past EVENT_MAX, keeping nothing, so that the 413 arrives
BODY_TIMEOUT_S = 30.0  # for a whole body: 64 KiB at a modem's 20 kbit/s
IDLE_TIMEOUT_S = 120.0  # longer than clients keep a connection, so that it is they who close it
STOP_TIMEOUT_S = 0.3  # for what is under way; the whole server must stop within a second

INTERNAL = Refused(500, "internal", "The fault is the server's; its log has more.")

log = logging.getLogger("labserver.polling")
# A peer with which no TLS comes about is no news.
logging.getLogger("tornado.general").addFilter(
    lambda record: not record.getMessage().startswith("SSL Error")
)


# Server


def stopping() -> Refused:
    """The answer to those who wait when the server stops."""
    return Refused(
        503, "stopping", "The server is stopping: ask again.", headers={"Retry-After": "1"}
    )


class Serving:
    """What the handlers of one server share.

    Attributes:
        chat: what is served.
        pollers: who polls.
        stopping: whether answers that are held back must be given now.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.pollers = Pollers(chat.hub)
        self.stopping = False
        self._under_way: set[Messages] = set()
        self._idle = asyncio.Event()

    @contextmanager
    def under_way(self, request: Messages) -> Iterator[None]:
        """For the time in which a request may have to wait.

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
        """Have all that is under way answered, and let go of the pollers."""
        self.stopping = True
        for request in self._under_way:
            request.woken.set()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                if self._under_way:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            if self._under_way:  # the last one may have been answered in this very turn
                log.warning("%d requests were not answered", len(self._under_way))
        self.pollers.close()


@stream_request_body  # Tornado's own answer to a body that is too large is to hang up
class Handler(RequestHandler):
    """One request; a subclass for each resource has the methods that the resource allows."""

    allowed = "OPTIONS"

    def initialize(self, serving: Serving) -> None:
        """Called by Tornado with what `serve` gave it."""
        self.serving = serving
        self.chat = serving.chat
        self.body = bytearray()
        self.body_size = 0

    @cached_property
    def asked(self) -> Request:
        """What is asked for."""
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
        """What a browser asks before it lets a page of another origin ask."""
        self.answer(self.asked.preflight(self.chat))

    async def refuse_method(self) -> None:
        """405 for the methods that a resource does not have."""
        self.asked.check_browser(self.chat)
        raise self.not_allowed()

    head = get = post = put = patch = delete = refuse_method

    def not_allowed(self) -> Refused:
        """The answer to a method that is not allowed (RFC 9110 §15.5.6)."""
        message = f"Use {self.allowed} here."
        return Refused(405, "bad_method", message, headers={"Allow": self.allowed})

    def answer(self, answer: Answer) -> None:
        """Give an answer that is the same in every framework."""
        self.set_status(answer.status)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.finish(answer.body or None)

    def compute_etag(self) -> None:
        """Tornado would hash each body; here the log's cursor says it all."""

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
        """Called by Tornado likewise; a refusal is an answer, and no news."""
        if not isinstance(value, Refused | HTTPError):
            log.error("failed at %s %s", self.request.method, self.request.path, exc_info=value)


class Messages(Handler):
    """The conversation: POST speaks in it; each technique adds the GET that reads it."""

    allowed = "GET, POST, OPTIONS"

    def initialize(self, serving: Serving) -> None:
        """Called by Tornado."""
        super().initialize(serving)
        self.woken = asyncio.Event()
        self.gone = False

    def on_connection_close(self) -> None:
        """Called by Tornado when the client has gone away before its answer."""
        super().on_connection_close()
        self.gone = True
        self.woken.set()

    def check_waited_for(self) -> None:
        """Whether to go on waiting; whatever changes this also sets `woken`.

        Raises:
            Finish: if the client has gone away.
            Refused: `stopping` (503), if the server stops.
        """
        if self.gone:
            raise Finish
        if self.serving.stopping:
            raise stopping()

    @asynccontextmanager
    async def poller(self, user: str) -> AsyncIterator[Poller]:
        """For the time of this request, the poller that makes it."""
        asked = self.asked
        with self.serving.under_way(self):
            async with self.serving.pollers.poll(user, asked.room, asked.session) as poller:
                yield poller

    async def post(self) -> None:
        """Say one event; 202 with its answer."""
        user, room = self.asked.user(self.chat), self.asked.room
        if self.body_size > EVENT_MAX:
            raise too_large()
        with self.serving.under_way(self):
            answer = await self.chat.hub.receive(user, room, bytes(self.body)) or DELIVERED
        self.answer(Answer(202, answer.json, self.asked.cors()))

    def answer_page(self, page: Page) -> None:
        """200 with what is new; the JSON of each event is the one made when it was said."""
        events_json = b",".join([entry.json for entry in page.entries])
        body = b'{"events":[%b],"cursor":"%b"}' % (events_json, str(page.cursor).encode())
        self.answer(Answer(200, body, {**self.asked.cors(), "ETag": etag(page.cursor)}))

    def answer_empty(self, status: int, page: Page) -> None:
        """304 or 204: nothing new."""
        self.answer(Answer(status, headers={**self.asked.cors(), "ETag": etag(page.cursor)}))


class TicketOffice(Handler):
    """POST /tickets."""

    allowed = "POST, OPTIONS"

    async def post(self) -> None:
        """A one-use ticket for the bearer of a token."""
        self.answer(self.asked.ticket(self.chat))


class Health(Handler):
    """GET /healthz."""

    allowed = "GET, HEAD, OPTIONS"

    async def get(self) -> None:
        """Alive; to whoever asks."""
        self.answer(HEALTHY)

    head = get


class Missing(Handler):
    """Everything else."""

    async def not_found(self) -> None:
        """404."""
        self.asked.check_browser(self.chat)
        self.answer(refusal(NOT_FOUND, self.asked))

    head = get = post = put = patch = delete = options = not_found


def etag(cursor: Cursor) -> str:
    """The state of the log at a URL, as an entity tag (RFC 9110 §8.8.3)."""
    return f'"{cursor}"'


@asynccontextmanager
async def serve(
    chat: Chat, listening: socket.socket, messages: type[Messages]
) -> AsyncIterator[None]:
    """Serve the chat over HTTP on a bound socket.

    On leaving: accept no more, answer what is under way (what is held back, with 503), and
    close the connections, of which nearly all are idle.
    """
    serving = Serving(chat)
    shared = {"serving": serving}
    application = Application(
        [
            ("/messages", messages, shared),
            ("/tickets", TicketOffice, shared),
            ("/healthz", Health, shared),
        ],
        default_handler_class=Missing,
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
        await serving.stop()
        await server.close_all_connections()


# Client


class _PageBody(msgspec.Struct):
    events: list[msgspec.Raw]
    cursor: str


_page_body = msgspec.json.Decoder(_PageBody)


async def poll(
    connection: HttpConnection,
    cursor: str | None,
    query: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    *,
    held_s: float = 0.0,
) -> list[Received]:
    """Ask once.

    Args:
        connection: an open one.
        cursor: what is known; None: from now on.
        query: parameters of the technique.
        headers: the technique's own.
        held_s: seconds for which the server may hold the answer back.

    Returns:
        At least one item; only the last one has a cursor, the one to ask with next, so that a
        cut within a page loses none of it.

    Raises:
        Refused: if the server will not have this client.
        ConnectionLost: if there was no proper answer.
    """
    if cursor is not None:
        query = {**query, "after": cursor}
    response = await connection.get("/messages", query, headers, held_s=held_s)
    if response.status_code in (204, 304):
        return [Received(response.headers.get("ETag", "").strip('"') or cursor)]
    try:
        page = _page_body.decode(response.content)
        heard = [Received(None, decode_event(raw)) for raw in page.events]
    except msgspec.DecodeError:
        raise ConnectionLost(
            f"The answer ({response.status_code}) is no page of events.", response.status_code
        ) from None
    connection.counters.payload_received += sum(len(bytes(raw)) for raw in page.events)
    if not heard:
        return [Received(page.cursor)]
    return [*heard[:-1], Received(page.cursor, heard[-1].event)]
