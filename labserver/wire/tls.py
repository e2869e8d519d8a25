"""TLS records (RFC 8446 §5.1): their headers can be read, but not what they carry.

This shows what anyone on the path can see: who sends how much, and when.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from labserver.wire.decoder import UndecodedStream, cut_off
from labserver.wire.message import Decoded, Kind, Part
from labserver.wire.preview import byte_count
from labserver.wire.tape import Direction

HEAD = 5
RECORD_MAX = 2**14 + 2048  # RFC 5246 §6.2.3; TLS 1.3 allows 256 instead of 2,048
TYPES = {
    20: "change_cipher_spec",
    21: "alert",
    22: "handshake",
    23: "application_data",
    24: "heartbeat",
}
VERSIONS = {0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


class TlsRecord(msgspec.Struct, frozen=True, gc=False):
    """A TLS record."""

    raw: bytes

    kind: ClassVar[Kind] = Kind.TLS_RECORD
    payload: ClassVar[int] = 0  # how much of it the application said cannot be seen
    http_head: ClassVar[int] = 0
    error: ClassVar[str] = ""

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return len(self.raw)

    @property
    def opaque(self) -> int:
        """How many of its bytes are encrypted: all but the header."""
        return len(self.raw) - HEAD

    @property
    def summary(self) -> str:
        """The content type and the length."""
        return f"{TYPES[self.raw[0]]}, {byte_count(self.opaque)}"

    def parts(self) -> tuple[Part, ...]:
        """Return the fields of its header, and its fragment."""
        parts = (
            Part("content type", 0, 1, TYPES[self.raw[0]]),
            Part("legacy version", 1, 3, _version(self.raw)),
            Part("length", 3, HEAD, f"{self.opaque:,}"),
            Part("fragment", HEAD, self.size, "what it says cannot be seen"),
        )
        return parts if self.opaque else parts[:-1]

    def detail(self) -> dict[str, Any]:
        """Return the fields of its header."""
        return {
            "content_type": TYPES[self.raw[0]],
            "legacy_version": _version(self.raw),
            "length": self.opaque,
        }


class TlsDecoder:
    """Decodes both directions of a connection."""

    def __init__(self) -> None:
        self._readers = {direction: _RecordReader() for direction in Direction}

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, Decoded]]:
        """Return the records that `data` completes, each with its direction."""
        return [(direction, record) for record in self._readers[direction].feed(data)]

    def end(self, direction: Direction, *, clean: bool) -> list[tuple[Direction, Decoded]]:
        """Return what is left, as no more will come in this direction."""
        return [(direction, rest) for rest in self._readers[direction].end()]


class _RecordReader:
    """Reads the records of one direction."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._undecoded: UndecodedStream | None = None

    def feed(self, data: bytes) -> list[Decoded]:
        if self._undecoded is not None:
            return self._undecoded.feed(data)
        held = self._held
        held += data
        decoded: list[Decoded] = []
        while len(held) >= HEAD:
            length = int.from_bytes(held[3:HEAD], "big")
            if error := _error(held, length):
                self._undecoded = UndecodedStream(error)
                return decoded + self._undecoded.feed(bytes(held))
            if len(held) < HEAD + length:
                break
            decoded.append(TlsRecord(bytes(held[: HEAD + length])))
            del held[: HEAD + length]
        return decoded

    def end(self) -> list[Decoded]:
        if self._undecoded is not None:
            return self._undecoded.end()
        rest, self._held = bytes(self._held), bytearray()
        return cut_off(rest, "a TLS record")


def _version(raw: bytes) -> str:
    return VERSIONS.get(int.from_bytes(raw[1:3], "big"), "unknown")


def _error(head: bytearray, length: int) -> str:
    if head[0] not in TYPES:
        return f"byte 0: no TLS record has content type {head[0]} (RFC 8446 §5.1)"
    if head[1] != 3:
        return f"byte 1: no TLS record has version {head[1]}.{head[2]} (RFC 8446 §5.1)"
    if length > RECORD_MAX:
        return f"byte 3: a TLS record has at most {RECORD_MAX:,} bytes, not {length:,}"
    return ""
