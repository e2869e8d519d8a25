"""HTTP/1.1 (RFC 9112), both directions of one connection.

A request is read by an h11 server, its response by an h11 client to which that request was
sent: so a response to HEAD has no body, and a 101 is a switch only where it was asked for. As
each message has an h11 connection of its own, a pipelined request is read when it comes, and
not when its turn has come. What follows a request with `Upgrade` waits for the answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import h11

from labserver.wire.decoded import Decoded
from labserver.wire.http1_message import HttpMessage
from labserver.wire.http1_reader import HEAD_MAX, Head, HttpReader
from labserver.wire.message import Kind
from labserver.wire.tape import Direction
from labserver.wire.websocket_accept import accept_key

BUFFER_MAX = 2 * HEAD_MAX  # more than h11 ever has to hold: the reader's own limits come first

_ACCEPT = re.compile(rb"\nSec-WebSocket-Accept:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Asked(NamedTuple):
    """As much of a request as its response's meaning depends on."""

    method: bytes
    target: bytes
    upgrade: bytes
    key: bytes


class Switch(NamedTuple):
    """What a connection has become.

    Attributes:
        protocol: by the `Upgrade` of the 101; `tunnel` after CONNECT.
        extensions: the `Sec-WebSocket-Extensions` of the 101.
    """

    protocol: str
    extensions: str


class Http1Decoder:
    """Both directions of a connection.

    Attributes:
        switch: what the connection has become; None: it is still HTTP.
    """

    def __init__(self) -> None:
        self.switch: Switch | None = None
        self._asked: deque[Asked] = deque()
        self._answering: Asked | None = None
        self._up = HttpReader(
            Kind.HTTP_REQUEST, _server, self._hear_request, lambda message: message
        )
        self._down = HttpReader(
            Kind.HTTP_RESPONSE, self._client, self._hear_response, self._finish_response
        )

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """The messages that `data` completes."""
        return self._gather(direction, self._reader(direction).feed(data))

    def end(self, direction: Direction, *, clean: bool = True) -> list[tuple[Direction, Decoded]]:
        """No more will come in this direction; `clean`: by a FIN and not by a RST."""
        return self._gather(direction, self._reader(direction).end(clean=clean))

    def leave(self, direction: Direction) -> tuple[list[tuple[Direction, Decoded]], bytes]:
        """After a switch: what is left, and the bytes of what the connection has become."""
        lost, rest = self._reader(direction).leave()
        return [(direction, block) for block in lost], rest

    def _reader(self, direction: Direction) -> HttpReader:
        return self._up if direction is Direction.UP else self._down

    def _gather(
        self, direction: Direction, messages: Iterator[Decoded]
    ) -> list[tuple[Direction, Decoded]]:
        """What is found; after each response, the requests that waited for it as well."""
        found: list[tuple[Direction, Decoded]] = []
        for message in messages:
            found.append((direction, message))
            if self._up.paused and direction is Direction.DOWN and self._refuses(message):
                self._up.paused = False
                found += [(Direction.UP, request) for request in self._up.feed(b"")]
        return found

    def _refuses(self, message: Decoded) -> bool:
        """Whether it answers the request with Upgrade, which is the last one, with a no."""
        if not isinstance(message, HttpMessage) or self._asked or self.switch is not None:
            return False
        return not _status(message.raw).startswith(b"1")

    def _hear_request(self, head: Head) -> bool:
        assert isinstance(head, h11.Request)
        fields = dict(head.headers)
        upgrade, key = fields.get(b"upgrade", b""), fields.get(b"sec-websocket-key", b"")
        self._asked.append(Asked(head.method, head.target, upgrade, key))
        return True

    def _client(self) -> h11.Connection:
        """A client that has sent what is answered next."""
        self._answering = self._asked.popleft() if self._asked else None
        asked = self._answering or Asked(b"GET", b"/", b"", b"")
        fields = [(b"Host", b"x")]
        if asked.upgrade:
            fields += [(b"Connection", b"Upgrade"), (b"Upgrade", asked.upgrade)]
        connection = h11.Connection(h11.CLIENT, BUFFER_MAX)
        connection.send(h11.Request(method=asked.method, target=b"/", headers=fields))
        return connection

    def _hear_response(self, head: Head) -> bool:
        assert not isinstance(head, h11.Request)
        method = self._answering.method if self._answering is not None else b"GET"
        fields = dict(head.headers)
        if head.status_code == 101:
            self.switch = Switch(
                fields.get(b"upgrade", b"").decode("latin-1").strip().lower(),
                fields.get(b"sec-websocket-extensions", b"").decode("latin-1"),
            )
        elif method == b"CONNECT" and 200 <= head.status_code < 300:
            self.switch = Switch("tunnel", "")
            return False
        return method != b"HEAD" and head.status_code not in (204, 304)

    def _finish_response(self, message: HttpMessage) -> HttpMessage:
        asked, error, note = self._answering, message.error, ""
        status = _status(message.raw)
        if asked is not None:
            note = f"answers {asked.method.decode()} {asked.target.decode('latin-1')}"
            if not error and status == b"101":
                error = _accept_error(asked.key, message.raw)
        elif not (error or self._up.is_busy or status == b"408"):  # a timeout answers silence
            error = "byte 0: nobody asked for this response"
        return HttpMessage(message.kind, message.raw, message.head, message.spans, error, note)


def _server() -> h11.Connection:
    return h11.Connection(h11.SERVER, BUFFER_MAX)


def _status(raw: bytes) -> bytes:
    return raw[:16].partition(b" ")[2][:3]


def _accept_error(key: bytes, raw: bytes) -> str:
    """What is wrong with the Sec-WebSocket-Accept of a 101 (RFC 6455 §4.2.2)."""
    found = _ACCEPT.search(raw)
    if not key or found is None:
        return ""
    right = accept_key(key.strip().decode("latin-1"))
    if found[1].strip() == right.encode():
        return ""
    return f"byte {found.start(1)}: the key asks for {right} (RFC 6455 §4.2.2)"
