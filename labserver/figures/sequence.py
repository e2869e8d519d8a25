"""A ladder diagram: client left, server right, time downwards, an arrow for each message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from labserver.errors import LabError
from labserver.figures.chart import Chart, dress
from labserver.figures.marks import Clock, Mark, Marks
from labserver.figures.palette import CONNECTION, EMPHASIS, TEXT, TEXT_PX
from labserver.figures.wire_text import duration, hover, plain
from labserver.trace.trace import Trace
from labserver.wire.message import Message
from labserver.wire.tape import Direction

SHOWN_MAX = 500  # more arrows cannot be told apart
ROW = 26  # pixels from one sending to the next: a label fits in between
LADDER_MIN, LADDER_MAX = 220, 1600  # pixels: the axis' title; a few screens to scroll
LADDER_IN_TIME = 560  # pixels
NAMES, SUBTITLE, BOTTOM = 24, 20, 50  # pixels, around it
LABEL_LINE = 16  # pixels
LABEL_CHARACTERS = 54  # per line: they fit beside the ladder in a figure 560 pixels wide
PALE = 0.7  # opacity of what has no payload
LABEL_X = 1.07  # the client stands at 0, the server at 1
RIGHT_X = 3.4
HOVER_POINTS = 5  # along an arrow, near enough to each other for HOVER_PIXELS
HOVER_PIXELS = 50
THIN = 8  # pixels from one arrow to the next; with less, arrows are drawn lighter

# Rows from one event to the next, where the axis is the order of events.
TO_ARRIVAL = 0.4
TO_SENDING_AFTER_ARRIVAL = 0.6
TO_SENDING = 1.0
REMARK = 1.2  # rows for a remark
SILENCE = 0.1  # of the whole time, and
SILENCE_MEDIANS = 5  # times the median pause, and
SILENCE_S = 0.02  # seconds: such a silence deserves a remark

FROM_X = {Direction.UP: 0.0, Direction.DOWN: 1.0}


class Rung(NamedTuple):
    """A message's arrow: where it begins and ends on the y axis."""

    message: Message
    start: float
    end: float

    @property
    def lost(self) -> bool:
        """Whether it never arrived."""
        return math.isinf(self.message.arrived)

    @property
    def tip(self) -> tuple[float, float]:
        """The point at its tip; halfway if it never arrived."""
        return self.point(1)

    @property
    def from_x(self) -> float:
        """The x coordinate of its sender."""
        return FROM_X[self.message.direction]

    def point(self, share: float) -> tuple[float, float]:
        """Return the point at a share of its length."""
        way = share / 2 if self.lost else share
        x = self.from_x + way * (1 - 2 * self.from_x)
        return round(x, 3), round(self.start + way * (self.end - self.start), 4)


class Label(NamedTuple):
    """A label that says what a message is; `unsaid` messages after it have no room for one."""

    rung: Rung
    unsaid: int


class Remark(NamedTuple):
    """A remark between two arrows; one that was asked for is marked."""

    at: float
    text: str
    is_mark: bool = False


