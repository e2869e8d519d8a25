"""Long polling: the client asks, and the server answers as soon as there is something new.

    GET /messages?room=&after=&wait=25   200 {"events": […], "cursor": "EPOCH-OFFSET"}; or 204
    POST /messages?room=                 one event; 202 with its answer

A message arrives as fast as over a stream, at the price of a new request for each answer. An
event that is sent between two requests is not lost, because each request brings its cursor. An
event that is sent while a request arrives is not lost either, because the request asks to be woken
before it looks into the log.

Everything but the answer to `GET /messages` is in transport/polling_server.py.
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
from labserver.techniques.transport import polling_client, polling_server
from labserver.techniques.transport.http_client import HttpConnection
from labserver.techniques.transport.interface import Address, Chat, Received
from labserver.techniques.transport.polling_server import MessagesHandler

WAIT_S = 25.0  # less than the 30 s after which the most impatient proxies give up
WAIT_MAX_S = 60.0  # what most others wait (nginx, AWS's load balancer)

_SECONDS = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?", re.ASCII)


# Server


class LongPolling(MessagesHandler):
    """`GET /messages`, answered as soon as there is something new."""

    async def get(self) -> None:
        """Answer with what came after the client's cursor; 204 after `wait` seconds of nothing."""
        user, after = self.asked.user(self.chat), self.asked.after
        wait_s = seconds(self.asked.query("wait"))
        async with self.poller(user) as poller:
            page = await self.news(poller, after, 0.0 if self.asked.hello else wait_s)
        if page.entries or self.asked.hello:
            self.answer_page(page)
        else:
            self.answer_empty(204, page)

    async def news(self, poller: Poller, after: Cursor | None, wait_s: float) -> Page:
        """Return the first page that is not empty, or an empty one when the time is up.

        Args:
            poller: the client's.
            after: the cursor to read after; None to begin with what comes from now on.
            wait_s: seconds to wait.

        Raises:
            Refused: `stopping` (503), if the server stops in the meantime.
        """
        deadline = asyncio.get_running_loop().time() + wait_s
        wake = self.woken.set
        poller.waiting[wake] = None  # before looking into the log, or a message could be missed
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
    """Return the seconds that the query parameter `wait` asks for.

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


def connector(address: Address) -> LongPollingConnector:
    """Return what connects a client to a long polling server."""
    return LongPollingConnector(address)


class LongPollingConnector:
    """Keeps one request waiting at the server at all times."""

    def __init__(self, address: Address) -> None:
        self._session = address.session
        self._http = HttpConnection(address)
        self.counters = self._http.counters

    async def listen(self, cursor: str | None) -> AsyncGenerator[Received, None]:
        """Ask, wait for the answer, yield it, and ask again."""
        async with self._http.open():
            query = {
                "session": self._session,
                "hello": "1",
            }  # the first is answered at once
            while True:
                page = await polling_client.poll(self._http, cursor, query, held_s=WAIT_S)
                for received in page:
                    yield received
                cursor = page[-1].cursor
                query = {"session": self._session, "wait": f"{WAIT_S:g}"}

    async def post(self, raw: bytes, message_id: str | None) -> Event | None:
        """Send one event, over a connection of its own, and return the answer to it."""
        return await self._http.post(raw)

    async def close(self) -> None:
        """Stop asking; nothing is sent."""
        await self._http.close()
