"""What a relay has seen: every piece of every connection, with its times.

The tape is bounded. Past its limit it still records when pieces passed and how long they were,
but no longer what was in them; then `full` is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

LIMIT_BYTES = 64 * 1024 * 1024  # a lesson's traffic is a few megabytes at most
LIMIT_PIECES = 1_000_000


class Direction(Enum):
    """The way that a piece went."""

    UP = "up"  # client to server
    DOWN = "down"


class PieceKind(Enum):
    """What a piece records: bytes, or a change of the connection."""

    OPEN = "open"  # a client has connected
    DATA = "data"
    END = "end"  # one side will send no more (FIN)
    ABORT = "abort"  # the connection was cut (RST)


class Piece(NamedTuple):
    """What one read of a socket gave, or what happened to a connection.

    Attributes:
        sent_ns: when it left its sender, in nanoseconds since the tape began.
        arrived_ns: when the link delivers it; -1 if it never does.
        connection: the connection's number, from 1.
        direction: the way that it went.
        kind: data, or something that happened to the connection.
        data: the bytes, as they were delivered; empty past the tape's limit.
        size: how many bytes there were.
    """

    sent_ns: int
    arrived_ns: int
    connection: int
    direction: Direction
    kind: PieceKind
    data: bytes = b""
    size: int = 0


class Tape:
    """Pieces in the order in which they were sent.

    Args:
        limit_bytes: how many bytes of data are kept.

    Attributes:
        began_ns: when its times begin, in nanoseconds since 1970, so that the tapes of several
            servers can be laid on one clock; None if that is not known.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.began_ns: int | None = None
        self.pieces: list[Piece] = []
        self.full = False
        self._room = limit_bytes
        self._listeners: list[Callable[[Piece], None]] = []

    def add(self, piece: Piece) -> None:
        """Record a piece, and call the listeners with it."""
        if self.full or piece.size > self._room or len(self.pieces) >= LIMIT_PIECES:
            self.full = True
            piece = piece._replace(data=b"")
        self._room -= len(piece.data)
        if len(self.pieces) < LIMIT_PIECES:
            self.pieces.append(piece)
        for listener in tuple(self._listeners):
            listener(piece)

    def listen(self, listener: Callable[[Piece], None]) -> Callable[[], None]:
        """Call `listener` with each piece from now on.

        It is called on the relay's thread, and must neither raise nor block.

        Returns:
            A function that removes the listener.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def __iter__(self) -> Iterator[Piece]:
        return iter(tuple(self.pieces))

    def __len__(self) -> int:
        return len(self.pieces)