def sequence(
    trace: Trace | Sequence[Message],
    *,
    title: str = "",
    time: bool = False,
    mark: Marks | None = None,
) -> Chart:
    """Draw who said what to whom, and in which order, as a ladder diagram.

    By default the y axis is the order of events: each message has a row of its own, however many
    there were in one millisecond, with its time beside it, and a long silence is one remark. An
    arrow falls past what was sent while it was on its way. With `time`, the axis is true to scale:
    the slope is the link's delay, and a silence is as long as it was.

    An arrow begins when the last byte left its sender, and ends when that byte arrived; if it
    never did, the arrow ends halfway in a cross. Strong arrows carry payload. Of more than 500
    messages the first and the last 250 are shown; then the figure says so.

    Args:
        trace: a trace, or some messages of one, such as `server.trace[:12]`.
        title: the insight; by default, how many messages carry payload.
        time: whether the y axis is true to scale.
        mark: what happened when, such as `{"the cable is cut": t}`: a sentence with a message, a
            time as `time.time()` returns it or in seconds since the trace began, or several.

    Raises:
        LabError: if there is no message to show, or a mark cannot be placed.
    """
    total = len(trace)
    if not total:
        raise LabError("No messages were recorded: send some while the server records.")
    half = SHOWN_MAX // 2
    shown = [*trace[:half], *trace[max(half, total - half) : total]]
    cut = half if total > SHOWN_MAX else 0
    zero_s = shown[0].sent
    marks = [
        each._replace(at=each.at + shown[0].began - zero_s) for each in Clock([trace]).marks(mark)
    ]
    rungs, remarks = (
        _in_time(shown, marks) if time else _in_order(shown, marks, cut, total - len(shown))
    )
    first = min([rung.start for rung in rungs] + [each.at for each in remarks])
    last = max([rung.end for rung in rungs] + [each.at for each in remarks])
    extent = last - first or 1.0
    numbers = sorted({message.connection for message in shown})
    lines = max(len(_lines(message, len(numbers) > 1)) for message in shown)
    label = LABEL_LINE * lines  # pixels
    row = max(ROW, label + 4)
    pixels = LADDER_IN_TIME if time else max(LADDER_MIN, min(LADDER_MAX, row * (extent + 1)))
    room = extent * label / pixels  # of the axis, for a label

    weight = min(1.0, pixels / len(shown) / THIN)
    figure = Chart()
    for look in range(min(len(numbers), len(CONNECTION))):
        connections = set(numbers[look :: len(CONNECTION)])
        some = [rung for rung in rungs if rung.message.connection in connections]
        name = _name(sorted(connections)) if len(numbers) > 1 else "payload"
        _draw(figure, some, look, name, weight, zero_s)
    _explain(figure, rungs)
    labels = _labels(rungs, room)
    _write(figure, labels, name_connection=len(numbers) > 1)
    for remark in remarks:
        _remark(figure, remark)

    said = sum(message.payload > 0 for message in shown)
    count = f"{total:,} message{'' if total == 1 else 's'}"
    dress(
        figure,
        title or (count if cut else f"{count}, {said:,} of them with payload"),
        x="",
        y="time since the first message (ms)" if time else "sent at (ms since the first message)",
    )
    top = figure.layout.margin.t + NAMES + (SUBTITLE if cut else 0)
    figure.update_layout(height=int(pixels) + top + BOTTOM, margin={"t": top, "b": BOTTOM})
    _frame(figure, first - room, first + extent + room)
    if not time:
        figure.update_yaxes(**_times(labels, zero_s))
    if cut:
        figure.update_layout(
            title_subtitle_text=f"{len(shown):,} of {total:,} messages shown:"
            f" the first {half:,} and the last {half:,}",
        )
    return figure


def _in_time(shown: Sequence[Message], marks: Sequence[Mark]) -> tuple[list[Rung], list[Remark]]:
    """Return arrows on an axis of milliseconds since the first was sent."""
    delays = [m.arrived - m.sent for m in shown if math.isfinite(m.arrived)]
    usual = median(delays) if delays else 0.0
    zero = shown[0].sent
    ends = [m.arrived if math.isfinite(m.arrived) else m.sent + usual for m in shown]
    return [
        Rung(m, 1000 * (m.sent - zero), 1000 * (end - zero))
        for m, end in zip(shown, ends, strict=True)
    ], [Remark(1000 * each.at, each.text, is_mark=True) for each in marks]


