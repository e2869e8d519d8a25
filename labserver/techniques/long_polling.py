"""Long polling: the client asks, and the server answers as soon as it has something to say.

    GET /messages?room=&after=&wait=25   200 {"events": […], "cursor": "EPOCH-OFFSET"}; or 204
    POST /messages?room=                 one event; 202 with its answer

A message arrives as fast as over a stream, at the price of a new request for each answer.
What is said between two requests is not lost, because each one brings its cursor; and what
is said while a request arrives is not, because it is on the list of those to wake before it
looks into the log.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from labserver.chat.events import Event
from labserver.chat.log import Cursor
from labserver.chat.poller import Page, Poller
from labserver.errors import Refused
from labserver.techniques.transport import polling_server
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Address, Chat, Received
from labserver.techniques.transport.polling_server import Messages

WAIT_S = 25.0  # under the 30 s after which the most impatient proxies give up an answer
WAIT_MAX_S = 60.0  # the patience of most others (nginx, AWS's load balancer)

_SECONDS = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?", re.ASCII)


# Server


class LongPolling(Messages):
    """`GET /messages`, answered as soon as there is something new."""

    async def get(self) -> None:
        """What came after the client's cursor; 204 if nothing has within `wait` seconds."""
        user, after = self.asked.user(self.chat), self.asked.after
        wait_s = seconds(self.asked.query("wait"))
        async with self.poller(user) as poller:
            page = await self.news(poller, after, 0.0 if self.asked.hello else wait_s)
        if page.entries or self.asked.hello:
            self.answer_page(page)
        else:
            self.answer_empty(204, page)

    async def news(self, poller: Poller, after: Cursor | None, wait_s: float) -> Page:
        """The first page that is not empty; an empty one when the time is up.

        Raises:
            Refused: `stopping` (503), if the server stops meanwhile.
        """
        deadline = asyncio.get_running_loop().time() + wait_s
        wake = self.woken.set
        poller.waiting[wake] = None  # first this, then look: else a message could slip between
        try:
            while True:
                self.woken.clear()
                self.check_waited_for()
                page = await poller.read(after)
                if page.entries:
                    return page
                after = page.cursor
                try:
                    async with asyncio.timeout_at(deadline):
                        await self.woken.wait()
                except TimeoutError:
                    return page
        finally:
            del poller.waiting[wake]


def seconds(text: str | None) -> float:
    """The parameter `wait`.

    Raises:
        Refused: `bad_wait` (400).
    """
    if text is None:
        return WAIT_S
    if _SECONDS.fullmatch(text) is None or float(text) > WAIT_MAX_S:
        raise Refused(400, "bad_wait", f"Give wait in seconds, from 0 to {WAIT_MAX_S:g}.")
    return float(text)


def serve(chat: Chat, listening: socket.socket) -> AbstractAsyncContextManager[None]:
    """Serve the chat over long polling on a bound socket."""
    return polling_server.serve(chat, listening, LongPolling)


# Client


def wire(address: Address) -> LongPollingWire:
    """A client's way to a long polling server."""
    return LongPollingWire(address)


class LongPollingWire:
    """Has one request waiting at the server at all times."""

    def __init__(self, address: Address) -> None:
        self._session = address.session
        self._http = HttpConnection(address)
        self.counters = self._http.counters

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Ask, wait for the answer, hand it over, and ask again."""
        async with self._http.open():
            query = {"session": self._session, "hello": "1"}  # the first is answered at once
            while True:
                page = await polling_server.poll(self._http, cursor, query, held_s=WAIT_S)
                for heard in page:
                    yield heard
                cursor = page[-1].cursor
                query = {"session": self._session, "wait": f"{WAIT_S:g}"}

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event, on a connection of its own, and return its answer."""
        return await self._http.post(raw)

    async def close(self) -> None:
        """Ask no more; there is no good-bye."""
        await self._http.close()
