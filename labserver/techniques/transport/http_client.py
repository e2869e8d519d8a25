"""The HTTP of a Python client, for the techniques that use it: polling and SSE.

Each technique reads in its own way; sending is the same for all: one POST, one event, one answer.
Everything goes over one pool of kept-alive TCP connections. The pool lives exactly as long as a
connector listens, so that a cut ends whatever is under way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager

import httpcore2  # noqa: F401  httpx2 would import it when it is first used: 50 ms on the loop
import httpx2
import msgspec
from anyio import CancelScope, sleep

from labserver.chat.events import Event, decode_event
from labserver.techniques.transport.interface import Address, ConnectionLost, Counters, unreachable
from labserver.techniques.transport.request import JSON, refused_by

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0  # for an answer that the server does not hold back
CONNECTIONS_MAX = 8  # one reads and one posts; the rest are for posts that a cell sends at once
KEEPALIVE_S = 60.0  # idle connections; httpx2 notices if the server has closed one

EVENT_REFUSED = frozenset({400, 413, 429})  # the event is at fault, or the rate, not the client


class HttpConnection:
    """Connects one client to a server over HTTP; it can be opened again and again.

    Args:
        address: the server, the user and the room.
    """

    def __init__(self, address: Address) -> None:
        self.counters = Counters()
        self._address = address
        self._client: httpx2.AsyncClient | None = None
        self._under_way: set[CancelScope] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Stay connected for the duration of a block; its end drops what is under way."""
        own = {"Authorization": f"Bearer {self._address.token}"}
        async with httpx2.AsyncClient(
            base_url=self._address.url,
            headers=own,
            params={"room": self._address.room},
            timeout=httpx2.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=KEEPALIVE_S),
            trust_env=False,  # there is no proxy between a notebook and its own server
            verify=self._address.trust,  # by default it would read all CA certificates: 20 ms
            # Over plain TCP, HTTP/2 cannot be negotiated; it must be known (RFC 9113 §3.3).
            http1=not self._address.http2,
            http2=self._address.http2,
        ) as client:
            if self._address.headers is not None:
                client.headers.clear()  # what the library says about itself
                client.headers.update({**self._address.headers, **own})
            self._client = client
            try:
                yield
            finally:
                self._drop()

    async def get(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        *,
        held_s: float = 0.0,
    ) -> httpx2.Response:
        """Send a GET request, and wait for the whole answer.

        Args:
            path: the path of the resource.
            query: query parameters beside the room.
            headers: header fields beside Authorization.
            held_s: seconds for which the server may hold the answer back.

        Returns:
            The answer; its status is below 400.

        Raises:
            Refused: for a 4xx after which asking again is of no use.
            ConnectionLost: if there was no answer, or another error.
        """
        timeout = httpx2.Timeout(ANSWER_TIMEOUT_S + held_s, connect=CONNECT_TIMEOUT_S)
        with self._while_open() as client:
            self.counters.requests += 1
            response = await client.get(path, params=query, headers=headers, timeout=timeout)
        if response.status_code >= 400:
            raise refused_by(response.status_code, response.content)
        return response

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        *,
        silence_s: float,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Send a GET request, and yield an iterator over the bytes of its endless answer.

        Args:
            path: the path of the resource.
            query: query parameters beside the room.
            headers: header fields beside Authorization.
            silence_s: seconds without a byte after which the connection counts as lost.

        Raises:
            Refused: for a 4xx after which asking again is of no use.
            ConnectionLost: if it ends other than by `close`; the iterator raises it, too.
        """
        # There is no cancel scope here: the block that this generator yields to would be in it.
        timeout = httpx2.Timeout(silence_s, connect=CONNECT_TIMEOUT_S)
        client = self._connected()
        self.counters.requests += 1
        with _losing():
            async with client.stream(
                "GET", path, params=query, headers=headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    raise refused_by(response.status_code, await response.aread())
                async with aclosing(response.aiter_bytes()) as chunks:
                    yield chunks

    async def post(self, raw: bytes) -> Event:
        """Send one event.

        Args:
            raw: the event as JSON.

        Returns:
            The answer: an ACK or a PONG; an ERROR where the event was not accepted.

        Raises:
            Refused: if the client itself is no longer accepted (401, 403, 421).
            ConnectionLost: if it is not known whether the event has arrived.
        """
        with self._while_open() as client:
            self.counters.requests += 1
            response = await client.post("/messages", content=raw, headers={"Content-Type": JSON})
        self.counters.sent += 1
        self.counters.payload_sent += len(raw)
        status, body = response.status_code, response.content
        if status >= 300 and status not in EVENT_REFUSED:
            raise refused_by(status, body)
        try:
            answer = decode_event(body)
        except msgspec.DecodeError:
            raise refused_by(status, body) from None
        self.counters.payload_received += len(body)
        return answer

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds while the connection stays open.

        Raises:
            ConnectionLost: if it is closed in the meantime.
        """
        with self._while_open():
            await sleep(seconds)

    async def close(self) -> None:
        """End what is under way; those who wait for it get a `ConnectionLost`."""
        client = self._client
        self._drop()
        if client is not None:
            await client.aclose()  # this ends a stream, which has no cancel scope

    def _drop(self) -> None:
        self._client = None
        for scope in self._under_way:
            scope.cancel()

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            raise ConnectionLost("not connected")
        return self._client

    @contextmanager
    def _while_open(self) -> Iterator[httpx2.AsyncClient]:
        client = self._connected()
        with CancelScope() as scope:
            self._under_way.add(scope)
            try:
                with _losing():
                    yield client
            finally:
                self._under_way.discard(scope)
        if scope.cancelled_caught:
            raise ConnectionLost("the connection was closed before the answer")


@contextmanager
def _losing() -> Iterator[None]:
    """Turn errors of the library into `ConnectionLost`."""
    try:
        yield
    except httpx2.RequestError as error:
        raise unreachable("no answer", error) from error
