"""What the connections of a trace were busy with over time, as bars and ticks to be drawn.

Times are the client's: when it sends something, and when it has received it. They are in seconds
since the trace began, or on a clock that several traces share.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgspec

from labserver.trace.trace import Trace
from labserver.wire.message import Kind, Message
from labserver.wire.tape import Direction

STREAM_TYPE = "text/event-stream"
STREAM_END = "end of the stream"  # the summary of its last chunk
SWITCHED = "101 "


def is_lost(message: Message) -> bool:
    """Return whether a message never arrived."""
    return message.arrived_ns < 0


def client_time(message: Message) -> float:
    """Return when the client sent a message or got it, in seconds since the trace began.

    If the client never got it, this is when it was sent.
    """
    if message.direction is Direction.UP or is_lost(message):
        return message.sent
    return message.arrived


class Busy(Enum):
    """What a connection may be busy with."""

    ANSWERED = "request until its response"
    EMPTY = "request until an empty response"
    TOLD = "request with payload"
    OPEN = "open: stream or socket"
    WAITING = "request without a response"


@dataclass(slots=True)
class Bar:
    """A time in which a connection was busy; `count` such bars are drawn as one."""

    busy: Busy
    began: float
    ended: float
    request: Message | None = None
    answer: Message | None = None
    count: int = 1


class Tick(msgspec.Struct, gc=False):
    """A message on something that stays open; `count` of them are drawn as one."""

    at: float
    message: Message
    count: int = 1


@dataclass(slots=True)
class Lane:
    """One connection."""

    connection: int
    began: float
    ended: float = math.inf
    bars: list[Bar] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)

    @property
    def idle(self) -> list[tuple[float, float]]:
        """The times in which it was open without a bar."""
        return _pauses(self.bars, self.began, self.ended)

    @property
    def reach_s(self) -> float:
        """For how many seconds the server had something to answer, or to write on."""
        bars = [bar for bar in self.bars if bar.busy is not Busy.TOLD]
        ended = max([self.ended, *(bar.ended for bar in bars)])
        pauses = _pauses(bars, self.began, ended)
        return ended - self.began - sum(end - start for start, end in pauses)

    def shift(self, by_s: float) -> None:
        """Lay it on another clock."""
        self.began += by_s
        self.ended += by_s
        for bar in self.bars:
            bar.began += by_s
            bar.ended += by_s
        for tick in self.ticks:
            tick.at += by_s

    def cut_to(self, began: float, ended: float) -> None:
        """Leave out what is not between two times."""
        self.began, self.ended = max(self.began, began), min(self.ended, ended)
        self.bars = [bar for bar in self.bars if bar.ended >= began and bar.began <= ended]
        self.ticks = [tick for tick in self.ticks if began <= tick.at <= ended]

    def merge(self, moment: float) -> None:
        """Merge bars that look alike and begin in the same moment, and likewise ticks.

        Args:
            moment: how long a moment is, in seconds.
        """
        bars: dict[tuple[int, Busy], Bar] = {}
        for bar in self.bars:
            one = bars.setdefault((int(bar.began / moment), bar.busy), bar)
            if one is not bar:
                one.ended = max(one.ended, bar.ended)
                one.count += 1
        ticks: dict[tuple[int, Direction, bool], Tick] = {}
        for tick in self.ticks:
            key = (int(tick.at / moment), tick.message.direction, is_lost(tick.message))
            if ticks.setdefault(key, tick) is not tick:
                ticks[key].count += 1
        self.bars, self.ticks = list(bars.values()), list(ticks.values())


def _pauses(bars: Iterable[Bar], began: float, ended: float) -> list[tuple[float, float]]:
    pauses, until = [], began
    for bar in sorted(bars, key=lambda bar: bar.began):
        if bar.began > until:
            pauses.append((until, bar.began))
        until = max(until, bar.ended)
    return [*pauses, (until, ended)] if ended > until else pauses


class Lanes(NamedTuple):
    """A trace's connections, in the order in which they were opened, and how long it lasted."""

    lanes: list[Lane]
    messages: int
    began: float
    ended: float