def _in_order(
    shown: Sequence[Message], marks: Sequence[Mark], cut: int, left_out: int
) -> tuple[list[Rung], list[Remark]]:
    """Return arrows on an axis of rows; `left_out` messages are missing before `shown[cut]`."""
    zero = shown[0].sent
    unmarked = list(reversed(marks))
    events = sorted(
        (at, message.number, is_arrival, place)
        for place, message in enumerate(shown)
        for is_arrival, at in (
            (False, message.sent),
            (True, message.arrived if math.isfinite(message.arrived) else message.sent),
        )
    )
    pauses = [later[0] - at[0] for at, later in pairwise(events)]
    silence = max(
        SILENCE * (events[-1][0] - events[0][0]), SILENCE_MEDIANS * median(pauses), SILENCE_S
    )
    starts, ends = [0.0] * len(shown), [0.0] * len(shown)
    remarks = []
    row, before, after_arrival = 0.0, events[0][0], True
    for at, _, is_arrival, place in events:
        remark = ""
        if cut and place == cut and not is_arrival:
            remark = f"{left_out:,} messages are not shown"
        elif at - before > silence:
            remark = f"{duration(at - before)} of silence"
        if remark:
            remarks.append(Remark(row + REMARK / 2, remark))
            row += REMARK
        while unmarked and zero + unmarked[-1].at <= at:
            remarks.append(Remark(row + REMARK / 2, unmarked.pop().text, is_mark=True))
            row += REMARK
        if is_arrival:
            row += TO_ARRIVAL
            ends[place] = row
        else:
            row += TO_SENDING_AFTER_ARRIVAL if after_arrival else TO_SENDING
            starts[place] = row
        before, after_arrival = at, is_arrival
    for late in reversed(unmarked):
        row += REMARK
        remarks.append(Remark(row, late.text, is_mark=True))
    return [Rung(*each) for each in zip(shown, starts, ends, strict=True)], remarks


def _name(connections: Sequence[int]) -> str:
    if len(connections) == 1:
        return f"connection {connections[0]}"
    return f"connections {connections[0]}, {connections[1]}" + " …" * (len(connections) > 2)


def _remark(figure: Chart, remark: Remark) -> None:
    if not remark.is_mark:
        figure.add_annotation(
            x=0.5,
            y=remark.at,
            text=f"<i>{remark.text}</i>",
            showarrow=False,
            font={"size": TEXT_PX},
        )
        return
    figure.add_shape(
        type="line",
        x0=0,
        x1=1,
        y0=remark.at,
        y1=remark.at,
        line={"color": EMPHASIS, "width": 1.5, "dash": "dash"},
    )
    figure.add_annotation(
        x=LABEL_X,
        xanchor="left",
        y=remark.at,
        text=remark.text,
        showarrow=False,
        font={"size": TEXT_PX, "color": EMPHASIS},
    )


def _draw(
    figure: Chart, rungs: list[Rung], look: int, name: str, weight: float, zero_s: float
) -> None:
    """Draw the arrows of connections that look the same; their `weight` is 1 if they are few."""
    colour, dash = CONNECTION[look]
    for has_payload in (True, False):
        xs, ys, symbols = [], [], []
        for rung in rungs:
            if (rung.message.payload > 0) is has_payload:
                x, y = rung.tip
                xs += [rung.from_x, x, None]
                ys += [rung.start, y, None]
                symbols += ["circle", "x-thin" if rung.lost else "arrow", "circle"]
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": weight * (2 if has_payload else 1.2)},
            marker={
                "symbol": symbols,
                "size": [0 if symbol == "circle" else 5 + 6 * weight for symbol in symbols],
                "angleref": "previous",
                "color": colour,
                "opacity": 1,
                "line": {"width": [2 if s == "x-thin" else 0 for s in symbols], "color": EMPHASIS},
            },
            opacity=1 if has_payload else PALE,
            hoverinfo="skip",
            name=name,
            legendgroup=name,
            showlegend=has_payload,
            cliponaxis=False,
        )
    points = [
        (place, rung.point(at / (HOVER_POINTS - 1)))
        for place, rung in enumerate(rungs)
        for at in range(HOVER_POINTS)
    ]
    figure.add_scatter(
        x=[x for _, (x, _) in points],
        y=[y for _, (_, y) in points],
        mode="markers",
        marker={"size": 1, "opacity": 0, "color": colour},
        meta=[
            hover(rung.message, zero_s) for rung in rungs
        ],  # stored once for all points of an arrow
        hovertemplate=[f"%{{meta[{place}]}}<extra></extra>" for place, _ in points],
        hoverlabel={"bordercolor": colour},
        legendgroup=name,
        name=name,
        showlegend=False,
    )


