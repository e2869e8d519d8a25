"""Which protocol a connection speaks, and when each of its messages was under way.

Its first bytes tell the protocol. Whatever it is, each byte of a direction is part of exactly
one message of that direction, in order: so the times of a message follow from the pieces in
which its bytes came.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from labserver.wire.decoder import (
    BLOCK,
    ConnectionEvent,
    Decoder,
    UndecodedStream,
)
from labserver.wire.http1 import Http1Decoder, Switch
from labserver.wire.http2 import Http2Decoder
from labserver.wire.http2_frame import PREFACE
from labserver.wire.message import Decoded, Kind, Message
from labserver.wire.tape import Direction, Piece, PieceKind
from labserver.wire.tls import TlsDecoder
from labserver.wire.websocket import WebSocketDecoder

METHOD_MAX = 32  # characters; the longest registered method has 17

_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]*")
_UNKNOWN = "byte 0: neither HTTP nor TLS"
_TOO_SHORT = "byte 0: cut off before its protocol is clear"


class UnknownDecoder:
    """Reads a protocol that is not known here.

    Args:
        reason: why it is not decoded; the first message of each direction carries it.
    """

    def __init__(self, reason: str) -> None:
        self._streams = {direction: UndecodedStream(reason) for direction in Direction}

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """Return the blocks that `data` fills."""
        return [(direction, block) for block in self._streams[direction].feed(data)]

    def end(self, direction: Direction, *, clean: bool) -> list[tuple[Direction, Decoded]]:
        """Return the last block."""
        return [(direction, block) for block in self._streams[direction].end()]


def decoder_for(up: bytes) -> Decoder | None:
    """Return the decoder for a connection, or None if more bytes are needed to tell.

    Args:
        up: the first bytes that the client sent; at least one.
    """
    if PREFACE.startswith(up[: len(PREFACE)]):
        return Http2Decoder() if len(up) >= len(PREFACE) else None
    if up[0] == 0x16:  # a TLS handshake record, whose version is 3.x
        if len(up) < 2:
            return None
        return TlsDecoder() if up[1] == 3 else UnknownDecoder(_UNKNOWN)
    method = _METHOD.match(up, 0, METHOD_MAX + 1)
    length = len(method[0]) if method is not None else 0
    if length == len(up) <= METHOD_MAX:
        return None
    if 0 < length <= METHOD_MAX and up[length] == ord(" "):
        return Http1Decoder(decoder_after)
    return UnknownDecoder(_UNKNOWN)


def decoder_after(switch: Switch) -> Decoder:
    """Return the decoder for a connection after a 101, or after a CONNECT that was granted."""
    if switch.protocol == "websocket":
        return WebSocketDecoder(switch.extensions)
    if switch.protocol == "h2c":
        return Http2Decoder()
    return UnknownDecoder(f"the connection has become {switch.protocol or 'something unnamed'}")


class ConnectionDecoder:
    """Decodes one connection, piece by piece.

    Args:
        connection: its number.
        numbers: gives each message its number; shared by all connections of a trace.
    """

    def __init__(self, connection: int, numbers: Iterator[int]) -> None:
        self._connection = connection
        self._numbers = numbers
        self._decoder: Decoder | None = None
        # Until the protocol is clear the bytes are held back; usually the client speaks first.
        self._first: list[tuple[Direction, bytes]] = []
        self._sizes = dict.fromkeys(Direction, 0)
        self._times = {direction: _Times() for direction in Direction}
        self._ended: set[Direction] = set()
        self._gap = False  # the tape was full, and bytes are missing

    def feed(self, piece: Piece) -> list[Message]:
        """Return the messages that a piece completes."""
        direction = piece.direction
        if piece.kind is PieceKind.DATA:
            if self._gap or len(piece.data) < piece.size:
                return self._stop_at_gap()
            if direction in self._ended or not piece.data:
                return []
            self._times[direction].add(piece)
            return self._messages(self._read(direction, piece.data))
        if piece.kind is PieceKind.OPEN:
            return [self._event(piece, Kind.CONNECT, "a client has connected")]
        if piece.kind is PieceKind.END:
            sender = "the client" if direction is Direction.UP else "the server"
            rest = self._end(direction, clean=True)
            return [*rest, self._event(piece, Kind.CLOSE, f"{sender} will send no more (FIN)")]
        rest = self.close()
        return [*rest, self._event(piece, Kind.CLOSE, "the connection is cut (RST)")]

    def close(self) -> list[Message]:
        """Return what is unfinished, as nothing more will be seen."""
        return [message for each in Direction for message in self._end(each, clean=False)]

    def _read(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        if self._decoder is not None:
            return self._decoder.feed(direction, data)
        self._first.append((direction, data))
        self._sizes[direction] += len(data)
        if direction is Direction.UP:
            self._decoder = decoder_for(self._beginning(Direction.UP, METHOD_MAX + 1))
        elif self._sizes[direction] > BLOCK and not self._sizes[Direction.UP]:
            self._decoder = self._decoder_for_server()
        return self._read_first() if self._decoder is not None else []

    def _read_first(self) -> list[tuple[Direction, Decoded]]:
        """Decode what was held back until the protocol was clear, in its order."""
        first, self._first = self._first, []
        decoded = [each for direction, data in first for each in self._read(direction, data)]
        for direction in self._ended:
            if self._decoder is not None:
                decoded += self._decoder.end(direction, clean=True)
        return decoded

    def _beginning(self, direction: Direction, most: int) -> bytes:
        beginning = b""
        for each, data in self._first:
            if each is direction:
                beginning += data[: most - len(beginning)]
        return beginning

    def _decoder_for_server(self) -> Decoder:
        """Return the decoder for a connection on which only the server speaks, as with a 408."""
        if self._beginning(Direction.DOWN, 7).startswith(b"HTTP/1."):
            return Http1Decoder(decoder_after)
        return UnknownDecoder(_UNKNOWN)

    def _end(self, direction: Direction, *, clean: bool) -> list[Message]:
        if direction in self._ended or self._gap:
            return []
        decoded: list[tuple[Direction, Decoded]] = []
        if self._decoder is None and self._first:
            up = self._sizes[Direction.UP]
            if (up and direction is Direction.UP) or not clean or not up:
                self._decoder = UnknownDecoder(_TOO_SHORT) if up else self._decoder_for_server()
                decoded += self._read_first()
        self._ended.add(direction)
        if self._decoder is not None:
            decoded += self._decoder.end(direction, clean=clean)
        return self._messages(decoded)

    def _stop_at_gap(self) -> list[Message]:
        """The tape was full: what was under way is cut off, and nothing after it is decoded."""
        rest = self.close()
        self._gap = True
        return rest

    def _messages(self, decoded: list[tuple[Direction, Decoded]]) -> list[Message]:
        return [
            Message(
                next(self._numbers),
                self._connection,
                direction,
                *self._times[direction].take(each.size),
                each,
            )
            for direction, each in decoded
        ]

    def _event(self, piece: Piece, kind: Kind, summary: str) -> Message:
        sent = piece.sent_ns
        arrived = sent if kind is Kind.CONNECT else piece.arrived_ns
        event = ConnectionEvent(kind, summary)
        number = next(self._numbers)
        return Message(number, self._connection, piece.direction, sent, sent, arrived, event)


class _Times:
    """When the bytes of one direction were sent and arrived."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, int, int]] = deque()  # size, sent, arrived
        self._taken = 0  # bytes of the first piece that messages have taken

    def add(self, piece: Piece) -> None:
        self._pieces.append((piece.size, piece.sent_ns, piece.arrived_ns))

    def take(self, size: int) -> tuple[int, int, int]:
        """Take the next `size` bytes; return when they began, were sent, and have arrived."""
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
