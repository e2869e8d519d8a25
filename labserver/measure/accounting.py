"""What each message of a trace was for, so that its bytes can be charged to something.

Every byte that was on the wire belongs to exactly one message, and every message to one purpose:
the sums add up to what was on the wire.
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
    """What bytes were spent for."""

    DELIVER = "deliver"  # a chat message to a listener: the asking, where it has to ask, too
    EMPTY = "empty"  # a poll that brought nothing
    SAY = "say"  # a chat message from its speaker, and its answer
    OTHER = "other"  # handshakes, presence, pings: what no chat message is to be charged with


@dataclass(slots=True)
class Spent:
    """What one thing took: a frame, an event, or a request with its response.

    Attributes:
        number: of the message with which it was complete.
        purpose: what for.
        up, down: bytes on the wire, each way.
        payload: how many of them the application said.
        http_headers: how many are request and status lines and header fields.
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
        """Charge it with a message."""
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
        """What is neither payload nor HTTP headers: frame heads, chunk sizes, field names."""
        return self.wire - self.payload - self.http_headers

    @property
    def packets(self) -> int:
        """TCP segments with data, both ways: at least so many packets."""
        return self.segments_up + self.segments_down

    @property
    def tcp_ip_estimate(self) -> int:
        """What IPv4 and TCP add, with acknowledgements of their own: at most, for the most part."""
        acks = -(-self.segments_up // SEGMENTS_PER_ACK) + -(-self.segments_down // SEGMENTS_PER_ACK)
        return HEADERS * (self.packets + acks)


def spent(trace: Iterable[Message]) -> Iterator[Spent]:
    """What each thing in a trace took, in the order in which they were complete.

    A request counts with its response; one without a response yet comes last.
    """
    asking: dict[int, deque[Message]] = {}  # requests without a response, by connection
    for message in trace:
        if message.kind is Kind.HTTP_REQUEST:
            asking.setdefault(message.connection, deque()).append(message)
            continue
        entry = Spent(message.number, _purpose(message))
        if message.kind is Kind.HTTP_RESPONSE and message.detail["status"] != 100:
            request = asking[message.connection].popleft()
            entry.purpose = _purpose_of_exchange(request, message)
            entry.add(request)
        entry.add(message)
        yield entry
    for requests in asking.values():
        for request in requests:
            entry = Spent(request.number, Purpose.OTHER)
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
    # What clients send is masked, and can be read in the detail alone.
    return SAID in message.raw or SAID.decode() in str(message.detail.get("text", ""))
