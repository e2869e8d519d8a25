"""What a connection speaks, by its first bytes, and when each of its messages was under way.

Whatever it is, each byte of a direction is part of exactly one message of that direction, in
order. So the times of a message follow from the pieces in which its bytes stood.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Protocol

from labserver.wire.decoded import BLOCK, Blocks, Decoded, Mark, Sighting
from labserver.wire.http1 import Http1Decoder, Switch
from labserver.wire.http2 import Http2Decoder
from labserver.wire.http2_frame import PREFACE
from labserver.wire.message import Kind
from labserver.wire.tape import Direction, Piece, PieceKind
from labserver.wire.tls import TlsDecoder
from labserver.wire.websocket import WebSocketDecoder

METHOD_MAX = 32  # characters; the longest that is registered has 17

_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*")


class Decoder(Protocol):
    """Cuts both directions of a connection into messages; none of its bytes is left out."""

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """The messages that `data` completes."""

    def end(self, direction: Direction) -> list[tuple[Direction, Decoded]]:
        """No more will come in this direction: what is left."""


class UnknownDecoder:
    """What a connection says in a protocol that is not known here.

    Args:
        reason: said once, with the first bytes of each direction.
    """

    def __init__(self, reason: str) -> None:
        self._blocks = {direction: Blocks(reason) for direction in Direction}

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """The blocks that are full."""
        return [(direction, block) for block in self._blocks[direction].feed(data)]

    def end(self, direction: Direction) -> list[tuple[Direction, Decoded]]:
        """What is left."""
        return [(direction, block) for block in self._blocks[direction].end()]


def decoder_for(up: bytes) -> Decoder | None:
    """What speaks to a server with these first bytes; None: more of them are needed."""
    if PREFACE.startswith(up[: len(PREFACE)]):
        return Http2Decoder() if len(up) >= len(PREFACE) else None
    if up[0] == 0x16:  # a handshake record; its version is 3.x
        if len(up) < 2:
            return None
        return TlsDecoder() if up[1] == 3 else UnknownDecoder(_UNKNOWN)
    method = _METHOD.match(up, 0, METHOD_MAX + 1)
    length = len(method[0]) if method is not None else 0
    if length == len(up) <= METHOD_MAX:
        return None
    if 0 < length <= METHOD_MAX and up[length] == ord(" "):
        return Http1Decoder()
    return UnknownDecoder(_UNKNOWN)


def decoder_after(switch: Switch) -> Decoder:
    """What a connection speaks after a 101, or a CONNECT that was granted."""
    if switch.protocol == "websocket":
        return WebSocketDecoder(switch.extensions)
    if switch.protocol == "h2c":
        return Http2Decoder()
    return UnknownDecoder(f"the connection has become {switch.protocol or 'something unnamed'}")


_UNKNOWN = "byte 0: neither HTTP nor TLS"
_TOO_SHORT = "byte 0: cut off before it is clear what it is"


class ConnectionDecoder:
    """One connection, piece by piece.

    Args:
        connection: its number.
    """

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._decoder: Decoder | None = None
        # Until it is clear what is spoken; the client speaks first.
        self._first: list[tuple[Direction, bytes]] = []
        self._sizes = dict.fromkeys(Direction, 0)
        self._times = {direction: _Times() for direction in Direction}
        self._ended: set[Direction] = set()
        self._gap = False

    def feed(self, piece: Piece) -> list[Sighting]:
        """The messages that a piece completes."""
        direction = piece.direction
        if piece.what is PieceKind.DATA:
            if self._gap or len(piece.data) < piece.size:
                return self._lose()
            if direction in self._ended or not piece.data:
                return []
            self._times[direction].add(piece)
            return self._sight(self._read(direction, piece.data))
        if piece.what is PieceKind.OPEN:
            return [self._mark(piece, Kind.CONNECT, "a client has connected")]
        if piece.what is PieceKind.END:
            who = "the client" if direction is Direction.UP else "the server"
            mark = self._mark(piece, Kind.CLOSE, f"{who} will send no more (FIN)")
            return [*self._end(direction, clean=True), mark]
        rest = [found for each in Direction for found in self._end(each, clean=False)]
        return [*rest, self._mark(piece, Kind.CLOSE, "the connection is cut (RST)")]

    def close(self) -> list[Sighting]:
        """Nothing more will be seen: what is unfinished."""
        return [found for each in Direction for found in self._end(each, clean=False)]

    def _read(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        if self._decoder is None:
            self._first.append((direction, data))
            self._sizes[direction] += len(data)
            if direction is Direction.UP:
                self._decoder = decoder_for(self._said(Direction.UP, METHOD_MAX + 1))
            elif self._sizes[direction] > BLOCK and not self._sizes[Direction.UP]:
                self._decoder = self._by_the_server()
            return self._begin() if self._decoder is not None else []
        found = self._decoder.feed(direction, data)
        if isinstance(self._decoder, Http1Decoder) and self._decoder.switch is not None:
            before = self._decoder
            self._decoder = decoder_after(self._decoder.switch)
            for each in Direction:
                lost, rest = before.leave(each)
                found += lost
                found += self._decoder.feed(each, rest) if rest else []
                if each in self._ended:
                    found += self._decoder.end(each)
        return found

    def _begin(self) -> list[tuple[Direction, Decoded]]:
        """It is clear what is spoken: read what was held back, in its order."""
        first, self._first = self._first, []
        found = [each for direction, data in first for each in self._read(direction, data)]
        for direction in self._ended:
            found += self._decoder.end(direction) if self._decoder is not None else []
        return found

    def _said(self, direction: Direction, most: int) -> bytes:
        said = b""
        for each, data in self._first:
            if each is direction:
                said += data[: most - len(said)]
        return said

    def _by_the_server(self) -> Decoder:
        """What it is where only the server has spoken, as with a 408."""
        if self._said(Direction.DOWN, 7).startswith(b"HTTP/1."):
            return Http1Decoder()
        return UnknownDecoder(_UNKNOWN)

    def _end(self, direction: Direction, *, clean: bool) -> list[Sighting]:
        if direction in self._ended or self._gap:
            return []
        found: list[tuple[Direction, Decoded]] = []
        if self._decoder is None and self._first:
            up = self._sizes[Direction.UP]
            if (up and direction is Direction.UP) or not clean or not up:
                self._decoder = UnknownDecoder(_TOO_SHORT) if up else self._by_the_server()
                found += self._begin()
        self._ended.add(direction)
        if isinstance(self._decoder, Http1Decoder):
            found += self._decoder.end(direction, clean=clean)
        elif self._decoder is not None:
            found += self._decoder.end(direction)
        return self._sight(found)

    def _lose(self) -> list[Sighting]:
        """The tape was full: what was under way is cut off, and no more is understood."""
        rest = self.close()
        self._gap = True
        return rest

    def _sight(self, found: list[tuple[Direction, Decoded]]) -> list[Sighting]:
        return [
            Sighting(each, self._connection, direction, *self._times[direction].take(each.size))
            for direction, each in found
        ]

    def _mark(self, piece: Piece, kind: Kind, how: str) -> Sighting:
        arrived = piece.sent_ns if kind is Kind.CONNECT else piece.arrived_ns
        mark = Mark(kind, how)
        return Sighting(
            mark, self._connection, piece.direction, piece.sent_ns, piece.sent_ns, arrived
        )


class _Times:
    """When the bytes of one direction were sent and arrived."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, int, int]] = deque()  # how many bytes, sent, arrived
        self._taken = 0  # bytes of the first piece

    def add(self, piece: Piece) -> None:
        self._pieces.append((piece.size, piece.sent_ns, piece.arrived_ns))

    def take(self, size: int) -> tuple[int, int, int]:
        """When the next `size` bytes began to be sent, were sent, and have arrived."""
        pieces = self._pieces
        left, began, arrived = pieces[0]
        sent = began
        size += self._taken
        while size >= left:
            pieces.popleft()
            size -= left
            if not size:
                break
            left, sent, arrived = pieces[0]
        self._taken = size
        return began, sent, arrived
