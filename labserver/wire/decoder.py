"""What the decoders of all protocols have in common: their interface, and bytes not understood."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import msgspec

from labserver.wire.message import Decoded, Kind, Part
from labserver.wire.preview import byte_count, preview
from labserver.wire.tape import Direction

BLOCK = 16 * 1024  # bytes that are not understood are cut into messages of this size


class Decoder(Protocol):
    """Cuts both directions of a connection into messages, without leaving out a byte."""

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """Return the messages that `data` completes, each with its direction."""

    def end(self, direction: Direction, *, clean: bool) -> list[tuple[Direction, Decoded]]:
        """Return what is left, as no more will come in this direction.

        Args:
            direction: which one has ended.
            clean: whether it ended with a FIN, which may be the end of a body.
        """


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Bytes that could not be understood."""

    raw: bytes
    error: str = ""

    kind: ClassVar[Kind] = Kind.UNKNOWN
    payload: ClassVar[int] = 0
    http_head: ClassVar[int] = 0

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return len(self.raw)

    @property
    def opaque(self) -> int:
        """The number of its bytes, as none of them is understood."""
        return len(self.raw)

    @property
    def summary(self) -> str:
        """How many bytes they are, and the first of them."""
        return f"{byte_count(len(self.raw))}: {self.raw[:16].hex(' ')}"

    def parts(self) -> tuple[Part, ...]:
        """Return a single part."""
        return (Part("unknown", 0, len(self.raw)),)

    def detail(self) -> dict[str, Any]:
        """Return the beginning of its bytes, as text if they are UTF-8."""
        return preview(self.raw)


class ConnectionEvent(msgspec.Struct, frozen=True, gc=False):
    """A connection begins or ends; this has no bytes of its own.

    Attributes:
        kind: `Kind.CONNECT` or `Kind.CLOSE`.
        summary: what happens.
    """

    kind: Kind
    summary: str

    raw: ClassVar[bytes] = b""
    size: ClassVar[int] = 0
    payload: ClassVar[int] = 0
    http_head: ClassVar[int] = 0
    opaque: ClassVar[int] = 0
    error: ClassVar[str] = ""

    def parts(self) -> tuple[Part, ...]:
        """Return nothing, as there are no bytes."""
        return ()

    def detail(self) -> dict[str, Any]:
        """Return what happens."""
        return {"how": self.summary}


class UndecodedStream:
    """The rest of a stream that is no longer understood, cut into blocks of a fixed size.

    The blocks do not follow the pieces in which the bytes came: the same bytes would otherwise
    give other messages whenever they were cut differently.

    Args:
        reason: why it is not understood; the first block carries it as its error.
    """

    def __init__(self, reason: str = "") -> None:
        self._reason = reason
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Decoded]:
        """Return the blocks that `data` fills."""
        self._held += data
        full: list[Decoded] = []
        start = 0
        while len(self._held) - start >= BLOCK:
            full.append(self._block(start, start + BLOCK))
            start += BLOCK
        del self._held[:start]
        return full

    def end(self) -> list[Decoded]:
        """Return the last block, if any bytes are left."""
        if not self._held:
            return []
        last = self._block(0, len(self._held))
        self._held.clear()
        return [last]

    def _block(self, start: int, end: int) -> Unknown:
        reason, self._reason = self._reason, ""
        return Unknown(bytes(self._held[start:end]), reason)


def cut_off(data: bytes, what: str) -> list[Decoded]:
    """Return what is left of something when its stream ends, or nothing if `data` is empty.

    Args:
        data: the bytes that have come.
        what: what was unfinished, such as `a TLS record`.
    """
    return [Unknown(data, f"byte {len(data)}: cut off within {what}")] if data else []
