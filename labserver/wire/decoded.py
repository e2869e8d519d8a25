"""What a decoder finds in a stream, and what it is once it is known who sent it when.

A decoder knows bytes only: it cuts one direction's stream into found things that follow each
other without a gap. A `Sighting` adds the connection, the direction and the times. Both are
light; the `Message` that a person looks at, with all its parts, is made when it is asked for.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

import msgspec

from labserver.wire.message import Kind, Message, Part
from labserver.wire.tape import Direction

BLOCK = 16 * 1024  # bytes of what is not understood that make a message
PREVIEW = 4096  # characters of a text, and twice so many of hex are a page
SUMMARY = 60  # characters of a text in one line


class Decoded(Protocol):
    """A message that does not know yet who sent it when."""

    @property
    def kind(self) -> Kind:
        """What it is."""

    @property
    def raw(self) -> bytes:
        """Its bytes, as they were on the wire."""

    @property
    def size(self) -> int:
        """How many."""

    @property
    def payload(self) -> int:
        """How many of them the application said."""

    @property
    def http_head(self) -> int:
        """How many of them are request or status line and header fields."""

    @property
    def opaque(self) -> int:
        """How many of them cannot be seen into: encrypted, or not understood."""

    @property
    def error(self) -> str:
        """What is wrong with it and at which of its bytes."""

    @property
    def summary(self) -> str:
        """What it is, in one line."""

    def parts(self) -> tuple[Part, ...]:
        """Its bytes, cut by meaning."""

    def detail(self) -> dict[str, Any]:
        """What it says, by field name."""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Bytes that could not be understood."""

    raw: bytes
    error: str = ""

    kind: ClassVar[Kind] = Kind.UNKNOWN
    payload: ClassVar[int] = 0
    http_head: ClassVar[int] = 0

    @property
    def size(self) -> int:
        """How many bytes."""
        return len(self.raw)

    @property
    def opaque(self) -> int:
        """All of them."""
        return len(self.raw)

    @property
    def summary(self) -> str:
        """How many, and the first of them."""
        return f"{count(len(self.raw))}: {self.raw[:16].hex(' ')}"

    def parts(self) -> tuple[Part, ...]:
        """One part: all of them."""
        return (Part("unknown", 0, len(self.raw)),)

    def detail(self) -> dict[str, Any]:
        """The bytes, as text where they are printable."""
        return preview(self.raw)


class Mark(msgspec.Struct, frozen=True, gc=False):
    """Something that has no bytes of its own: a connection that begins or ends."""

    kind: Kind
    how: str

    raw: ClassVar[bytes] = b""
    size: ClassVar[int] = 0
    payload: ClassVar[int] = 0
    http_head: ClassVar[int] = 0
    opaque: ClassVar[int] = 0
    error: ClassVar[str] = ""

    @property
    def summary(self) -> str:
        """What happens."""
        return self.how

    def parts(self) -> tuple[Part, ...]:
        """None."""
        return ()

    def detail(self) -> dict[str, Any]:
        """What happens."""
        return {"how": self.how}


class Blocks:
    """What is left of a stream that is no longer understood, in blocks of a fixed size.

    They do not follow the pieces, as the same bytes would then give other messages when they
    are cut otherwise.

    Args:
        reason: why; it goes with the first block.
    """

    def __init__(self, reason: str = "") -> None:
        self._reason = reason
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Decoded]:
        """The blocks that are full."""
        self._held += data
        full: list[Decoded] = []
        start = 0
        while len(self._held) - start >= BLOCK:
            full.append(self._block(start, start + BLOCK))
            start += BLOCK
        del self._held[:start]
        return full

    def end(self) -> list[Decoded]:
        """What is left."""
        if not self._held:
            return []
        last = self._block(0, len(self._held))
        self._held.clear()
        return [last]

    def _block(self, start: int, end: int) -> Unknown:
        reason, self._reason = self._reason, ""
        return Unknown(bytes(self._held[start:end]), reason)


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """Something found, and who sent it when; nanoseconds since the tape began."""

    found: Decoded
    connection: int
    direction: Direction
    began_ns: int
    sent_ns: int
    arrived_ns: int

    def message(self, number: int) -> Message:
        """What a person looks at; `number` is its place in the trace."""
        found = self.found
        return Message(
            number=number,
            kind=found.kind,
            connection=self.connection,
            direction=self.direction,
            began=self.began_ns / 1e9,
            sent=self.sent_ns / 1e9,
            arrived=seconds(self.arrived_ns),
            raw=found.raw,
            payload=found.payload,
            summary=found.summary,
            parts=found.parts(),
            detail=found.detail(),
            error=found.error,
        )


def seconds(arrived_ns: int) -> float:
    """A time of arrival in seconds; infinite where it never arrives."""
    return math.inf if arrived_ns < 0 else arrived_ns / 1e9


def cut_off(data: bytes, what: str) -> list[Decoded]:
    """What is left of something when its stream ends."""
    return [Unknown(data, f"byte {len(data)}: cut off within {what}")] if data else []


def count(size: int) -> str:
    """`1 byte`, `1,024 bytes`."""
    return f"{size:,} byte{'' if size == 1 else 's'}"


def line(text: str) -> str:
    """A text shortened to what fits into a line, in quotes."""
    if len(text) > SUMMARY:
        text = text[: SUMMARY - 1] + "…"
    return f'"{text}"'


def preview(data: bytes) -> dict[str, Any]:
    """The beginning of `data`: `text` where it is UTF-8, else `hex`."""
    if not data:
        return {}
    if (text := text_of(data)) is not None:
        return {"text": text}
    return in_hex(data)


def in_hex(data: bytes) -> dict[str, Any]:
    """The beginning of `data` as `hex`."""
    return {"hex": data[:PREVIEW].hex(" ")}


def text_of(data: bytes) -> str | None:
    """The beginning of `data` as text, with an ellipsis where there is more; None: it is none."""
    try:
        text = data[: 4 * PREVIEW].decode()
    except UnicodeDecodeError as error:
        if len(data) <= 4 * PREVIEW or error.start < 4 * PREVIEW - 3:
            return None
        text = data[: error.start].decode()
    return text if len(data) <= 4 * PREVIEW and len(text) <= PREVIEW else text[:PREVIEW] + "…"