def _explain(figure: Chart, rungs: list[Rung]) -> None:
    """Add legend entries for what does not depend on the connection."""
    if any(not rung.message.payload for rung in rungs):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            name="pale: no payload",
            line={"color": TEXT, "width": 1.2},
            opacity=PALE,
        )
    if any(rung.lost for rung in rungs):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name="never arrived",
            marker={"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": EMPHASIS}},
        )


def _labels(rungs: list[Rung], room: float) -> list[Label]:
    """Return labels for the arrows that have room for one."""
    labels: list[Label] = []
    for rung in sorted(rungs, key=lambda rung: rung.start):
        if not labels or rung.start - labels[-1].rung.start >= room:
            labels.append(Label(rung, 0))
        else:
            labels[-1] = Label(labels[-1].rung, labels[-1].unsaid + 1)
    return labels


def _write(figure: Chart, labels: list[Label], *, name_connection: bool) -> None:
    """Write what the messages are beside the ladder."""
    texts = []
    for (message, _, _), unsaid in labels:
        connection = f" ({message.connection})" if name_connection else ""
        more = f" +{unsaid:,} more" if unsaid else ""
        summary = "<br>".join(_lines(message, name_connection, len(more)))
        texts.append(f"<b>{message.number}</b>{connection} {summary}<i>{more}</i>")
    figure.add_scatter(
        x=[LABEL_X] * len(labels),
        y=[label.rung.start for label in labels],
        mode="text",
        text=texts,
        textposition="middle right",
        textfont={"size": TEXT_PX, "color": TEXT},
        hoverinfo="skip",
        showlegend=False,
    )


def _lines(message: Message, name_connection: bool, used: int = 0) -> list[str]:
    """Return what a message is, in lines that fit beside the ladder; `used` are taken already."""
    used += len(f"{message.number} ") + (len(f" ({message.connection})") if name_connection else 0)
    room = LABEL_CHARACTERS - used
    summary = message.summary
    if len(summary) <= room:
        return [plain(summary)]
    # A word is cut only if it is long; JSON has words between commas.
    gap = max(summary.rfind(" ", room // 2, room), summary.rfind(",", room // 2, room)) + 1
    end = gap or room
    return [plain(summary[:end]), plain(summary[end:].lstrip(), LABEL_CHARACTERS)]


def _times(labels: list[Label], zero_s: float) -> dict[str, list[float] | list[str]]:
    """Return the times of sending, as ticks of the axis."""
    times_ms = [1000 * (label.rung.message.sent - zero_s) for label in labels]
    span_ms = times_ms[-1] - times_ms[0]
    decimals = 3 if span_ms < 10 else 1 if span_ms < 1000 else 0
    return {
        "tickvals": [label.rung.start for label in labels],
        "ticktext": [f"{time:,.{decimals}f}" for time in times_ms],
    }


def _frame(figure: Chart, top: float, bottom: float) -> None:
    """Draw the lifelines with their names, and let the axis run downwards."""
    for x in FROM_X.values():
        figure.add_vline(x=x, line={"color": TEXT, "width": 1.5})
    figure.update_xaxes(
        range=[-0.01, RIGHT_X],
        tickvals=[0, 1],
        ticktext=["<b>client</b>", "<b>server</b>"],
        side="top",
        showgrid=False,
        zeroline=False,
        showline=False,
        fixedrange=True,
    )
    figure.update_yaxes(range=[bottom, top], showgrid=False, zeroline=False, showline=False)
    figure.update_layout(
        hovermode="closest",
        hoverdistance=HOVER_PIXELS,
        hoverlabel={"font": {"family": "monospace", "size": TEXT_PX}, "align": "left"},
    )
