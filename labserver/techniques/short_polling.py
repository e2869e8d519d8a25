"""Short polling: the client asks, again and again, and is answered at once.

    GET /messages?room=&after=   200 {"events": […], "cursor": "EPOCH-OFFSET"}; or 304
    POST /messages?room=         one event; 202 with its answer

This is the simplest thing that works, through any proxy and with any HTTP client. A message waits
for half the interval on average, and most answers are empty; so the client sends the ETag of what
it has (If-None-Match, RFC 9110 §13.1.2), and gets a 304 without a body.

Everything but the answer to `GET /messages` is in transport/polling_server.py.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from labserver.chat.events import Event
from labserver.chat.hub import PAGE
from labserver.techniques.transport import polling_client, polling_server
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Address, Chat, Received
from labserver.techniques.transport.polling_server import MessagesHandler

POLL_INTERVAL_S = 1.0  # a delay of 0.5 s on average, for one request per second and client


# Server


class ShortPolling(MessagesHandler):
    """`GET /messages`, answered at once."""

    async def get(self) -> None:
        """Answer with what came after the client's cursor."""
        user, after = self.asked.user(self.chat), self.asked.after
        async with self.poller(user) as poller:
            page = await poller.read(after)
        # Typing, presence and RESET are in no log: they are sent in this answer or never.
        sent_once = any(entry.event.offset is None for entry in page.entries)
        if not sent_once:
            self.set_header("Cache-Control", "private, no-cache")  # keep it, but ask each time
        self.set_header("ETag", polling_server.etag(page.cursor))
        if self.check_etag_header() and not sent_once:
            self.answer_empty(304, page)
        else:
            self.answer_page(page)


def serve(chat: Chat, listening: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve the chat over short polling on a bound socket."""
    return polling_server.serve(chat, listening, ShortPolling)


# Client


def connector(address: Address) -> ShortPollingConnector:
    """Return what connects a client to a short polling server."""
    return ShortPollingConnector(address, POLL_INTERVAL_S)


class ShortPollingConnector:
    """Asks every `interval_s` seconds."""

    def __init__(self, address: Address, interval_s: float) -> None:
        self._session = address.session
        self._interval_s = interval_s
        self._http = HttpConnection(address)
        self.counters = self._http.counters

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Ask, yield what is new, wait, and ask again."""
        async with self._http.open():
            while True:
                known = {} if cursor is None else {"If-None-Match": f'"{cursor}"'}
                page = await polling_client.poll(
                    self._http, cursor, {"session": self._session}, known
                )
                for received in page:
                    yield received
                cursor = page[-1].cursor
                if len(page) < PAGE:  # otherwise there is more
                    await self._http.pause(self._interval_s)

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event and return the answer to it."""
        return await self._http.post(raw)

    async def close(self) -> None:
        """Stop asking; nothing is sent."""
        await self._http.close()
