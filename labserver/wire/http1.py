"""HTTP/1.1 (RFC 9112), both directions of one connection.

An h11 server reads each request, and an h11 client to which that request was sent reads its
response: so a response to HEAD has no body, and a 101 is a switch only if a switch was requested.
As each message has an h11 connection of its own, pipelined requests are read as they come,
before the earlier ones are answered. What follows a request with `Upgrade` waits for the answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import h11

from labserver.wire.decoder import Decoder
from labserver.wire.http1_message import HttpMessage
from labserver.wire.http1_reader import HEAD_MAX, Head, HttpReader
from labserver.wire.message import Decoded, Kind
from labserver.wire.tape import Direction
from labserver.wire.websocket_accept import accept_key

BUFFER_MAX = 2 * HEAD_MAX  # h11 never holds so much, as the reader's own limits come first

_ACCEPT = re.compile(rb"\nSec-WebSocket-Accept:[ \t]*([^\r\n]*)", re.IGNORECASE)


class PendingRequest(NamedTuple):
    """As much of a request as the meaning of its response depends on."""

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
    """Decodes both directions of a connection, and hands it on when its protocol switches.

    Args:
        decoder_after: makes the decoder for what the connection becomes.
    """

    def __init__(self, decoder_after: Callable[[Switch], Decoder]) -> None:
        self._decoder_after = decoder_after
        self._successor: Decoder | None = None
        self._switch: Switch | None = None
        self._ended: list[Direction] = []
        self._requests: deque[PendingRequest] = deque()  # not answered yet
        self._answered: PendingRequest | None = None  # by the response that is being read
        self._up = HttpReader(
            Kind.HTTP_REQUEST, _server, self._on_request_head, lambda message: message
        )
        self._down = HttpReader(
            Kind.HTTP_RESPONSE, self._client, self._on_response_head, self._finish_response
        )

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """Return the messages that `data` completes, each with its direction."""
        if self._successor is not None:
            return self._successor.feed(direction, data)
        decoded = self._gather(direction, self._reader(direction).feed(data))
        if self._switch is not None:
            decoded += self._hand_on(self._decoder_after(self._switch))
        return decoded

    def end(self, direction: Direction, *, clean: bool) -> list[tuple[Direction, Decoded]]:
        """Return what is left, as no more will come in this direction."""
        if self._successor is not None:
            return self._successor.end(direction, clean=clean)
        self._ended.append(direction)
        return self._gather(direction, self._reader(direction).end(clean=clean))

    def _hand_on(self, successor: Decoder) -> list[tuple[Direction, Decoded]]:
        """Let another decoder read on, from the first byte after the switch."""
        self._successor = successor
        decoded: list[tuple[Direction, Decoded]] = []
        for direction in Direction:
            lost, rest = self._reader(direction).leave()
            decoded += [(direction, block) for block in lost]
            decoded += successor.feed(direction, rest) if rest else []
            if direction in self._ended:
                decoded += successor.end(direction, clean=True)
        return decoded

    def _reader(self, direction: Direction) -> HttpReader:
        return self._up if direction is Direction.UP else self._down

    def _gather(
        self, direction: Direction, messages: Iterator[Decoded]
    ) -> list[tuple[Direction, Decoded]]:
        """Return the messages; after each response, also the requests that waited for it."""
        decoded: list[tuple[Direction, Decoded]] = []
        for message in messages:
            decoded.append((direction, message))
            if self._up.is_paused and direction is Direction.DOWN and self._refuses(message):
                decoded += [(Direction.UP, request) for request in self._up.resume()]
        return decoded

    def _refuses(self, message: Decoded) -> bool:
        """Whether a message refuses the request to switch, which is always the last request."""
        if not isinstance(message, HttpMessage) or self._requests or self._switch is not None:
            return False
        return not _status(message.raw).startswith(b"1")

    def _on_request_head(self, head: Head) -> bool:
        assert isinstance(head, h11.Request)
        fields = dict(head.headers)
        upgrade, key = fields.get(b"upgrade", b""), fields.get(b"sec-websocket-key", b"")
        self._requests.append(PendingRequest(head.method, head.target, upgrade, key))
        return True

    def _client(self) -> h11.Connection:
        """Return an h11 client that has sent the request that is answered next."""
        self._answered = self._requests.popleft() if self._requests else None
        request = self._answered or PendingRequest(b"GET", b"/", b"", b"")
        fields = [(b"Host", b"x")]
        if request.upgrade:
            fields += [(b"Connection", b"Upgrade"), (b"Upgrade", request.upgrade)]
        connection = h11.Connection(h11.CLIENT, BUFFER_MAX)
        connection.send(h11.Request(method=request.method, target=b"/", headers=fields))
        return connection

    def _on_response_head(self, head: Head) -> bool:
        assert not isinstance(head, h11.Request)
        method = self._answered.method if self._answered is not None else b"GET"
        fields = dict(head.headers)
        if head.status_code == 101:
            self._switch = Switch(
                fields.get(b"upgrade", b"").decode("latin-1").strip().lower(),
                fields.get(b"sec-websocket-extensions", b"").decode("latin-1"),
            )
        elif method == b"CONNECT" and 200 <= head.status_code < 300:
            self._switch = Switch("tunnel", "")
            return False
        return method != b"HEAD" and head.status_code not in (204, 304)

    def _finish_response(self, message: HttpMessage) -> HttpMessage:
        request, error, note = self._answered, message.error, ""
        status = _status(message.raw)
        if request is not None:
            note = f"answers {request.method.decode()} {request.target.decode('latin-1')}"
            if not error and status == b"101":
                error = _accept_error(request.key, message.raw)
        elif not (error or self._up.is_busy or status == b"408"):  # a 408 may answer silence
            error = "byte 0: nobody asked for this response"
        return HttpMessage(message.kind, message.raw, message.head, message.spans, error, note)


def _server() -> h11.Connection:
    return h11.Connection(h11.SERVER, BUFFER_MAX)


def _status(raw: bytes) -> bytes:
    return raw[:16].partition(b" ")[2][:3]


def _accept_error(key: bytes, raw: bytes) -> str:
    """Return what is wrong with the Sec-WebSocket-Accept of a 101 (RFC 6455 §4.2.2)."""
    accept = _ACCEPT.search(raw)
    if not key or accept is None:
        return ""
    right = accept_key(key.strip().decode("latin-1"))
    if accept[1].strip() == right.encode():
        return ""
    return f"byte {accept.start(1)}: the key asks for {right} (RFC 6455 §4.2.2)"
