"""What a trace is made of: messages, each with its bytes and what they are.

A message is the smallest thing that has a name of its own on the wire: an HTTP request or
response, an event of a stream, a WebSocket frame. Its bytes are cut into parts, so that what
is payload and what is overhead adds up to what was sent, to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from labserver.wire.tape import Direction


class Kind(Enum):
    """What a message is."""

    CONNECT = "connect"  # TCP, no bytes of its own
    CLOSE = "close"  # a FIN or RST, no bytes of its own
    HTTP_REQUEST = "HTTP request"
    HTTP_RESPONSE = "HTTP response"
    SSE_EVENT = "SSE event"
    WEBSOCKET_FRAME = "WebSocket frame"
    HTTP2_FRAME = "HTTP/2 frame"
    TLS_RECORD = "TLS record"
    UNKNOWN = "unknown bytes"


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a message's bytes that means one thing.

    Attributes:
        name: the field's name in its RFC: `FIN, RSV, opcode`, `masking key`, `header field` …
        start, end: where it stands in the message's bytes.
        meaning: what it says, in a few words.
        is_payload: whether it is what the application said; all else is overhead.
    """

    name: str
    start: int
    end: int
    meaning: str = ""
    is_payload: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a trace.

    Attributes:
        number: its place in the trace, from 1.
        kind: what it is.
        connection: the number of its TCP connection, from 1.
        direction: up, client to server, or down.
        began: when its first byte left its sender, seconds since the trace began.
        sent: when its last byte did.
        arrived: when its last byte arrived at the other end of the link.
        raw: its bytes, as they were on the wire.
        payload: how many of them the application said.
        summary: what it is, in one line for a person.
        parts: its bytes, cut by meaning; they cover all of `raw`, in order.
        detail: what it says, by field name: `method`, `target`, `status`, `headers`, `opcode`,
            `fin`, `masked`, `close_code`, `text` …, as its kind has them.
        error: what is wrong with it and at which byte; empty where nothing is.
    """

    number: int
    kind: Kind
    connection: int
    direction: Direction
    began: float
    sent: float
    arrived: float
    raw: bytes
    payload: int = 0
    summary: str = ""
    parts: tuple[Part, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def overhead(self) -> int:
        """How many of its bytes are not payload."""
        return len(self.raw) - self.payload
