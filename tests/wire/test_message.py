"""What was decoded, once it is known who sent it when."""

from __future__ import annotations

import math

from labserver.wire.decoder import Unknown
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction
from labserver.wire.websocket_frame import Frame


def test_what_is_not_payload_is_overhead() -> None:
    message = Message(1, 1, Direction.DOWN, 0, 0, 0, Frame(b"\x81\x05", b"Hello"))
    assert (message.size, message.payload, message.overhead) == (7, 5, 2)


def test_times_are_in_seconds_and_infinite_where_it_never_arrives() -> None:
    message = Message(9, 3, Direction.UP, 1_000_000, 2_000_000, -1, Unknown(b"abc", "why"))
    assert (message.began, message.sent, message.arrived) == (0.001, 0.002, math.inf)


def test_a_message_says_what_was_decoded() -> None:
    decoded = Unknown(b"abc", "why")
    message = Message(9, 3, Direction.UP, 0, 0, 0, decoded)
    assert (message.number, message.connection, message.kind) == (9, 3, Kind.UNKNOWN)
    assert (message.raw, message.error, message.detail) == (b"abc", "why", {"text": "abc"})
    assert (message.summary, message.parts) == (decoded.summary, decoded.parts())
