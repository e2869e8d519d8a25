"""The messages of a trace: what was decoded, and who sent it when.

A message is the smallest thing that has a name of its own on the wire: an HTTP request or
response, a server-sent event, a WebSocket frame. Its bytes are cut into parts, so that payload
and overhead add up, to the byte, to what was sent.

A decoder knows only bytes; what it cuts out of a stream is a `Decoded`. A `Message` adds its
number, connection, direction and times. It is kept small, as a trace has many: its summary,
parts and details are computed each time they are asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import msgspec

from labserver.wire.tape import Direction


class Kind(Enum):
    """The kinds of messages."""

    CONNECT = "connect"  # TCP; it has no bytes of its own
    CLOSE = "close"  # a FIN or RST; it has no bytes of its own
    HTTP_REQUEST = "HTTP request"
    HTTP_RESPONSE = "HTTP response"
    SSE_EVENT = "SSE event"
    WEBSOCKET_FRAME = "WebSocket frame"
    HTTP2_FRAME = "HTTP/2 frame"
    TLS_RECORD = "TLS record"
    UNKNOWN = "unknown bytes"


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a message's bytes that has one meaning.

    Attributes:
        name: the field's name in its RFC, such as `masking key` or `header field`.
        start: the index of its first byte in the message.
        end: the index after its last byte.
        meaning: what it says, in a few words.
        is_payload: whether it is what the application said; everything else is overhead.
    """

    name: str
    start: int
    end: int
    meaning: str = ""
    is_payload: bool = False


class Decoded(Protocol):
    """What a decoder cuts out of a stream; it does not know who sent it when."""

    @property
    def kind(self) -> Kind:
        """The kind of message."""

    @property
    def raw(self) -> bytes:
        """Its bytes, as they were on the wire."""

    @property
    def size(self) -> int:
        """The number of its bytes."""

    @property
    def payload(self) -> int:
        """How many of its bytes the application said."""

    @property
    def http_head(self) -> int:
        """How many of its bytes are a request or status line and header fields."""

    @property
    def opaque(self) -> int:
        """How many of its bytes cannot be looked into: encrypted, or not understood."""

    @property
    def error(self) -> str:
        """What is wrong with it, and at which of its bytes; empty if nothing is."""

    @property
    def summary(self) -> str:
        """What it is, in one line."""

    def parts(self) -> tuple[Part, ...]:
        """Return its bytes, cut by meaning; the parts cover all of `raw`, in order."""

    def detail(self) -> dict[str, Any]:
        """Return what it says, by field name."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a trace.

    Attributes:
        number: its place in the trace, from 1.
        connection: the number of its TCP connection, from 1.
        direction: up (client to server) or down.
        began_ns: when its first byte left its sender, in nanoseconds since the trace began.
        sent_ns: when its last byte left its sender.
        arrived_ns: when its last byte arrived at the other end of the link; -1 if it never did.
        decoded: what it is.
    """

    number: int
    connection: int
    direction: Direction
    began_ns: int
    sent_ns: int
    arrived_ns: int
    decoded: Decoded

    @property
    def kind(self) -> Kind:
        """What kind of message it is."""
        return self.decoded.kind

    @property
    def began(self) -> float:
        """When its first byte left its sender, in seconds since the trace began."""
        return self.began_ns / 1e9

    @property
    def sent(self) -> float:
        """When its last byte left its sender, in seconds since the trace began."""
        return self.sent_ns / 1e9

    @property
    def arrived(self) -> float:
        """When its last byte arrived, in seconds since the trace began; infinite: never."""
        return math.inf if self.arrived_ns < 0 else self.arrived_ns / 1e9

    @property
    def raw(self) -> bytes:
        """Its bytes, as they were on the wire."""
        return self.decoded.raw

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return self.decoded.size

    @property
    def payload(self) -> int:
        """How many of its bytes the application said."""
        return self.decoded.payload

    @property
    def overhead(self) -> int:
        """How many of its bytes are not payload."""
        return self.decoded.size - self.decoded.payload

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        return self.decoded.summary

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its bytes, cut by meaning; the parts cover all of `raw`, in order."""
        return self.decoded.parts()

    @property
    def detail(self) -> dict[str, Any]:
        """What it says, by field name.

        The names depend on its kind: `method`, `target`, `status`, `headers`, `opcode`, `fin`,
        `masked`, `close_code`, `text`, and others.
        """
        return self.decoded.detail()

    @property
    def error(self) -> str:
        """What is wrong with it, and at which of its bytes; empty if nothing is."""
        return self.decoded.error
