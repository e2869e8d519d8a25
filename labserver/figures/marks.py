"""What is marked on a time axis, and the one clock that several traces are laid on.

A figure counts seconds from the first message. Each trace counts from when its server began, so
traces of several servers are shifted by when they began, which their tapes have recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.chart import Chart
from labserver.figures.palette import EMPHASIS, TEXT_PX
from labserver.figures.wire_text import plain
from labserver.trace.trace import Trace
from labserver.wire.message import Message

Moment = Message | float
Marks = Mapping[str, Moment | Iterable[Moment]]

SINCE_1970_S = 1e9  # a time as large as this is one of `time.time()`; no trace is 30 years long
TEXT_CHARACTERS = 60
CHARACTER_PX = 6.6  # at TEXT_PX
NARROW_PX = 480  # of the axis, in a window of 700 pixels
LINE_PX = 18


class Mark(NamedTuple):
    """A moment on a figure's clock, in seconds, and what happened then."""

    at: float
    text: str


class Clock:
    """Seconds since the first message of some traces, each of which has at least one.

    Args:
        traces: if all of them know when they began, they are laid on one clock; else each counts
            from its own beginning. A list of messages does not know it.
    """

    def __init__(self, traces: Sequence[Trace | Sequence[Message]]) -> None:
        self._traces = traces
        began = [trace.began_ns if isinstance(trace, Trace) else None for trace in traces]
        known = [at for at in began if at is not None]
        self.shared = len(known) == len(traces) or len(traces) == 1
        self._zero_ns = known[0] if self.shared and known else None
        shifts = [at - known[0] for at in known] if len(known) == len(traces) else [0] * len(traces)
        first = [trace[0].began_ns + at for trace, at in zip(traces, shifts, strict=True)]
        zero = min(first)
        self._first_ns = zero
        zeros = [zero] * len(traces) if self.shared else first
        self.shifts_s = [(at - zero) / 1e9 for at, zero in zip(shifts, zeros, strict=True)]

    def marks(self, marks: Marks | None) -> list[Mark]:
        """Return what is marked, in order.

        Raises:
            LabError: if a moment cannot be placed on the clock.
        """
        found = []
        for text, moments in (marks or {}).items():
            several = [moments] if isinstance(moments, Message | float | int) else moments
            said = plain(text, TEXT_CHARACTERS)
            found += [Mark(self._seconds(each), said) for each in several]
        return sorted(found)

    def _seconds(self, moment: Moment) -> float:
        if isinstance(moment, Message):
            for trace, shift in zip(self._traces, self.shifts_s, strict=True):
                if any(each is moment for each in trace[:]):
                    return moment.sent + shift
            raise LabError("The marked message is in none of the traces that are drawn.")
        if moment >= SINCE_1970_S:
            if self._zero_ns is None:
                raise LabError(
                    "When these traces began was not recorded: mark a message instead of a time."
                )
            return (moment * 1e9 - self._zero_ns - self._first_ns) / 1e9
        if len(self._traces) > 1:
            raise LabError(
                "Mark a message, or a time as time.time() returns it: seconds since a trace began"
                " mean nothing where there are several traces."
            )
        return moment + self.shifts_s[0]


def draw_marks(
    figure: Chart, marks: Sequence[Mark], span: tuple[float, float], factor: float
) -> int:
    """Draw a line across the figure for each mark, with what happened above it.

    Args:
        figure: has time on its x axis.
        marks: in order.
        span: what the axis shows, in seconds.
        factor: how many units of the axis a second has.

    Returns:
        How many pixels above the axes the words take.
    """
    ends: list[float] = []  # of each line of words, in pixels of a narrow figure
    said = ""
    for mark in marks:
        figure.add_shape(
            type="line",
            xref="x",
            yref="paper",
            x0=factor * mark.at,
            x1=factor * mark.at,
            y0=0,
            y1=1,
            line={"color": EMPHASIS, "width": 1.5},
            layer="below",  # so that it hides no message
        )
        if mark.text == said:  # one sentence for several moments
            continue
        said = mark.text
        at = NARROW_PX * (mark.at - span[0]) / ((span[1] - span[0]) or 1)
        width = CHARACTER_PX * len(mark.text)
        to_left = at + width > NARROW_PX
        start, end = (at - width, at) if to_left else (at, at + width)
        row = next((row for row, free in enumerate(ends) if free <= start), len(ends))
        ends[row : row + 1] = [end + CHARACTER_PX]
        figure.add_annotation(
            text=mark.text,
            x=factor * mark.at,
            xref="x",
            xanchor="right" if to_left else "left",
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=LINE_PX * row,
            showarrow=False,
            font={"size": TEXT_PX, "color": EMPHASIS},
        )
    return LINE_PX * len(ends)
