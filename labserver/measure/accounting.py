"""What each message in a trace was for, so that its bytes can be charged to something.

Every byte on the wire belongs to exactly one message, and every message to one purpose: the sums
add up to what was on the wire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from labserver.trace.tables import HEADERS, SEGMENT_MAX, SEGMENTS_PER_ACK
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction

SAID = b'{"type":"CHAT_MESSAGE"'


class Purpose(Enum):
    """What bytes were used for."""

    DELIVER = "deliver"  # a chat message to a listener, with the request if it takes one
    EMPTY = "empty"  # a poll that brought nothing
    SAY = "say"  # a chat message from its speaker, with the answer
    OTHER = "other"  # handshakes, presence, pings: not to be charged to any chat message


@dataclass(slots=True)
class Cost:
    """What one frame, one event, or one request with its response took.

    Attributes:
        number: the number of the message that completed it.
        purpose: what it was for.
        up, down: bytes on the wire, each way.
        payload: how many of them are the application's own.
        http_headers: how many of them are request lines, status lines and header fields.
        segments_up, segments_down: TCP segments that it fills, each way.
    """

    number: int
    purpose: Purpose
    up: int = 0
    down: int = 0
    payload: int = 0
    http_headers: int = 0
    segments_up: int = 0
    segments_down: int = 0

    def add(self, message: Message) -> None:
        """Add a message's bytes."""
        size = len(message.raw)
        if message.direction is Direction.UP:
            self.up += size
            self.segments_up += -(-size // SEGMENT_MAX)
        else:
            self.down += size
            self.segments_down += -(-size // SEGMENT_MAX)
        self.payload += message.payload
        if message.kind in (Kind.HTTP_REQUEST, Kind.HTTP_RESPONSE):
            self.http_headers += message.raw.find(b"\r\n\r\n") + 4
        self.number = message.number

    @property
    def wire(self) -> int:
        """Bytes on the wire, both ways."""
        return self.up + self.down

    @property
    def framing(self) -> int:
        """Bytes that are neither payload nor HTTP headers: frame headers, chunk sizes."""
        return self.wire - self.payload - self.http_headers

    @property
    def packets(self) -> int:
        """TCP segments with data, both ways: there are at least this many packets."""
        return self.segments_up + self.segments_down

    @property
    def tcp_ip_estimate(self) -> int:
        """An estimate, mostly an upper bound, of what IPv4 and TCP add, pure ACKs included."""
        acks = -(-self.segments_up // SEGMENTS_PER_ACK) + -(-self.segments_down // SEGMENTS_PER_ACK)
        return HEADERS * (self.packets + acks)


def costs(trace: Iterable[Message]) -> Iterator[Cost]:
    """Charge every message in a trace to something; yields in the order of completion.

    A request counts together with its response; requests without a response yet come last.
    """
    asking: dict[int, deque[Message]] = {}  # requests without a response, by connection
    for message in trace:
        if message.kind is Kind.HTTP_REQUEST:
            asking.setdefault(message.connection, deque()).append(message)
            continue
        entry = Cost(message.number, _purpose(message))
        if message.kind is Kind.HTTP_RESPONSE and message.detail["status"] != 100:
            request = asking[message.connection].popleft()
            entry.purpose = _purpose_of_exchange(request, message)
            entry.add(request)
        entry.add(message)
        yield entry
    for requests in asking.values():
        for request in requests:
            entry = Cost(request.number, Purpose.OTHER)
            entry.add(request)
            yield entry


def _purpose_of_exchange(request: Message, response: Message) -> Purpose:
    status = response.detail["status"]
    if request.detail["method"] == "POST":
        return Purpose.SAY
    if not request.detail["target"].startswith("/messages"):
        return Purpose.OTHER
    if status in (204, 304):
        return Purpose.EMPTY
    return Purpose.DELIVER if _is_said(response) else Purpose.OTHER


def _purpose(message: Message) -> Purpose:
    if message.kind is Kind.SSE_EVENT:
        return Purpose.DELIVER if _is_said(message) else Purpose.OTHER
    if message.kind is not Kind.WEBSOCKET_FRAME:
        return Purpose.OTHER
    if message.direction is Direction.UP:
        return Purpose.SAY if _is_said(message) else Purpose.OTHER
    if str(message.detail.get("text", "")).startswith('{"type":"ACK"'):
        return Purpose.SAY
    return Purpose.DELIVER if _is_said(message) else Purpose.OTHER


def _is_said(message: Message) -> bool:
    # What clients send is masked, so it can only be read in the detail.
    return SAID in message.raw or SAID.decode() in str(message.detail.get("text", ""))