def ended_s(trace: Trace) -> float:
    """Return when the last message of a trace was sent or arrived, in seconds since it began."""
    return max(max(message.sent_ns, message.arrived_ns) for message in trace[:]) / 1e9


def lanes_of(trace: Trace, shift_s: float = 0.0, until_s: float | None = None) -> Lanes:
    """Read the lanes of a trace that has at least one message.

    Args:
        trace: what a relay has seen.
        shift_s: what is added to each time, for a clock that several traces share.
        until_s: how long what nobody has closed stays open, on that clock; None for the trace's
            end.
    """
    messages = trace[:]
    began = min(message.began_ns for message in messages) / 1e9
    ended = ended_s(trace) if until_s is None else until_s - shift_s
    readers: dict[int, _LaneReader] = {}
    for message in messages:
        reader = readers.get(message.connection)
        if reader is None:
            lane = Lane(message.connection, message.began)
            reader = readers[message.connection] = _LaneReader(lane)
        reader.read(message)
    lanes = [reader.end(ended) for reader in readers.values()]
    for lane in lanes:
        lane.shift(shift_s)
    return Lanes(lanes, len(messages), began + shift_s, ended + shift_s)


class _LaneReader:
    """Reads one connection's messages into its lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._requests: deque[Message] = deque()  # not answered yet
        self._last: Bar | None = None  # an answer's, which may turn out to be a stream
        self._open: Bar | None = None

    def read(self, message: Message) -> None:
        """Read the next message."""
        kind = message.kind
        if kind is Kind.CLOSE:
            self._lane.ended = message.sent if is_lost(message) else message.arrived
        elif kind is Kind.HTTP_REQUEST:
            self._close(message.began)
            self._requests.append(message)
        elif kind is Kind.HTTP_RESPONSE:
            self._read_response(message)
        elif kind is not Kind.CONNECT:
            self._read_other(message)

    def end(self, ended: float) -> Lane:
        """Return the lane; what is still open was so until the trace ended."""
        lane = self._lane
        lane.ended = min(lane.ended, ended)
        if self._last is not None and _is_stream(self._last):
            self._make_stream()
        self._close(lane.ended)
        for request in self._requests:
            began = request.began
            lane.bars.append(Bar(Busy.WAITING, began, max(lane.ended, began), request))
        return lane

    def _read_response(self, response: Message) -> None:
        summary = response.summary
        switched = summary.startswith(SWITCHED)
        if summary.startswith("1") and not switched:
            return  # 100 and 103 come before the response
        request = self._requests.popleft() if self._requests else None
        began = response.began if request is None else request.began
        at = client_time(response)
        busy = Busy.ANSWERED if response.payload or switched else Busy.EMPTY
        if request is not None and request.payload:
            busy = Busy.TOLD
        bar = Bar(busy, began, at, request, response)
        self._lane.bars.append(bar)
        if switched and not is_lost(response):
            self._open = Bar(Busy.OPEN, at, at, request, response)
            self._lane.bars.append(self._open)
        else:
            self._last = bar

    def _read_other(self, message: Message) -> None:
        """Read what is neither a request nor an answer: the connection stays open."""
        is_event = message.kind is Kind.SSE_EVENT
        if is_event and self._last is not None:
            self._make_stream()
        if self._open is None:
            self._open = Bar(Busy.OPEN, message.began, message.began)
            self._lane.bars.append(self._open)
        at = client_time(message)
        if is_event and message.summary == STREAM_END:
            self._close(at)
        else:
            self._lane.ticks.append(Tick(at, message))

    def _make_stream(self) -> None:
        """The last answer was the head of a stream."""
        self._open, self._last = self._last, None
        if self._open is not None:
            self._open.busy = Busy.OPEN

    def _close(self, at: float) -> None:
        if self._open is not None:
            self._open.ended = max(at, self._open.ended)
        self._open = self._last = None


def _is_stream(bar: Bar) -> bool:
    """Return whether an answer is a stream without an event, which only its head tells."""
    if bar.answer is None:
        return False
    headers = bar.answer.detail["headers"]
    return any(
        name.lower() == "content-type" and value.lower().startswith(STREAM_TYPE)
        for name, value in headers
    )
