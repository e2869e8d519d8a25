"""What the connections of a trace were busy with over time, as bars and ticks to be drawn.

Times are the client's: when it sends, and when it has got; seconds since the trace began.
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
from labserver.wire.message import Kind
from labserver.wire.tape import Direction

STREAM_TYPE = "text/event-stream"
STREAM_END = "end of the stream"  # how a trace sums up the last chunk of one
SWITCHED = "101 "


class Row(msgspec.Struct, frozen=True, gc=False):
    """A message, as the trace's table has it."""

    place: int  # in the trace
    number: int
    connection: int
    direction: Direction
    kind: Kind
    began: float
    sent: float
    arrived: float
    payload: int
    summary: str

    @property
    def lost(self) -> bool:
        """Whether it never arrived."""
        return self.arrived == math.inf

    @property
    def at(self) -> float:
        """When the client sent it or got it; where it never did, when it was sent."""
        return self.sent if self.direction is Direction.UP or self.lost else self.arrived


class Busy(Enum):
    """What a connection can be busy with."""

    ANSWERED = "request until its answer"
    EMPTY = "request until an empty answer"
    TOLD = "request with payload"
    OPEN = "open: stream or socket"
    WAITING = "request without an answer"


@dataclass(slots=True)
class Bar:
    """From when to when a connection was busy; `count` such bars are drawn as one."""

    busy: Busy
    began: float
    ended: float
    request: Row | None = None
    answer: Row | None = None
    count: int = 1


class Tick(msgspec.Struct, gc=False):
    """A message on something that stays open; `count` of them are drawn as one."""

    at: float
    row: Row
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
        """When it was open and there is no bar."""
        return _pauses(self.bars, self.began, self.ended)

    @property
    def reach_s(self) -> float:
        """For how many seconds the server had something to answer, or to write on."""
        bars = [bar for bar in self.bars if bar.busy is not Busy.TOLD]
        ended = max([self.ended, *(bar.ended for bar in bars)])
        pauses = _pauses(bars, self.began, ended)
        return ended - self.began - sum(end - start for start, end in pauses)

    def merge(self, moment: float) -> None:
        """Make one of the bars, and of the ticks, that look alike and begin in one moment."""
        bars: dict[tuple[int, Busy], Bar] = {}
        for bar in self.bars:
            one = bars.setdefault((int(bar.began / moment), bar.busy), bar)
            if one is not bar:
                one.ended = max(one.ended, bar.ended)
                one.count += 1
        ticks: dict[tuple[int, Direction, bool], Tick] = {}
        for tick in self.ticks:
            key = (int(tick.at / moment), tick.row.direction, tick.row.lost)
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


def lanes_of(trace: Trace) -> Lanes:
    """Read a trace that has messages."""
    table = trace.messages()
    times = table[["began", "sent", "arrived"]].to_numpy()
    began = float(times[:, 0].min())
    ended = float(times[times < math.inf].max())
    columns = (
        range(len(table)),
        table["number"].tolist(),
        table["connection"].tolist(),
        map(Direction, table["direction"].tolist()),
        map(Kind, table["kind"].tolist()),
        *times.T.tolist(),
        table["payload"].tolist(),
        table["summary"].tolist(),
    )
    return Lanes(_read(trace, map(Row, *columns), ended), len(table), began, ended)


def _read(trace: Trace, rows: Iterable[Row], ended: float) -> list[Lane]:
    readers: dict[int, _Reader] = {}
    for row in rows:
        if row.connection not in readers:
            readers[row.connection] = _Reader(Lane(row.connection, row.began))
        readers[row.connection].read(row)
    return [reader.end(trace, ended) for reader in readers.values()]


class _Reader:
    """Reads one connection's messages into its lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._asked: deque[Row] = deque()
        self._last: Bar | None = None  # an answer's, which may turn out to be a stream
        self._open: Bar | None = None

    def read(self, row: Row) -> None:
        """One message, in order."""
        if row.kind is Kind.CLOSE:
            self._lane.ended = row.sent if row.lost else row.arrived
        elif row.kind is Kind.HTTP_REQUEST:
            self._close(row.began)
            self._asked.append(row)
        elif row.kind is Kind.HTTP_RESPONSE:
            self._answered(row)
        elif row.kind is not Kind.CONNECT:
            self._said(row)

    def end(self, trace: Trace, ended: float) -> Lane:
        """Nothing more was seen; what is open was so until then."""
        lane = self._lane
        lane.ended = min(lane.ended, ended)
        if self._last is not None and _is_stream(trace, self._last):
            self._stream()
        self._close(lane.ended)
        for row in self._asked:
            lane.bars.append(Bar(Busy.WAITING, row.began, max(lane.ended, row.began), row))
        return lane

    def _answered(self, row: Row) -> None:
        switched = row.summary.startswith(SWITCHED)
        if row.summary.startswith("1") and not switched:
            return  # 100 and 103 come before the answer
        request = self._asked.popleft() if self._asked else None
        began = row.began if request is None else request.began
        busy = Busy.ANSWERED if row.payload or switched else Busy.EMPTY
        if request is not None and request.payload:
            busy = Busy.TOLD
        bar = Bar(busy, began, row.at, request, row)
        self._lane.bars.append(bar)
        if switched and not row.lost:
            self._open = Bar(Busy.OPEN, row.at, row.at, request, row)
            self._lane.bars.append(self._open)
        else:
            self._last = bar

    def _said(self, row: Row) -> None:
        """Something that is neither request nor answer: the connection stays open."""
        if row.kind is Kind.SSE_EVENT and self._last is not None:
            self._stream()
        if self._open is None:
            self._open = Bar(Busy.OPEN, row.began, row.began)
            self._lane.bars.append(self._open)
        if row.kind is Kind.SSE_EVENT and row.summary == STREAM_END:
            self._close(row.at)
        else:
            self._lane.ticks.append(Tick(row.at, row))

    def _stream(self) -> None:
        """The last answer was a stream's head."""
        self._open, self._last = self._last, None
        if self._open is not None:
            self._open.busy = Busy.OPEN

    def _close(self, at: float) -> None:
        if self._open is not None:
            self._open.ended = max(at, self._open.ended)
        self._open = self._last = None


def _is_stream(trace: Trace, bar: Bar) -> bool:
    """Whether an answer is a stream that said nothing: only its head tells."""
    if bar.answer is None:
        return False
    headers = trace[bar.answer.place].detail["headers"]
    return any(
        name.lower() == "content-type" and value.lower().startswith(STREAM_TYPE)
        for name, value in headers
    )
