"""What bad proxies do to HTTP, as functions of bytes.

`strip_upgrade` removes Upgrade from requests, as a proxy that does not know it would: the server
then sees a plain GET. `buffer_responses` holds a response back until it is complete, so that a
stream that never ends never arrives. They cannot look into TLS, and leave it alone.
"""

from __future__ import annotations

import re

import h11

from labserver.network.link import Link
from labserver.wire.tape import Direction

HEAD_MAX = 64 * 1024  # if a head has not ended by then, it is passed on as it is
HOLD_MAX = 8 * 1024 * 1024  # bytes of a response that are held back; then the proxy gives up

_METHOD = re.compile(rb"[A-Za-z]")
_END = b"\r\n\r\n"
_UPGRADE = re.compile(rb"\r\nUpgrade:[^\r\n]*", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nConnection:([^\r\n]*)", re.IGNORECASE)


class Middlebox:
    """A proxy on the path of one connection.

    Args:
        link: says what the proxy does.
    """

    def __init__(self, link: Link) -> None:
        self._strip = link.strip_upgrade
        self._seen = False
        self._head = b""
        self._responses = _Responses() if link.buffer_responses else None

    def pass_on(self, direction: Direction, data: bytes) -> list[bytes]:
        """Return what the proxy passes on now that it has read `data`."""
        if direction is Direction.UP:
            if data and not self._seen:
                self._seen = True
                if not _METHOD.match(data):  # not HTTP, but TLS, for instance
                    self._strip, self._responses = False, None
            if self._responses is not None:
                self._responses.asked(data)
            return self._up(data) if self._strip else [data]
        return [data] if self._responses is None else self._responses.answered(data)

    def flush(self, direction: Direction) -> list[bytes]:
        """Return what is left, as the sender will send no more."""
        if direction is Direction.DOWN and self._responses is not None:
            return self._responses.flush()
        head, self._head = self._head, b""
        return [head] if head and direction is Direction.UP else []

    def _up(self, data: bytes) -> list[bytes]:
        """Hold heads back until they can be rewritten; pass bodies on as they are."""
        self._head += data
        passed = []
        while _END in self._head:
            head, _, rest = self._head.partition(_END)
            passed.append(_without_upgrade(head) + _END)
            if _length(head):
                passed.append(rest)
                rest = b""
            self._head = rest
        if len(self._head) > HEAD_MAX:
            passed.append(self._head)
            self._head = b""
        return passed


def _without_upgrade(head: bytes) -> bytes:
    head = _UPGRADE.sub(b"", head)

    def tokens(match: re.Match[bytes]) -> bytes:
        kept = [t.strip() for t in match[1].split(b",") if t.strip().lower() != b"upgrade"]
        return b"\r\nConnection: " + b", ".join(kept) if kept else b""

    return _CONNECTION.sub(tokens, head)


def _length(head: bytes) -> int:
    match = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
    return int(match[1]) if match else 0


class _Responses:
    """Holds back the bytes of each response until h11 says that it is complete."""

    def __init__(self) -> None:
        self._tap = h11.Connection(h11.CLIENT)
        self._held = b""
        self._transparent = False  # after an upgrade, or if it is not HTTP/1.1

    def asked(self, data: bytes) -> None:
        """Take note of a request, as its method decides whether the response has a body."""
        if self._transparent or self._tap.our_state is not h11.IDLE:
            return
        method = data.partition(b" ")[0].decode("latin-1") or "GET"
        try:
            self._tap.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
            self._tap.send(h11.EndOfMessage())
        except h11.LocalProtocolError:
            self._transparent = True

    def answered(self, data: bytes) -> list[bytes]:
        """Return what may pass now."""
        if self._transparent:
            return [data]
        self._held += data
        try:
            self._tap.receive_data(data)
            while True:
                event = self._tap.next_event()
                if event is h11.NEED_DATA:
                    break
                if event is h11.PAUSED:  # the connection has become something else
                    self._transparent = True
                    return self.flush()
                if isinstance(event, h11.EndOfMessage):
                    if self._tap.our_state is h11.DONE and self._tap.their_state is h11.DONE:
                        self._tap.start_next_cycle()
                    return self.flush()
        except h11.ProtocolError:
            self._transparent = True
            return self.flush()
        return self.flush() if len(self._held) > HOLD_MAX else []

    def flush(self) -> list[bytes]:
        """Return everything that was held back."""
        held, self._held = self._held, b""
        return [held] if held else []
